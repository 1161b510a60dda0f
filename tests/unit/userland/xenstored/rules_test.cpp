// SPDX-License-Identifier: MIT
// The protocol's rules, one request at a time.
#include "world.hpp"
#include <catch2/catch.hpp>

using namespace xenstore;

TEST_CASE("paths")
{
    for (auto good : {"/", "/a", "/a/b", "/A-z_0@+/x", "/@x"})
        CHECK(valid_path(good));
    for (auto bad : {"", "a", "//", "/a/", "/a//b", "/a b", "/\xc3\xa4", "/a.b", "/a\n"})
        CHECK_FALSE(valid_path(bad));
    CHECK(valid_path("/" + std::string(max_path - 1, 'x')));
    CHECK_FALSE(valid_path("/" + std::string(max_path, 'x')));
    CHECK(absolute_path("a/b", 7).value() == "/local/domain/7/a/b");
    CHECK_FALSE(absolute_path("@releaseDomain", 0).ok());
    CHECK(parent_of("/a/b") == "/a");
    CHECK(parent_of("/a") == "/");
    CHECK(parent_of("/").empty());
    CHECK(is_below("/a/b", "/a"));
    CHECK_FALSE(is_below("/ab", "/a"));
    CHECK_FALSE(is_below("/a", "/a"));
    CHECK(is_below("/a", "/"));
    CHECK(depth_below("/a/b/c", "/a") == 2);
    CHECK(depth_below("/a", "/") == 1);
    CHECK(depth_below("/", "/") == 0);
    TreeOrder before;
    CHECK(before("/a", "/a/b"));
    CHECK(before("/a/z", "/a-b"));
    CHECK_FALSE(before("/a-b", "/a/z"));
}

TEST_CASE("a node is written, read, listed, removed")
{
    World w;
    Client c{w.services(), 0};
    CHECK(c.text(XS_READ, "/a|") == "ENOENT");
    CHECK(c.text(XS_WRITE, "/a/b|value") == "OK|");
    CHECK(c.text(XS_READ, "/a/b|") == "value");
    CHECK(c.text(XS_READ, "/a|") == "");
    CHECK(c.text(XS_WRITE, "/a|some|bytes|") == "OK|");
    CHECK(c.text(XS_READ, "/a|") == "some|bytes|");
    CHECK(c.text(XS_MKDIR, "/a/z|") == "OK|");
    CHECK(c.text(XS_MKDIR, "/a/b|") == "OK|");
    CHECK(c.text(XS_READ, "/a/b|") == "value");
    CHECK(c.text(XS_DIRECTORY, "/a|") == "b|z|");
    CHECK(c.text(XS_RM, "/a/none|") == "OK|");
    CHECK(c.text(XS_RM, "/none/none|") == "ENOENT");
    CHECK(c.text(XS_RM, "/a|") == "OK|");
    CHECK(c.text(XS_READ, "/a/b|") == "ENOENT");
    CHECK(c.text(XS_RM, "/|") == "EINVAL");
    CHECK(w.store.check() == "");
}

TEST_CASE("what is no request is refused")
{
    World w;
    Client c{w.services(), 0}, reader{w.services(), 0, Connection::Rights::read_only};
    CHECK(c.text(XS_READ, "/a") == "EINVAL");
    CHECK(c.text(XS_READ, "/a|more|") == "EINVAL");
    CHECK(c.text(XS_READ, "") == "EINVAL");
    CHECK(c.text(XS_READ, "/a/|") == "EINVAL");
    CHECK(c.text(XS_READ, "@releaseDomain|") == "EINVAL");
    CHECK(c.text(XS_SET_PERMS, "/|x0|") == "EINVAL");
    CHECK(c.text(XS_SET_PERMS, "/|") == "EINVAL");
    CHECK(c.text(XS_SET_PERMS, "/|n70000|") == "EINVAL");
    CHECK(c.text(XS_WATCH, "/a|") == "EINVAL");
    CHECK(c.text(XS_WATCH_EVENT, "/a|x|") == "ENOSYS");
    CHECK(c.text(20, "|") == "ENOSYS");
    CHECK(c.text(23, "|") == "ENOSYS");
    CHECK(c.text(0xffff, "|") == "ENOSYS");
    CHECK(c.text(XS_READ, "/|", 99) == "ENOENT");
    CHECK(c.text(XS_TRANSACTION_START, "|", 1) == "EBUSY");
    CHECK(c.text(XS_TRANSACTION_END, "T|") == "ENOENT");
    CHECK(c.text(XS_TRANSACTION_END, "X|", 1) == "EINVAL");
    CHECK(c.text(XS_CONTROL, "nonsense|") == "EINVAL");
    CHECK(c.text(XS_UNWATCH, "/a|t|") == "ENOENT");
    CHECK(reader.text(XS_WRITE, "/a|b") == "EROFS");
    CHECK(reader.text(XS_READ, "/|") == "");
}

TEST_CASE("permissions keep domains apart")
{
    World w;
    Client us{w.services(), 0}, one{w.services(), 1}, two{w.services(), 2};
    us.ask(XS_WRITE, "/home/1|x");
    CHECK(us.text(XS_SET_PERMS, "/home/1|n1|r2|") == "OK|");
    CHECK(us.text(XS_GET_PERMS, "/home/1|") == "n1|r2|");
    CHECK(one.text(XS_WRITE, "/home/1/mine|v") == "OK|");
    CHECK(one.text(XS_GET_PERMS, "/home/1/mine|") == "n1|r2|");
    CHECK(two.text(XS_READ, "/home/1/mine|") == "v");
    CHECK(two.text(XS_WRITE, "/home/1/mine|w") == "EACCES");
    CHECK(two.text(XS_WRITE, "/home/1/other|w") == "EACCES");
    CHECK(two.text(XS_RM, "/home/1/mine|") == "EACCES");
    CHECK(two.text(XS_SET_PERMS, "/home/1/mine|n2|") == "EACCES");
    CHECK(one.text(XS_SET_PERMS, "/home/1/mine|n2|") == "EPERM");
    CHECK(one.text(XS_SET_PERMS, "/home/1/mine|r1|") == "OK|");
    CHECK(two.text(XS_READ, "/home/1/mine|") == "v");
    CHECK(one.text(XS_WRITE, "/elsewhere|x") == "EACCES");
    // What may not be read is not known to exist, either.
    us.ask(XS_WRITE, "/secret/thing|x");
    CHECK(two.text(XS_READ, "/secret/thing|") == "EACCES");
    CHECK(two.text(XS_READ, "/secret/nothing|") == "EACCES");
    CHECK(two.text(XS_RM, "/secret/nothing|") == "EACCES");
    // A domain that serves another acts for it, too.
    w.machine.create(1);
    w.machine.create(2);
    CHECK(us.text(XS_INTRODUCE, "1|5|1|") == "OK|");
    CHECK(us.text(XS_INTRODUCE, "2|5|1|") == "OK|");
    two.connection().set_target(1);
    CHECK(two.text(XS_WRITE, "/home/1/mine|w") == "OK|");
}

TEST_CASE("a list that is too long comes in parts")
{
    World w;
    Client c{w.services(), 0};
    std::string all;
    for (int i = 0; i < 500; ++i) {
        auto name = "child-number-" + std::to_string(10000 + i);
        c.ask(XS_WRITE, "/dir/" + name + "|");
        all += name + "|";
    }
    CHECK(c.text(XS_DIRECTORY, "/dir|") == "E2BIG");
    std::string got, generation;
    for (;;) {
        auto answer = c.ask(XS_DIRECTORY_PART, "/dir|" + std::to_string(got.size()) + "|");
        REQUIRE(answer.ok());
        auto end = answer.payload.find('\0');
        CHECK((generation.empty() || generation == answer.payload.substr(0, end)));
        generation = answer.payload.substr(0, end);
        auto part = without_nuls(answer.payload.substr(end + 1));
        if (part.ends_with("||") || part == "|") {
            got += part.substr(0, part.size() - 1);
            break;
        }
        got += part;
    }
    CHECK(got == all);
    c.ask(XS_WRITE, "/dir/one-more|");
    CHECK(c.ask(XS_DIRECTORY_PART, "/dir|0|").payload.substr(0, generation.size()) != generation);
    CHECK(c.text(XS_DIRECTORY_PART, "/dir|x|") == "EINVAL");
}

TEST_CASE("quotas: each is met with ENOSPC, and gives back what it took")
{
    World w{{.nodes = 10,
             .memory = 1 << 20,
             .node_size = 100,
             .node_permissions = 3,
             .watches = 2,
             .transactions = 1,
             .transaction_nodes = 20}};
    Client us{w.services(), 0}, guest{w.services(), 1};
    us.ask(XS_WRITE, "/home|");
    us.ask(XS_SET_PERMS, "/home|n1|");
    for (int i = 0; i < 9; ++i)
        CHECK(guest.text(XS_WRITE, "/home/" + std::to_string(i) + "|x") == "OK|");
    CHECK(guest.text(XS_WRITE, "/home/more|x") == "ENOSPC");
    CHECK(guest.text(XS_WRITE, "/home/1/2/3/4|x") == "ENOSPC");
    CHECK(guest.text(XS_READ, "/home/1/2|") == "ENOENT");
    CHECK(guest.text(XS_WRITE, "/home/1|" + std::string(101, 'x')) == "ENOSPC");
    CHECK(guest.text(XS_SET_PERMS, "/home/1|n1|r2|r3|r4|") == "ENOSPC");
    CHECK(guest.text(XS_WATCH, "/a|1|") == "OK|");
    CHECK(guest.text(XS_WATCH, "/a|1|") == "EEXIST");
    CHECK(guest.text(XS_WATCH, "/a|2|") == "OK|");
    CHECK(guest.text(XS_WATCH, "/a|3|") == "ENOSPC");
    CHECK(guest.text(XS_UNWATCH, "/a|2|") == "OK|");
    CHECK(guest.text(XS_WATCH, "/a|3|") == "OK|");
    auto t = guest.begin();
    CHECK(guest.text(XS_TRANSACTION_START, "|") == "ENOSPC");
    CHECK(guest.text(XS_RM, "/home/0|", t) == "OK|");
    CHECK(guest.text(XS_WRITE, "/home/new|x", t) == "OK|");
    CHECK(guest.text(XS_WRITE, "/home/newer|x", t) == "ENOSPC");
    CHECK(guest.commit(t) == "ENOSPC");  // half of what it asked for is not what it asked for
    CHECK(guest.text(XS_READ, "/home/0|") == "x");
    CHECK(w.store.check() == "");
    // The control domain is not bound.
    for (int i = 0; i < 30; ++i)
        CHECK(us.text(XS_WRITE, "/mine/" + std::to_string(i) + "|" + std::string(3000, 'x')) == "OK|");
}

TEST_CASE("a transaction may look at so much and no more")
{
    World w{{.transaction_nodes = 20}};
    Client us{w.services(), 0}, guest{w.services(), 1};
    us.ask(XS_WRITE, "/home|");
    us.ask(XS_SET_PERMS, "/home|n1|");
    for (int i = 0; i < 30; ++i)
        guest.ask(XS_WRITE, "/home/" + std::to_string(i) + "|x");
    auto t = guest.begin();
    int n = 0;
    while (guest.ask(XS_READ, "/home/" + std::to_string(n) + "|", t).ok())
        ++n;
    CHECK(n == 20);
    CHECK(guest.commit(t) == "OK|");
    t = guest.begin();
    CHECK(guest.text(XS_RM, "/home|", t) == "ENOSPC");
    CHECK(guest.commit(t) == "OK|");  // it had not begun to remove anything
    CHECK(guest.text(XS_RM, "/home|") == "OK|");
    CHECK(w.store.check() == "");
}

TEST_CASE("control requests")
{
    World w;
    Client us{w.services(), 0}, guest{w.services(), 1};
    CHECK(us.text(XS_CONTROL, "check|") == "OK|");
    CHECK(us.text(XS_CONTROL, "help|").find("memreport") != std::string::npos);
    CHECK(us.text(XS_CONTROL, "quota|").find("transaction-nodes") != std::string::npos);
    CHECK(us.text(XS_CONTROL, "quota|set|nodes|5|") == "OK|");
    CHECK(w.store.accounts().limits().nodes == 5);
    CHECK(us.text(XS_CONTROL, "quota|set|apples|5|") == "EINVAL");
    CHECK(us.text(XS_CONTROL, "quota|0|").find("domain") == 0);
    CHECK(us.text(XS_CONTROL, "log|on|extra|") == "EINVAL");
    CHECK(guest.text(XS_CONTROL, "help|") == "EACCES");
    CHECK(guest.text(XS_INTRODUCE, "3|5|1|") == "EACCES");
    CHECK(guest.text(XS_RELEASE, "3|") == "EACCES");
    CHECK(guest.text(XS_SET_TARGET, "1|2|") == "EACCES");
    CHECK(guest.text(XS_RESUME, "1|") == "EACCES");
    CHECK(guest.text(XS_GET_DOMAIN_PATH, "5|") == "/local/domain/5|");
    CHECK(guest.text(XS_IS_DOMAIN_INTRODUCED, "5|") == "F|");
}
