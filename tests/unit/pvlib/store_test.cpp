// SPDX-License-Identifier: MIT
// The xenstore client against a daemon that is late, silent, gone and back, or out of its mind.
#include "daemon.hpp"
#include <kernel/memory/frames.hpp>
#include <memory>
#include <pvlib/device/store_connection.hpp>
#include <pvlib/shared.hpp>

using namespace xenbus;

namespace {
// Domain 0's kernel: the daemon is a program that comes later.
struct DomainZero {
    Daemon daemon;
    DomainZero(bool start = true)
    {
        world::begin();
        const_cast<start_info *>(pv::start)->flags = SIF_INITDOMAIN;
        CHECK(connection().start().ok());
        CHECK(start_watch_thread().ok());
        CHECK(daemon_side().page);
        if (start)
            daemon_comes();
    }
    void daemon_comes()
    {
        daemon.start(daemon_side().page, daemon_side().port);
        hypervisor::send(daemon_side().port);
        world::settle();
    }
};
// An unprivileged domain: page and port are there.
struct Guest {
    Daemon daemon;
    Guest()
    {
        world::begin();
        auto &info = *const_cast<start_info *>(pv::start);
        auto frame = kernel::allocate_zeroed_frame().take();
        info.store_mfn = arch::Mmu::to_machine(frame).raw();
        info.store_evtchn = 5;
        daemon.start(static_cast<xenstore_domain_interface *>(arch::frame_ptr(frame)), 5);
        CHECK(connection().start().ok());
        CHECK(start_watch_thread().ok());
    }
};
struct Seen {
    std::vector<std::string> paths;
    static void changed(void *self, std::string_view path) { static_cast<Seen *>(self)->paths.emplace_back(path); }
};
}  // namespace

TEST(store, requests)
{
    Guest g;
    g.daemon.nodes["data/x"] = "42";
    CHECK_EQ(read_number({"data", "x"}).value(), 42u);
    CHECK(write({"data", "y"}, "hello").ok());
    CHECK_EQ(g.daemon.nodes["data/y"], std::string{"hello"});
    CHECK(read({"data", "z"}).error() == Error::noent);
    CHECK(read_number({"data", "y"}).error() == Error::range);
    CHECK(exists({"data"}) && !exists({"other"}));
    auto names = list({"data"}).take();
    std::uint32_t at = 0;
    CHECK(names.next(at) == "x" && names.next(at) == "y" && names.next(at).empty());
    CHECK(remove({"data", "x"}).ok());
    CHECK(remove({"data", "x"}).ok());  // gone already
    CHECK(write({"data", "long"}, std::string(XENSTORE_PAYLOAD_MAX, 'x')).error() == Error::too_big);
    CHECK(write({"data", "long"}, std::string(4000, 'x')).ok());  // through a ring of 1024
    CHECK_EQ(read({"data", "long"}).value().size(), 4000u);
}

TEST(store, several_threads_get_their_own_replies)
{
    Guest g;
    std::vector<std::pair<xsd_sockmsg, std::string>> held;
    // Replies come in the reverse order, five at a time.
    g.daemon.instead = [&](xsd_sockmsg const &h, std::string const &payload) {
        held.push_back({h, payload});
        if (held.size() == 5) {
            for (auto at = held.rbegin(); at != held.rend(); ++at)
                g.daemon.reply(at->first, at->first.type, at->second.substr(0, at->second.size() - 1));
            held.clear();
        }
        return true;
    };
    unsigned right = 0;
    for (int t = 0; t < 5; ++t)
        world::run_thread([&right, t] {
            for (int i = 0; i < 20; ++i) {
                auto path = "thread/" + std::to_string(t) + "/" + std::to_string(i);
                auto got = read({path});
                right += got.ok() && got.value().view() == path;
            }
        });
    world::settle();
    CHECK_EQ(right, 100u);
}

TEST(store, transactions)
{
    Guest g;
    g.daemon.again = 3;
    int runs = 0;
    CHECK(transact([&](Tx tx) {
              ++runs;
              CHECK_EQ(tx.id, 17u);
              return write({"a"}, "b", tx);
          }).ok());
    CHECK_EQ(runs, 4);
    CHECK(transact([](Tx) -> Result<> { return Error::perm; }).error() == Error::perm);
    CHECK_EQ(g.daemon.requests.back(), std::string{"7 F|"});
    g.daemon.again = 1000;
    CHECK(transact([](Tx) { return Result<>{}; }).error() == Error::again);
}

TEST(store, watches)
{
    Guest g;
    Seen seen;
    Watch w{Seen::changed, &seen};
    CHECK(w.start({"data"}).ok());
    CHECK(w.start({"data"}).error() == Error::exist);
    world::settle();
    CHECK(seen.paths == std::vector<std::string>{"data"});
    g.daemon.set("data/a", "1");
    g.daemon.set("data/a", "2");  // the same again before we came to it
    g.daemon.set("data/b", "3");
    world::settle();
    CHECK(seen.paths == (std::vector<std::string>{"data", "data/a", "data/b"}));
    w.stop();
    g.daemon.set("data/c", "4");
    world::settle();
    CHECK_EQ(seen.paths.size(), 3u);
    CHECK(g.daemon.watches.empty());
}

// Callbacks make requests, stop themselves and each other, and are destroyed while they run.
TEST(store, watches_in_callbacks)
{
    Guest g;
    struct Both {
        std::unique_ptr<Watch> first, second;
        int calls = 0;
    } both;
    auto f = [](void *context, std::string_view) {
        auto &b = *static_cast<Both *>(context);
        ++b.calls;
        CHECK(write({"from", "callback"}, "x").ok());
        if (b.calls == 3) {
            b.second.reset();
            b.first.reset();
        }
    };
    both.first = std::make_unique<Watch>(f, &both);
    both.second = std::make_unique<Watch>(f, &both);
    CHECK(both.first->start({"p"}).ok() && both.second->start({"p"}).ok());
    world::settle();
    g.daemon.set("p/q", "1");
    world::settle();
    CHECK_EQ(both.calls, 3);
    CHECK(g.daemon.watches.empty());
}

TEST(store, a_watch_that_is_stopped_waits_for_its_callback)
{
    Guest g;
    static bool inside = false, stopped = false;
    Watch w{[](void *, std::string_view) {
                inside = true;
                world::pass(5'000'000'000);
                CHECK(!stopped);
                inside = false;
            },
            nullptr};
    CHECK(w.start_soon({"slow"}).ok());
    while (!inside)
        world::pass(1'000'000);
    w.stop();
    stopped = true;
    CHECK(!inside);
}

TEST(store, a_daemon_that_comes_late)
{
    DomainZero d{false};
    Seen seen;
    Watch w{Seen::changed, &seen};
    CHECK(!store_ready());
    CHECK(w.start({"device"}).ok());
    bool answered = false;
    world::run_thread([&] { answered = write({"data"}, "x").ok(); });
    world::pass(100'000'000'000);
    CHECK(!answered);
    CHECK(wait_for_store(world::now() + 1'000'000'000).error() == Error::timedout);
    d.daemon_comes();
    CHECK(answered && store_ready());
    CHECK_EQ(seen.paths.size(), 1u);
}

TEST(store, a_daemon_that_goes_and_comes_back)
{
    DomainZero d;
    Seen seen;
    Watch w{Seen::changed, &seen};
    CHECK(w.start({"device"}).ok());
    world::settle();
    auto generation = store_generation();
    d.daemon.silent = true;
    Error failed = Error::none;
    world::run_thread([&] { failed = read({"x"}).error(); });
    world::settle();
    daemon_gone();
    world::settle();
    CHECK(failed == Error::io);
    CHECK(!store_ready());
    d.daemon = {};
    d.daemon_comes();
    CHECK(store_ready());
    CHECK(store_generation() != generation);
    CHECK_EQ(d.daemon.watches.size(), 1u);
    CHECK_EQ(seen.paths.size(), 2u);
    CHECK(write({"x"}, "1").ok());
}

TEST(store, a_daemon_that_falls_silent)
{
    Guest g;
    g.daemon.silent = true;
    auto before = world::now();
    CHECK(read({"x"}).error() == Error::timedout);
    CHECK(world::now() - before >= reply_timeout_ns);
    g.daemon.silent = false;
    world::settle();  // the late reply belongs to nobody
    g.daemon.nodes["y"] = "1";
    CHECK_EQ(read_number({"y"}).value(), 1u);
}

// It does not even read: the ring is full of half a request.
TEST(store, a_daemon_that_does_not_read)
{
    Guest g;
    world::outside = [] { return false; };
    CHECK(write({"x"}, std::string(3000, 'x')).error() == Error::io);
    CHECK(world::now() > reply_timeout_ns);
    CHECK(read({"x"}).error() == Error::io);  // nothing can follow half a message
}

TEST(store, answers_that_make_no_sense)
{
    Guest g;
    unsigned kind = 0;
    g.daemon.instead = [&](xsd_sockmsg const &h, std::string const &) {
        switch (kind++) {
        case 0: g.daemon.reply({0, h.req_id + 1000, 0, 0}, XS_READ, "not asked for"); return false;
        case 1: g.daemon.reply(h, XS_WRITE, "of another kind"); return true;
        case 2: g.daemon.error(h, "ENOTKNOWN"); return true;
        case 3: g.daemon.reply({0, 0, 0, 0}, XS_WATCH_EVENT, "no token"); return false;
        case 4: g.daemon.reply({0, 0, 0, 0}, XS_WATCH_EVENT, std::string{"path\0nonsense\0", 14}); return false;
        case 5: g.daemon.reply(h, h.type, std::string(XENSTORE_PAYLOAD_MAX, 'x')); return true;
        default: return false;
        }
    };
    g.daemon.nodes["x"] = "1";
    CHECK_EQ(read_number({"x"}).value(), 1u);
    CHECK(read({"x"}).error() == Error::proto);
    CHECK(read({"x"}).error() == Error::io);
    CHECK_EQ(read_number({"x"}).value(), 1u);
    CHECK_EQ(read_number({"x"}).value(), 1u);
    CHECK_EQ(read({"x"}).value().size(), static_cast<unsigned>(XENSTORE_PAYLOAD_MAX));
    CHECK_EQ(read_number({"x"}).value(), 1u);
}

TEST(store, a_length_that_cannot_be)
{
    Guest g;
    g.daemon.instead = [&](xsd_sockmsg h, std::string const &) {
        h.len = 0x7fffffff;
        g.daemon.raw(std::string{reinterpret_cast<char *>(&h), sizeof h});
        return true;
    };
    CHECK(read({"x"}).error() == Error::io);
    CHECK(!store_ready());
    CHECK(read({"x"}).error() == Error::io);
}

TEST(store, an_index_that_cannot_be)
{
    Guest g;
    g.daemon.instead = [&](xsd_sockmsg const &, std::string const &) {
        g.daemon.page->rsp_prod += 5000;
        hypervisor::send(5);
        return true;
    };
    CHECK(read({"x"}).error() == Error::io);
}

// Where the daemon offers it, the connection is made anew, and watches with it.
TEST(store, reconnection)
{
    Guest g;
    Seen seen;
    Watch w{Seen::changed, &seen};
    CHECK(w.start({"device"}).ok());
    g.daemon.page->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION;
    g.daemon.instead = [&](xsd_sockmsg h, std::string const &) {
        h.len = 0x7fffffff;
        g.daemon.raw(std::string{reinterpret_cast<char *>(&h), sizeof h});
        return true;
    };
    CHECK(read({"x"}).error() == Error::io);
    CHECK_EQ(g.daemon.page->connection, static_cast<unsigned>(XENSTORE_RECONNECT));
    auto page = g.daemon.page;
    std::memset(page, 0, sizeof *page);
    g.daemon = {};
    g.daemon.start(page, 5);
    hypervisor::send(5);
    world::settle();
    CHECK(store_ready());
    CHECK_EQ(g.daemon.watches.size(), 1u);
    g.daemon.nodes["x"] = "7";
    CHECK_EQ(read_number({"x"}).value(), 7u);
}

// More changes than anybody needs: some are lost, none hurts.
TEST(store, a_flood_of_events)
{
    Guest g;
    static unsigned calls = 0;
    Watch w{[](void *, std::string_view) {
                ++calls;
                world::pass(1'000'000);
            },
            nullptr};
    CHECK(w.start({"data"}).ok());
    for (int i = 0; i < 5000; ++i)
        g.daemon.set("data/" + std::to_string(i), "x");
    for (int i = 0; i < 40; ++i)
        world::pass(1'000'000'000);
    CHECK(calls > 500);
    CHECK(write({"still"}, "here").ok());
}
