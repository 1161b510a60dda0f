// SPDX-License-Identifier: MIT
// Random requests of several clients, compared with the naive model:
//
//   - outside of transactions every answer is the model's;
//   - a transaction that was committed: its requests, made all at once at the moment of the commit, get the same answers;
//   - a transaction that has to start again: somebody did touch what it looked at;
//   - the events are those that the model's changes call for, for those who may know.
#include "model.hpp"
#include "world.hpp"
#include <catch2/catch.hpp>
#include <random>

using namespace xenstore;

namespace {
struct Asked {
    Model::Ask ask;
    std::string path, argument, answer;
};

struct OpenTransaction {
    std::size_t client;
    std::vector<Asked> asked;
    std::set<std::string> touched_by_others;
};

struct Watch {
    std::string path, token;
};

class Run {
public:
    explicit Run(unsigned seed) : random_{seed}
    {
        for (int domain : {0, 0, 1, 2, 3})
            clients_.push_back(std::make_unique<Client>(world_.services(), static_cast<domid_t>(domain)));
        watches_.resize(clients_.size());
        REQUIRE(clients_[0]->text(XS_SET_PERMS, "/|b0|") == "OK|");
        model_.nodes["/"].permissions = {{'b', 0}};
    }

    void step()
    {
        auto client = pick(clients_.size());
        switch (pick(12)) {
        case 0: begin(client); break;
        case 1: end_one(); break;
        case 2: watch(client); break;
        default: request(client); break;
        }
        compare_events();
        REQUIRE(world_.store.check() == "");
    }
    unsigned commits = 0, conflicts = 0, told = 0;

private:
    std::size_t pick(std::size_t n) { return random_() % n; }
    unsigned domain(std::size_t client) { return clients_[client]->domain(); }

    std::string some_path()
    {
        std::string path;
        for (auto depth = pick(4); depth != 0; --depth)
            path += "/" + std::string(1, static_cast<char>('a' + pick(3)));
        return path.empty() ? "/" : path;
    }
    std::string some_permissions()
    {
        std::string text;
        for (auto n = 1 + pick(3); n != 0; --n)
            text += std::string(1, "nrwb"[pick(4)]) + std::to_string(pick(4)) + "|";
        return text;
    }

    void request(std::size_t client)
    {
        static constexpr std::uint32_t types[] = {XS_READ,      XS_WRITE,     XS_MKDIR,    XS_RM,
                                                  XS_DIRECTORY, XS_GET_PERMS, XS_SET_PERMS};
        auto kind = pick(std::size(types) + 3) % std::size(types);
        Asked a{static_cast<Model::Ask>(kind), some_path(), "", ""};
        if (a.ask == Model::Ask::write)
            a.argument = std::to_string(pick(1000));
        if (a.ask == Model::Ask::set_permissions)
            a.argument = some_permissions();
        std::uint32_t id = 0;
        for (auto &[number, t] : open_)
            if (t.client == client && pick(2) == 0)
                id = number;
        a.answer = clients_[client]->text(types[kind], a.path + "|" + a.argument, id & 0xffffff);
        INFO("client " << client << " type " << types[kind] << " " << a.path << " " << a.argument << " -> " << a.answer);
        if (id) {
            open_[id].asked.push_back(a);
            return;
        }
        auto before = model_;
        auto outcome = model_.perform(a.ask, domain(client), a.path, a.argument);
        REQUIRE(a.answer == outcome.text);
        note(before, outcome.touched);
    }

    void begin(std::size_t client)
    {
        if (open_.size() < 6)
            open_[clients_[client]->begin() | static_cast<std::uint32_t>(client) << 24] = {client, {}, {}};
    }

    // Transaction numbers belong to a connection; ours have the client's in the top byte.
    void end_one()
    {
        if (open_.empty())
            return;
        auto at = std::next(open_.begin(), static_cast<std::ptrdiff_t>(pick(open_.size())));
        auto t = std::move(at->second);
        auto id = at->first;
        open_.erase(at);
        auto answer = clients_[t.client]->commit(id & 0xffffff);
        if (answer == "EAGAIN") {
            ++conflicts;
            REQUIRE(has_excuse(t));
            return;
        }
        ++commits;
        REQUIRE(answer == "OK|");
        auto before = model_;
        std::vector<Model::Touched> touched;
        for (auto const &a : t.asked) {
            auto outcome = model_.perform(a.ask, domain(t.client), a.path, a.argument);
            INFO("in a transaction of client " << t.client << ": " << a.path << " " << a.argument);
            REQUIRE(a.answer == outcome.text);
            touched.insert(touched.end(), outcome.touched.begin(), outcome.touched.end());
        }
        note(before, touched);
    }

    static bool has_excuse(OpenTransaction const &t)
    {
        for (auto const &a : t.asked)
            for (auto const &other : t.touched_by_others)
                if (other == a.path || Model::below(a.path, other) || Model::below(other, a.path))
                    return true;
        return false;
    }

    void watch(std::size_t client)
    {
        auto &mine = watches_[client];
        Watch w{some_path(), std::to_string(pick(2))};
        auto same = [&](Watch const &other) { return other.path == w.path && other.token == w.token; };
        auto at = std::find_if(mine.begin(), mine.end(), same);
        if (at != mine.end()) {
            REQUIRE(clients_[client]->text(XS_UNWATCH, w.path + "|" + w.token + "|") == "OK|");
            mine.erase(at);
            return;
        }
        REQUIRE(clients_[client]->text(XS_WATCH, w.path + "|" + w.token + "|") == "OK|");
        REQUIRE(clients_[client]->events() == std::vector<Event>{{w.path, w.token}});
        mine.push_back(w);
    }

    // What was touched, for open transactions and for those who watch.
    void note(Model const &before, std::vector<Model::Touched> const &touched)
    {
        for (auto &[id, t] : open_) {
            for (auto const *model : {&before, static_cast<Model const *>(&model_)})
                for (auto const &[path, node] : model->nodes)
                    if (before.nodes.count(path) != model_.nodes.count(path))
                        t.touched_by_others.insert(path);
            for (auto const &touch : touched)
                t.touched_by_others.insert(touch.path);
        }
        // A node that is removed with others and is there again in the end is told of as whatever came last.
        std::map<std::string, bool> kinds;
        for (auto const &touch : touched)
            if (before.nodes.count(touch.path) || model_.nodes.count(touch.path)) {
                auto [at, fresh] = kinds.emplace(touch.path, touch.below_removed);
                bool stays = model_.nodes.count(touch.path) != 0;
                at->second = fresh || !stays ? touch.below_removed : at->second && touch.below_removed;
            }
        for (std::size_t client = 0; client < clients_.size(); ++client)
            for (auto const &w : watches_[client])
                for (auto const &[path, below_removed] : kinds)
                    if ((path == w.path || (!below_removed && Model::below(path, w.path))) && hears(client, before, path))
                        expected_[client].insert({path, w.token});
    }

    bool hears(std::size_t client, Model const &before, std::string const &path)
    {
        auto readable = [&](Model const &m, std::string const &p) {
            return m.nodes.count(p) && m.may(domain(client), p, 'r');
        };
        return readable(before, path) || readable(model_, path) || (path != "/" && readable(model_, Model::parent(path)));
    }

    void compare_events()
    {
        for (std::size_t client = 0; client < clients_.size(); ++client) {
            std::set<Event> got;
            for (auto const &event : clients_[client]->events())
                got.insert(event);
            told += static_cast<unsigned>(got.size());
            if (got != expected_[client]) {
                for (auto const &e : got)
                    UNSCOPED_INFO("client " << client << " got " << e.path << " " << e.token);
                for (auto const &e : expected_[client])
                    UNSCOPED_INFO("client " << client << " expected " << e.path << " " << e.token);
            }
            REQUIRE((got == expected_[client]));
        }
        expected_.clear();
    }

    std::mt19937 random_;
    World world_;
    Model model_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<std::vector<Watch>> watches_;
    std::map<std::uint32_t, OpenTransaction> open_;
    std::map<std::size_t, std::set<Event>> expected_;
};
}  // namespace

TEST_CASE("random requests do what the naive model does")
{
    unsigned commits = 0, conflicts = 0, told = 0;
    for (unsigned seed = 1; seed <= 20; ++seed) {
        INFO("seed " << seed);
        Run run{seed};
        for (int i = 0; i < 1000; ++i)
            run.step();
        commits += run.commits;
        conflicts += run.conflicts;
        told += run.told;
    }
    CHECK(commits > 200);
    CHECK(conflicts > 100);
    CHECK(told > 2000);
}
