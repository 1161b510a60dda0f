// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>
#include <userland/pvctl/json.hpp>
#include <userland/pvctl/symbols.hpp>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/guest_nodes.hpp>
#include <userland/xen/store.hpp>
#include <vector>

TEST_CASE("JSON")
{
    Json json;
    json.open('{').key("a\"b").value("x\n\\").key("list").open('[').value(1).value(true).open('[').close(']').close(']');
    json.key("n").decimal(1.256, 2).key("h").hex(255).close('}');
    CHECK(json.text() == "{\n  \"a\\\"b\": \"x\\u000a\\\\\",\n  \"list\": [\n    1,\n    true,\n    []\n  ],\n  \"n\": 1.26,\n  \"h\": \"0xff\"\n}");
}

TEST_CASE("symbols of our own program")
{
    std::ifstream file("/proc/self/exe", std::ios::binary);
    std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>{file}, {}};
    Symbols symbols{bytes};
    REQUIRE_FALSE(symbols.empty());
    CHECK(symbols.name(0) == "");
    CHECK_FALSE(symbols.is_code(0xffffffff));
    CHECK(Symbols{std::span{bytes}.first(100)}.empty());
    for (std::size_t n = 0; n < 3000; n += 7)  // cut anywhere: no names, or some, and nothing worse
        (void)Symbols{std::span{bytes}.first(bytes.size() - n * 100 % bytes.size())}.empty();
}

namespace {
// A daemon of our own, without domains.
struct Daemon {
    Daemon()
    {
        setenv("XENSTORED_RUNDIR", folder.c_str(), 1);
        std::filesystem::create_directories(folder);
        auto command = std::string{std::getenv("XENSTORED")} + " --sockets-only --daemon --pid-file " + folder + "/pid";
        REQUIRE(std::system(command.c_str()) == 0);
    }
    ~Daemon()
    {
        pid_t pid = 0;
        std::ifstream{folder + "/pid"} >> pid;
        if (pid > 1)
            kill(pid, SIGTERM);
        std::filesystem::remove_all(folder);
    }
    std::string folder = std::filesystem::temp_directory_path() / ("store-test-" + std::to_string(getpid()));
};
}  // namespace

TEST_CASE("our client of xenstored")
{
    Daemon daemon;
    auto store = need(xen::Store::connect(), "connect"), other = need(xen::Store::connect(), "connect");
    CHECK(store.read("/none").error() == Error::noent);
    CHECK(store.write("/a/b", "1").ok());
    CHECK(store.write("/a/c", "").ok());
    CHECK(store.read("/a/b").value() == "1");
    CHECK(store.directory("/a").value() == std::vector<std::string>{"b", "c"});
    CHECK(store.watch("/a", "t").ok());
    CHECK(store.take_event().value()->path == "/a");
    CHECK_FALSE(store.take_event().value());
    unsigned attempts = 0;
    auto result = store.atomically([&]() -> Result<> {
        auto seen = TRY(store.read("/a/b"));
        if (attempts++ == 0)
            (void)other.write("/a/b", "in between").ok();
        return store.write("/a/sum", seen + "!");
    });
    CHECK(result.ok());
    CHECK(attempts == 2);
    CHECK(other.read("/a/sum").value() == "in between!");
    CHECK(store.atomically([&]() -> Result<> { return TRY(store.write("/x", "1")), Error::inval; }).error()
          == Error::inval);
    CHECK(store.read("/x").error() == Error::noent);
    CHECK(store.remove("/a").ok());
    std::vector<std::string> events;
    while (events.size() < 3 && store.wait(20'000))  // the last may come after the answer
        while (auto event = store.take_event().value())
            events.push_back(event->path);
    CHECK(events == std::vector<std::string>{"/a/b", "/a/sum", "/a"});
    CHECK(store.introduce(5, 1, 1).error() == Error::inval);  // no domains here
}

TEST_CASE("a domain's nodes are all there, with their permissions, and go again")
{
    Daemon daemon;
    auto store = need(xen::Store::connect(), "connect");
    GuestConfig config;
    config.name = "web";
    config.kernel = "/k";
    config.vcpus = 1;
    config.max_vcpus = 2;
    config.max_memory_mb = 256;
    config.disks.push_back({"/dev/null", "xvda", "raw", false});
    config.nics.resize(1);
    GuestIdentity who{7, {}};
    write_guest_nodes(store, who, config, {11, 12, "Lodger"}, {"/k", "", "", 128 << 8, 3, 4});
    auto read = [&](std::string const &path) { return store.read(path).value_or("(absent)"); };
    CHECK(read("/local/domain/7/name") == "web");
    CHECK(read("/local/domain/7/memory/target") == "131072");
    CHECK(read("/local/domain/7/memory/static-max") == "262144");
    CHECK(read("/local/domain/7/cpu/1/availability") == "offline");
    CHECK(read("/local/domain/7/console/ring-ref") == "12");
    CHECK(read("/local/domain/7/console/port") == "4");
    CHECK(read("/local/domain/7/store/port") == "3");
    CHECK(read(read("/local/domain/7/vm") + "/name") == "web");
    CHECK(read("/local/domain/7/device/vbd/51712/backend") == "/local/domain/0/backend/vbd/7/51712");
    CHECK(read("/local/domain/0/backend/vbd/7/51712/mode") == "r");
    CHECK(read("/local/domain/0/backend/vbd/7/51712/frontend-id") == "7");
    CHECK(read("/local/domain/0/backend/vif/7/0/mac").size() == 17);
    CHECK(read("/local/domain/0/backend/vif/7/0/mac") == read("/local/domain/7/device/vif/0/mac"));
    CHECK(find_guest(store, "web") == 7);
    CHECK(find_guest(store, "7") == 7);
    CHECK_THROWS_WITH(find_guest(store, "nobody"), Catch::Matchers::Contains("nobody"));
    remove_guest_nodes(store, 7);
    CHECK(store.directory("/vm").value().empty());
    CHECK(store.directory("/local/domain").value() == std::vector<std::string>{"0"});
    CHECK(store.directory("/local/domain/0/backend/vbd").value().empty());
}
