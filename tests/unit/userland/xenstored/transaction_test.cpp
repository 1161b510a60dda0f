// SPDX-License-Identifier: MIT
#include "world.hpp"
#include <catch2/catch.hpp>

using namespace xenstore;

TEST_CASE("a transaction is seen by others only when it is committed, and not at all when it is given up")
{
    World w;
    Client a{w.services(), 0}, b{w.services(), 0};
    a.ask(XS_WRITE, "/x/1|old");
    auto t = a.begin();
    a.ask(XS_WRITE, "/x/1|new", t);
    a.ask(XS_WRITE, "/x/2|new", t);
    a.ask(XS_RM, "/x/1|", t);
    CHECK(a.text(XS_READ, "/x/1|", t) == "ENOENT");
    CHECK(a.text(XS_DIRECTORY, "/x|", t) == "2|");
    CHECK(b.text(XS_READ, "/x/1|") == "old");
    CHECK(b.text(XS_DIRECTORY, "/x|") == "1|");
    CHECK(a.commit(t) == "OK|");
    CHECK(b.text(XS_DIRECTORY, "/x|") == "2|");
    CHECK(a.commit(t) == "ENOENT");
    t = a.begin();
    a.ask(XS_RM, "/x|", t);
    a.ask(XS_WRITE, "/x/3|", t);
    CHECK(a.text(XS_DIRECTORY, "/x|", t) == "3|");
    CHECK(a.text(XS_TRANSACTION_END, "F|", t) == "OK|");
    CHECK(b.text(XS_DIRECTORY, "/x|") == "2|");
    CHECK(w.store.check() == "");
}

TEST_CASE("a removed tree that is made anew in the same transaction")
{
    World w;
    Client a{w.services(), 0}, b{w.services(), 0};
    a.ask(XS_WRITE, "/x/1/deep|old");
    auto t = a.begin();
    a.ask(XS_RM, "/x|", t);
    a.ask(XS_WRITE, "/x/1|new", t);
    CHECK(a.commit(t) == "OK|");
    CHECK(b.text(XS_DIRECTORY, "/x/1|") == "");
    CHECK(b.text(XS_READ, "/x/1|") == "new");
    CHECK(w.store.check() == "");
}

TEST_CASE("what others did to what a transaction saw makes it start again, what they did elsewhere does not")
{
    World w;
    Client a{w.services(), 0}, b{w.services(), 0};
    a.ask(XS_WRITE, "/x|1");
    a.ask(XS_WRITE, "/y|1");
    auto attempt = [&](std::uint32_t mine, char const *my_path, std::uint32_t theirs, char const *their_path) {
        auto t = a.begin();
        a.ask(mine, my_path, t);
        a.ask(XS_WRITE, "/out|x", t);
        b.ask(theirs, their_path);
        return a.commit(t);
    };
    CHECK(attempt(XS_READ, "/x|", XS_WRITE, "/x|2") == "EAGAIN");
    CHECK(attempt(XS_READ, "/x|", XS_WRITE, "/x|2") == "EAGAIN");  // the same bytes, but written
    CHECK(attempt(XS_READ, "/x|", XS_WRITE, "/y|2") == "OK|");
    CHECK(attempt(XS_READ, "/x|", XS_WRITE, "/x/child|2") == "OK|");
    CHECK(attempt(XS_DIRECTORY, "/x|", XS_WRITE, "/x/other|2") == "EAGAIN");
    CHECK(attempt(XS_DIRECTORY, "/x|", XS_WRITE, "/x/other|3") == "OK|");
    CHECK(attempt(XS_READ, "/none|", XS_WRITE, "/none|1") == "EAGAIN");
    CHECK(attempt(XS_WRITE, "/x/new/a|", XS_WRITE, "/x/new/b|") == "EAGAIN");
    CHECK(attempt(XS_WRITE, "/x/a|", XS_WRITE, "/x/b|") == "OK|");
    CHECK(attempt(XS_RM, "/y|", XS_WRITE, "/y/child|") == "EAGAIN");
    CHECK(attempt(XS_GET_PERMS, "/y|", XS_SET_PERMS, "/y|r0|") == "EAGAIN");
    CHECK(w.store.check() == "");
}

TEST_CASE("a guest whose writes make others start again is served more slowly")
{
    World w;
    Client us{w.services(), 0};
    w.machine.create(4);
    us.ask(XS_WRITE, "/local/domain/4|");
    us.ask(XS_SET_PERMS, "/local/domain/4|n4|");
    us.ask(XS_INTRODUCE, "4|9|1|");
    RingClient guest{w, 4};
    for (int round = 1; round <= 3; ++round) {
        auto t = us.begin();
        us.ask(XS_READ, "/local/domain/4/busy|", t);
        w.machine.now += 1000;
        CHECK(guest.ask(XS_WRITE, "busy|x").ok());
        CHECK(us.commit(t) == "EAGAIN");
        w.domains.on_event(4001);
        CHECK(w.domains.wait_ms() == 1 << round);
    }
    // Held back, it is not served at all.
    guest.put(encode_message({XS_READ, 1, 0, 0}, std::string_view{"busy", 5}));
    CHECK(w.machine.page(4).req_prod != w.machine.page(4).req_cons);
    w.machine.now += 8;
    guest.take();
    CHECK(w.machine.page(4).req_prod == w.machine.page(4).req_cons);
    CHECK(w.domains.wait_ms() == -1);
}
