// SPDX-License-Identifier: MIT
// xenstored's client against a daemon of the test's own: it has written what it will say before it is asked.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <userland/common/fd.hpp>
#include <userland/xen/store.hpp>

namespace {
class Daemon {
public:
    Daemon()
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, path_.size());
        Fd listening{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        REQUIRE(bind(listening.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
        REQUIRE(listen(listening.get(), 1) == 0);
        setenv("XENSTORED_PATH", path_.c_str(), 1);
        client.emplace(xen::Store::connect().take());
        connection_ = Fd{accept(listening.get(), nullptr, nullptr)};
        REQUIRE(connection_);
    }
    ~Daemon()
    {
        unsetenv("XENSTORED_PATH");
        std::filesystem::remove(path_);
    }
    Daemon(Daemon const &) = delete;
    Daemon &operator=(Daemon const &) = delete;

    void says(std::uint32_t type, std::string const &payload, std::uint32_t claimed = ~0u)
    {
        xsd_sockmsg header{type, 0, 0, claimed == ~0u ? static_cast<std::uint32_t>(payload.size()) : claimed};
        REQUIRE(write(connection_.get(), &header, sizeof header) == sizeof header);
        REQUIRE(write(connection_.get(), payload.data(), payload.size()) == static_cast<ssize_t>(payload.size()));
    }
    void goes() { connection_ = Fd{}; }
    bool client_has_more_to_read() const
    {
        pollfd fd{client->fd(), POLLIN, 0};
        return poll(&fd, 1, 0) > 0;
    }

    std::optional<xen::Store> client;

private:
    std::string path_ = std::filesystem::temp_directory_path() / ("store-client-" + std::to_string(getpid()));
    Fd connection_;
};

std::string const event{"/a/watched\0token", 17};
}  // namespace

TEST_CASE("an event that comes before the reply is not slept over", "[store-client]")
{
    Daemon daemon;
    daemon.says(XS_WATCH_EVENT, event);
    daemon.says(XS_READ, "value");
    CHECK(daemon.client->read("/a").value_or("") == "value");
    CHECK_FALSE(daemon.client_has_more_to_read());  // so poll(2) alone would sleep
    CHECK(daemon.client->has_event());
    CHECK(daemon.client->wait(0));
    auto taken = daemon.client->take_event();
    REQUIRE((taken.ok() && taken.value()));
    CHECK(taken.value()->path == "/a/watched");
    CHECK(taken.value()->token == "token");
    CHECK_FALSE(daemon.client->has_event());
    CHECK_FALSE(daemon.client->wait(0));
}

TEST_CASE("events keep their order, before a reply and after it", "[store-client]")
{
    Daemon daemon;
    for (char c : {'1', '2'})
        daemon.says(XS_WATCH_EVENT, std::string{c} + std::string{"\0t", 3});
    daemon.says(XS_ERROR, std::string{"ENOENT", 7});
    daemon.says(XS_WATCH_EVENT, std::string{"3\0t", 4});
    CHECK(daemon.client->read("/a").error() == Error::noent);
    for (char c : {'1', '2', '3'}) {
        CHECK(daemon.client->wait(0));
        auto taken = daemon.client->take_event();
        REQUIRE((taken.ok() && taken.value()));
        CHECK(taken.value()->path == std::string{c});
    }
    auto none = daemon.client->take_event();
    CHECK((none.ok() && !none.value()));
}

TEST_CASE("a daemon that lies or goes is an error, never a wait", "[store-client]")
{
    Daemon daemon;
    SECTION("a message longer than there can be")
    {
        daemon.says(XS_READ, "", XENSTORE_PAYLOAD_MAX + 1);
        CHECK(daemon.client->read("/a").error() == Error::proto);
    }
    SECTION("an event without a token")
    {
        daemon.says(XS_WATCH_EVENT, "no end");
        CHECK(daemon.client->read("/a").error() == Error::proto);
    }
    SECTION("an error that nobody knows")
    {
        daemon.says(XS_ERROR, std::string{"EBANANA", 8});
        CHECK(daemon.client->read("/a").error() == Error::proto);
    }
    SECTION("its end in the middle of a message")
    {
        daemon.says(XS_READ, "half", 8);
        daemon.goes();
        CHECK_FALSE(daemon.client->read("/a").ok());
    }
    SECTION("its end while an event is waited for")
    {
        daemon.goes();
        CHECK_FALSE(daemon.client->take_event().ok());
    }
}
