// SPDX-License-Identifier: MIT
// /dev/xen/xenbus: requests, watches, transactions; several users at once; what is not a message.
#include "device.hpp"
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace xendev;

TEST(store, write_and_read)
{
    Store s;
    s.write("data/posix", "hello");
    CHECK_EQ(s.read("data/posix"), std::string{"hello"});
    s.write("data/posix", "");
    CHECK_EQ(s.read("data/posix"), std::string{});
    CHECK(s.ask(XS_RM, nul("data/posix")).header.type == XS_RM);
    auto gone = s.ask(XS_READ, nul("data/posix"));
    CHECK_EQ(gone.header.type, static_cast<std::uint32_t>(XS_ERROR));
    CHECK_EQ(gone.payload, nul("ENOENT"));
}

TEST(store, folders)
{
    Store s;
    CHECK(s.ask(XS_MKDIR, nul("data/folder")).header.type == XS_MKDIR);
    s.write("data/folder/b", "2");
    s.write("data/folder/a", "1");
    auto names = s.ask(XS_DIRECTORY, nul("data/folder")).strings();
    CHECK(names == std::vector<std::string>({"a", "b"}) || names == std::vector<std::string>({"b", "a"}));
    s.ask(XS_RM, nul("data/folder"));
}

// A message in many writes, several in one write, and replies in small reads.
TEST(store, partial_messages)
{
    Store s;
    auto path = nul("data/partial");
    xsd_sockmsg h{XS_WRITE, 7, 0, static_cast<std::uint32_t>(path.size() + 3)};
    std::string bytes{reinterpret_cast<char *>(&h), sizeof h};
    bytes += path + "abc";
    for (char c : bytes)
        CHECK_EQ(write(s.fd, &c, 1), 1);
    auto r = s.receive();
    CHECK_EQ(r.header.req_id, 7u);
    CHECK_EQ(r.header.type, static_cast<std::uint32_t>(XS_WRITE));

    xsd_sockmsg read_h{XS_READ, 8, 0, static_cast<std::uint32_t>(path.size())};
    std::string two{reinterpret_cast<char *>(&read_h), sizeof read_h};
    two += path;
    read_h.req_id = 9;
    two += std::string{reinterpret_cast<char *>(&read_h), sizeof read_h} + path;
    CHECK_EQ(write(s.fd, two.data(), two.size()), static_cast<ssize_t>(two.size()));
    std::string all;
    while (all.size() < 2 * (sizeof h + 3)) {
        char c;
        CHECK_EQ(read(s.fd, &c, 1), 1);
        all.push_back(c);
    }
    CHECK_EQ(all.substr(sizeof h, 3), std::string{"abc"});
    s.ask(XS_RM, path);
}

TEST(store, watch)
{
    Store s, other;
    s.write("data/watched", "0");
    CHECK(s.ask(XS_WATCH, nul("data/watched") + nul("my token")).payload == nul("OK"));
    auto first = s.next_event().strings();
    CHECK(first == std::vector<std::string>({"data/watched", "my token"}));
    other.write("data/watched/below", "1");
    auto second = s.next_event().strings();
    CHECK(second == std::vector<std::string>({"data/watched/below", "my token"}));
    auto again = s.ask(XS_WATCH, nul("data/watched") + nul("my token"));
    CHECK_EQ(again.payload, nul("EEXIST"));
    CHECK(s.ask(XS_UNWATCH, nul("data/watched") + nul("my token")).payload == nul("OK"));
    other.write("data/watched/below", "2");
    other.read("data/watched/below");
    struct pollfd p = {s.fd, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 200), 0);
    s.ask(XS_RM, nul("data/watched"));
}

static std::uint32_t begin(Store &s)
{
    auto r = s.ask(XS_TRANSACTION_START, nul(""));
    CHECK_EQ(r.header.type, static_cast<std::uint32_t>(XS_TRANSACTION_START));
    return static_cast<std::uint32_t>(std::stoul(r.payload));
}

TEST(store, transaction_is_seen_at_its_end)
{
    Store s, other;
    s.write("data/tx", "before");
    auto tx = begin(s);
    s.write("data/tx", "after", tx);
    CHECK_EQ(s.read("data/tx", tx), std::string{"after"});
    CHECK_EQ(other.read("data/tx"), std::string{"before"});
    CHECK(s.ask(XS_TRANSACTION_END, nul("T"), tx).header.type == XS_TRANSACTION_END);
    CHECK_EQ(other.read("data/tx"), std::string{"after"});
    s.ask(XS_RM, nul("data/tx"));
}

TEST(store, transaction_conflict_and_abort)
{
    Store s, other;
    s.write("data/tx", "0");
    auto tx = begin(s);
    s.read("data/tx", tx);
    other.write("data/tx", "1");
    s.write("data/tx", "2", tx);
    auto end = s.ask(XS_TRANSACTION_END, nul("T"), tx);
    CHECK_EQ(end.payload, nul("EAGAIN"));
    CHECK_EQ(s.read("data/tx"), std::string{"1"});
    tx = begin(s);
    s.write("data/tx", "3", tx);
    s.ask(XS_TRANSACTION_END, nul("F"), tx);
    CHECK_EQ(s.read("data/tx"), std::string{"1"});
    // Not this file's, or over: refused.
    CHECK_EQ(s.ask(XS_READ, nul("data/tx"), tx).header.type, static_cast<std::uint32_t>(XS_ERROR));
    auto theirs = begin(other);
    CHECK_EQ(s.ask(XS_READ, nul("data/tx"), theirs).header.type, static_cast<std::uint32_t>(XS_ERROR));
    s.ask(XS_RM, nul("data/tx"));
}

// Closing ends what was open: more transactions than the daemon allows one domain at a time, one after the other.
TEST(store, closing_ends_transactions_and_watches)
{
    for (int i = 0; i < 30; ++i) {
        Store s;
        begin(s);
        CHECK(s.ask(XS_WATCH, nul("data") + nul("t" + std::to_string(i))).payload == nul("OK"));
        close(s.fd);
    }
}

TEST(store, many_at_once)
{
    pid_t children[6];
    for (int c = 0; c < 6; ++c) {
        children[c] = fork();
        if (children[c] == 0) {
            Store s;
            auto path = "data/many/" + std::to_string(c);
            for (int i = 0; i < 40; ++i) {
                auto value = std::string(static_cast<std::size_t>(i * 20), static_cast<char>('a' + c));
                s.write(path, value);
                CHECK_EQ(s.read(path), value);
            }
            _exit(0);
        }
    }
    for (auto child : children) {
        int status;
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 0);
    }
    Store s;
    s.ask(XS_RM, nul("data/many"));
}

TEST(store, rubbish_is_refused)
{
    Store s;
    xsd_sockmsg h{XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX + 1};
    CHECK_ERRNO(write(s.fd, &h, sizeof h), E2BIG);
    auto unknown = s.ask(999, nul("x"));
    CHECK_EQ(unknown.header.type, static_cast<std::uint32_t>(XS_ERROR));
    xsd_sockmsg watch{XS_WATCH, 1, 0, 4};
    char message[sizeof watch + 4];
    std::memcpy(message, &watch, sizeof watch);
    std::memcpy(message + sizeof watch, "data", 4);
    CHECK_ERRNO(write(s.fd, message, sizeof message), EILSEQ);
    CHECK_EQ(s.ask(XS_GET_DOMAIN_PATH, nul("0")).payload, nul("/local/domain/0"));  // and it goes on
    CHECK_EQ(fcntl(s.fd, F_SETFL, O_NONBLOCK), 0);
    char c;
    CHECK_ERRNO(read(s.fd, &c, 1), EAGAIN);
}
