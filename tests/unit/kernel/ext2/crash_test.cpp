// SPDX-License-Identifier: MIT
// The machine stops: of what was written since the last flush of the disk, anything may be there or not. Whatever is left, e2fsck -p
// must mend it without being asked, what was fsynced must be there, and a file that rename replaced is the old or the new one.
#include "tree.hpp"
#include <catch2/catch.hpp>
#include <optional>

using namespace kernel;
using namespace world;

namespace {
using State = std::optional<std::string>;  // contents; or there is no such file
struct Expectation {
    std::set<State> states;
    bool anything = false;  // written to and not fsynced
};

// Epochs of a few operations, each ended by fsync or sync. The crashes of an epoch are tried when it is over: then it is known
// what was written, and what each file may be.
class Crasher {
public:
    Crasher(std::string const &options, unsigned seed) : random_{seed}
    {
        begin();
        disk_ = Disk::formatted(options, 3072);
        base_ = disk_->bytes;
        disk_->record = true;
        fs_ = std::make_unique<Mounted>(disk_);
        REQUIRE(*fs_);
    }

    void epoch(unsigned operations, unsigned crashes)
    {
        for (unsigned i = 0; i < operations; ++i)
            step();
        end_epoch();
        for (unsigned i = 0; i < crashes; ++i)
            crash_at(random_() % (disk_->history.size() + 1), random_() % 2 == 0);
        crash_at(disk_->history.size(), true);
        for (std::size_t i = 0; i < disk_->history.size(); ++i)
            apply(base_, i);
        disk_->history.clear();
        if (expected_.empty())
            said_.clear();
    }
    unsigned crashes = 0, mended = 0;

private:
    State current(std::string const &p) const
    {
        auto i = files_.find(p);
        return i == files_.end() ? State{} : State{i->second};
    }
    Expectation &expected(std::string const &p)
    {
        auto [i, is_new] = expected_.try_emplace(p);
        if (is_new)
            i->second.states.insert(current(p));
        return i->second;
    }
    void becomes(std::string const &p, State const &s)
    {
        expected(p).states.insert(s);
        if (s)
            files_[p] = *s;
        else
            files_.erase(p);
    }
    std::string path()
    {
        std::string p;
        if (random_() % 3 != 0 && !dirs_.empty()) {
            auto i = dirs_.begin();
            std::advance(i, static_cast<std::ptrdiff_t>(random_() % dirs_.size()));
            p = *i;
        }
        return p + "/" + (random_() % 3 == 0 ? std::string(60, 'n') : std::string{"f"}) + std::to_string(random_() % 12);
    }
    void say(std::string const &text) { said_ += text + "\n"; }

    void step()
    {
        Tree t{**fs_};
        auto a = path(), b = path();
        bool const is_dir = dirs_.count(a) != 0, is_file = files_.count(a) != 0;
        switch (random_() % 12) {
        case 0:
        case 1:
        case 2:
            if (is_dir || is_file)
                return;
            say("create " + a);
            REQUIRE(t.create(a) == 0);
            return becomes(a, "");
        case 3:
        case 4: return is_file ? append(t, a) : void();
        case 5:
        case 6:
            if (!is_file)
                return;
            say("unlink " + a);
            REQUIRE(t.unlink(a) == 0);
            return becomes(a, std::nullopt);
        case 7:
        case 8:
        case 9: return is_file ? rename(t, a, b, random_() % 5 == 0) : void();
        case 10:
            if (is_file || is_dir || dirs_.size() > 5)
                return;
            say("mkdir " + a);
            REQUIRE(t.mkdir(a) == 0);
            dirs_.insert(a);
            return;
        default:
            if (is_dir && t.rmdir(a) == 0) {
                say("rmdir " + a);
                dirs_.erase(a);
            } else if (is_file && !files_.count(b) && !dirs_.count(b)) {
                say("link " + a + " " + b);
                REQUIRE(t.link(a, b) == 0);
                becomes(b, files_[a]);
                for (auto const &[p, text] : files_)  // several names of one file: appended to together
                    if (t.find(p).value() == t.find(a).value())
                        linked_.insert(p);
            }
        }
    }

    void append(Tree &t, std::string const &a)
    {
        std::string bytes(random_() % 9 == 0 ? random_() % 90000 : random_() % 3000,
                          static_cast<char>('a' + random_() % 26));
        say("append " + std::to_string(bytes.size()) + " to " + a);
        REQUIRE(t.write(a, files_[a].size(), bytes) == static_cast<int>(bytes.size()));
        auto inode = t.find(a).value();
        for (auto &[p, text] : files_)
            if (t.find(p).value() == inode) {
                text += bytes;
                expected(p).anything = true;
            }
    }

    void rename(Tree &t, std::string const &a, std::string const &b, bool exchange)
    {
        if (dirs_.count(b) || a == b || (exchange && !files_.count(b)))
            return;
        say((exchange ? "exchange " : "rename ") + a + " " + b);
        bool const same = files_.count(b) && t.find(a).value() == t.find(b).value();
        REQUIRE(t.rename(a, b, exchange) == 0);
        if (same)
            return;
        bool const unsure = expected(a).anything || (exchange && expected(b).anything);
        auto const moved = current(a), other = exchange ? current(b) : State{};
        becomes(b, moved);
        becomes(a, other);
        if (unsure)
            expected(a).anything = expected(b).anything = true;
    }

    // What must be exactly so on the disk from now on: all after sync, the names of one file after fsync.
    void end_epoch()
    {
        Tree t{**fs_};
        final_.clear();
        checked_.clear();
        if (random_() % 2 == 0 && !files_.empty()) {
            auto i = files_.begin();
            std::advance(i, static_cast<std::ptrdiff_t>(random_() % files_.size()));
            say("fsync " + i->first);
            REQUIRE(t.fsync(i->first) == 0);
            auto inode = t.find(i->first).value();
            for (auto const &[p, text] : files_)
                if (t.find(p).value() == inode)
                    final_[p] = text;
        } else {
            say("sync");
            (*fs_)->reap_now();
            REQUIRE((*fs_)->sync().ok());
            for (auto const &[p, e] : expected_)
                final_[p] = std::nullopt;
            for (auto const &[p, text] : files_)
                final_[p] = text;
        }
        for (auto const &[p, s] : final_)
            expected(p).states.insert(s);
        checked_ = expected_;
        for (auto const &[p, s] : final_)
            expected_.erase(p);
    }

    void apply(std::vector<char> &image, std::size_t i) const
    {
        auto const &w = disk_->history[i];
        if (w.sector != ~0ull)
            std::copy(w.data.begin(), w.data.end(), image.begin() + static_cast<std::ptrdiff_t>(w.sector * 512));
    }

    // in_order: all before the point, as when an emulator is killed. Else: all before the last flush, and some after.
    void crash_at(std::size_t point, bool in_order)
    {
        auto image = base_;
        std::size_t flushed = 0;
        for (std::size_t i = 0; i < point; ++i)
            if (disk_->history[i].sector == ~0ull)
                flushed = i;
        for (std::size_t i = 0; i < point; ++i)
            if (i < flushed || in_order || random_() % 2 == 0)
                apply(image, i);
        auto check = e2fsck(image, "-p");
        INFO(said_ << "crash after " << point << " of " << disk_->history.size()
                   << (in_order ? ", in order\n" : ", any\n") << check.text);
        REQUIRE(check.status <= 1);
        ++crashes;
        mended += check.status == 1;
        verify(point == disk_->history.size());
    }

    void verify(bool all)
    {
        auto mendeds = Disk::of_image(checked_image());
        Mounted fs{mendeds, true};
        REQUIRE(fs);
        Tree t{*fs};
        for (auto const &[p, e] : checked_) {
            State state;
            std::string text;
            if (t.read(p, 0, 1 << 20, text) >= 0)
                state = text;
            INFO(p << ": " << (state ? std::to_string(state->size()) + " bytes" : "nothing"));
            if (all && final_.count(p))
                REQUIRE(state == final_[p]);
            else if (!e.anything)
                REQUIRE(e.states.count(state) == 1);
        }
    }

    std::mt19937 random_;
    Ref<Disk> disk_;
    std::vector<char> base_;
    std::unique_ptr<Mounted> fs_;
    std::map<std::string, std::string> files_;
    std::set<std::string> dirs_, linked_;
    std::map<std::string, Expectation> expected_, checked_;
    std::map<std::string, State> final_;
    std::string said_;
};

char const *const formats[] = {"-t ext2 -b 1024 -N 400", "-t ext2 -b 4096 -N 400", "-t ext2 -b 1024 -I 128 -N 400"};
}  // namespace

TEST_CASE("whenever the machine stops, e2fsck -p mends the disk, and nothing that was fsynced is missing")
{
    for (unsigned i = 0; i < 3; ++i) {
        Crasher c{formats[i], 40 + i};
        for (unsigned epoch = 0; epoch < 12; ++epoch)
            c.epoch(1 + epoch % 9, 4);
        CHECK(c.mended > c.crashes / 4);  // most crashes leave something to mend, or this tests nothing
    }
}

TEST_CASE("thousands of crashes", "[long]")
{
    for (unsigned i = 0; i < 30; ++i) {
        Crasher c{formats[i % 3], 1000 + i};
        for (unsigned epoch = 0; epoch < 200; ++epoch)
            c.epoch(1 + epoch % 20, 10);
        std::printf("%u crashes, %u mended\n", c.crashes, c.mended);
    }
}
