// SPDX-License-Identifier: MIT
#include "world.hpp"
#include <catch2/catch.hpp>

using namespace xenstore;

namespace {
using Events = std::vector<Event>;
}

TEST_CASE("a watch is told at once, and then of each change")
{
    World w;
    Client c{w.services(), 0}, other{w.services(), 0};
    CHECK(c.text(XS_WATCH, "/a|t|") == "OK|");
    CHECK(c.events() == Events{{"/a", "t"}});
    other.ask(XS_WRITE, "/a|1");
    CHECK(c.events() == Events{{"/a", "t"}});
    other.ask(XS_WRITE, "/a/b/c|1");
    CHECK(c.events() == Events{{"/a/b/c", "t"}});
    other.ask(XS_WRITE, "/ab|1");
    other.ask(XS_MKDIR, "/a/b|");  // it is there
    other.ask(XS_READ, "/a|");
    CHECK(c.events().empty());
    other.ask(XS_SET_PERMS, "/a/b|r0|");
    CHECK(c.events() == Events{{"/a/b", "t"}});
    other.ask(XS_RM, "/a/b|");
    CHECK(c.events() == Events{{"/a/b", "t"}});
    CHECK(c.text(XS_UNWATCH, "/a|t|") == "OK|");
    other.ask(XS_WRITE, "/a|1");
    CHECK(c.events().empty());
}

TEST_CASE("events come in order; equal ones that wait are one")
{
    World w;
    Client c{w.services(), 0}, other{w.services(), 0};
    c.ask(XS_WATCH, "/|t|");
    c.events();
    for (auto path : {"/c|", "/a|", "/b|", "/a|", "/d|"})
        other.ask(XS_WRITE, path);
    CHECK(c.events() == Events{{"/c", "t"}, {"/a", "t"}, {"/b", "t"}, {"/d", "t"}});
}

TEST_CASE("the removal of a tree is told to those who watch inside of it")
{
    World w;
    Client c{w.services(), 0}, other{w.services(), 0};
    other.ask(XS_WRITE, "/a/b/c|1");
    c.ask(XS_WATCH, "/a/b|in|");
    c.ask(XS_WATCH, "/|root|");
    c.ask(XS_WATCH, "/a/none|none|");
    c.events();
    other.ask(XS_RM, "/a|");
    auto events = c.events();
    std::sort(events.begin(), events.end());
    CHECK(events == Events{{"/a", "root"}, {"/a/b", "in"}});
}

TEST_CASE("a relative watch is told relative paths")
{
    World w;
    Client c{w.services(), 3}, us{w.services(), 0};
    us.ask(XS_WRITE, "/local/domain/3|");
    us.ask(XS_SET_PERMS, "/local/domain/3|n3|");
    CHECK(c.text(XS_WATCH, "device|t|") == "OK|");
    CHECK(c.events() == Events{{"device", "t"}});
    us.ask(XS_WRITE, "/local/domain/3/device/vif|1");
    CHECK(c.events() == Events{{"device/vif", "t"}});
    CHECK(c.text(XS_UNWATCH, "device|t|") == "OK|");
}

TEST_CASE("a watch to a depth hears of what is not deeper")
{
    World w;
    Client c{w.services(), 0}, other{w.services(), 0};
    CHECK(c.text(XS_WATCH, "/a|none|0|") == "OK|");
    CHECK(c.text(XS_WATCH, "/a|one|1|") == "OK|");
    CHECK(c.text(XS_WATCH, "/a|x|y|") == "EINVAL");
    c.events();
    other.ask(XS_WRITE, "/a/b/c|1");
    auto events = c.events();
    std::sort(events.begin(), events.end());
    CHECK(events == Events{{"/a", "none"}, {"/a", "one"}, {"/a/b", "one"}});
    other.ask(XS_WRITE, "/a/b/c|2");
    CHECK(c.events().empty());
}

TEST_CASE("who may not read does not hear")
{
    World w;
    Client us{w.services(), 0}, guest{w.services(), 1};
    us.ask(XS_WRITE, "/a/secret/x|1");
    us.ask(XS_SET_PERMS, "/a|n0|");
    us.ask(XS_SET_PERMS, "/a/secret|n0|");
    guest.ask(XS_WATCH, "/a|t|");
    guest.events();
    us.ask(XS_WRITE, "/a/secret/x|2");
    CHECK(guest.events().empty());
    us.ask(XS_SET_PERMS, "/a/secret/x|n0|r1|");
    CHECK(guest.events() == Events{{"/a/secret/x", "t"}});
    us.ask(XS_WRITE, "/a/secret/x|3");
    CHECK(guest.events().size() == 1);
    us.ask(XS_SET_PERMS, "/a/secret/x|n0|");  // could be read before
    CHECK(guest.events().size() == 1);
    us.ask(XS_SET_PERMS, "/a/secret/x|n0|r1|");
    guest.events();
    us.ask(XS_RM, "/a/secret|");
    CHECK(guest.events() == Events{});  // watches /a: told of /a/secret, which it could not read
    guest.ask(XS_WATCH, "@introduceDomain|s|");
    guest.events();
    w.machine.create(5);
    us.ask(XS_INTRODUCE, "5|1|1|");
    CHECK(guest.events().empty());
    CHECK(us.text(XS_SET_PERMS, "@introduceDomain|n0|r1|") == "OK|");
    CHECK(us.text(XS_GET_PERMS, "@introduceDomain|") == "n0|r1|");
    CHECK(guest.text(XS_SET_PERMS, "@introduceDomain|n1|") == "EACCES");
    w.machine.create(6);
    us.ask(XS_INTRODUCE, "6|1|1|");
    CHECK(guest.events() == Events{{"@introduceDomain", "s"}});
}

TEST_CASE("changes of a transaction are told after its commit, in its order")
{
    World w;
    Client c{w.services(), 0}, other{w.services(), 0};
    c.ask(XS_WATCH, "/a|t|");
    c.events();
    auto t = other.begin();
    other.ask(XS_WRITE, "/a/z|1", t);
    other.ask(XS_WRITE, "/a/b|1", t);
    other.ask(XS_WRITE, "/a/gone|1", t);
    other.ask(XS_WRITE, "/a/z|2", t);
    other.ask(XS_RM, "/a/gone|", t);
    CHECK(c.events().empty());
    CHECK(other.commit(t) == "OK|");
    CHECK(c.events() == Events{{"/a/z", "t"}, {"/a/b", "t"}});
    t = other.begin();
    other.ask(XS_WRITE, "/a/q|1", t);
    CHECK(other.text(XS_TRANSACTION_END, "F|", t) == "OK|");
    CHECK(c.events().empty());
    // What was made on the way is told of, if what it led to has gone again.
    t = other.begin();
    other.ask(XS_WRITE, "/a/way/x|1", t);
    other.ask(XS_RM, "/a/way/x|", t);
    CHECK(other.commit(t) == "OK|");
    CHECK(c.events() == Events{{"/a/way", "t"}});
}

TEST_CASE("reset_watches forgets watches, events and transactions")
{
    World w;
    Client c{w.services(), 1}, us{w.services(), 0};
    c.ask(XS_WATCH, "/|t|");
    auto t = c.begin();
    CHECK(c.text(XS_RESET_WATCHES, "|") == "OK|");
    c.events();
    us.ask(XS_WRITE, "/a|1");
    CHECK(c.events().empty());
    CHECK(c.commit(t) == "ENOENT");
    CHECK(w.store.accounts().held(1).nothing());
}

TEST_CASE("a client that takes no events has a bounded queue, and still learns that something changed")
{
    World w{{.events = 10}};
    Client us{w.services(), 0}, guest{w.services(), 1};
    us.ask(XS_WRITE, "/a|");
    us.ask(XS_SET_PERMS, "/a|r0|");
    guest.ask(XS_WATCH, "/a|t|");
    guest.events();
    for (int i = 0; i < 1000; ++i)
        us.ask(XS_WRITE, "/a/" + std::to_string(i) + "|");
    auto events = guest.events();
    CHECK(events.size() == 11);
    CHECK(events.back() == Event{"/a", "t"});
}
