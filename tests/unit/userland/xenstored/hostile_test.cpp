// SPDX-License-Identifier: MIT
// Domains that send whatever they like, and scribble on their page while they do: they get errors or are cut off; the others and the
// control domain are served, accounts stay below their limits, nothing leaks from what is forgotten.
#include "world.hpp"
#include <catch2/catch.hpp>
#include <cstring>
#include <random>

using namespace xenstore;

namespace {
constexpr domid_t first = 1, last = 3;

class Hostile {
public:
    Hostile(World &world, domid_t domain, std::mt19937 &random)
        : world_{world}, domain_{domain}, random_{random}, page_{world.machine.page(domain)}
    {
    }
    void act()
    {
        switch (pick(20)) {
        case 0: scribble(); break;
        case 1: send(noise(1 + pick(400))); break;
        case 2: page_.connection = XENSTORE_RECONNECT; break;
        default: send(message()); break;
        }
        if (pick(3))
            page_.rsp_cons = page_.rsp_prod;
        if (page_.error && pick(2))
            page_.connection = XENSTORE_RECONNECT;
        world_.domains.on_event(domain_ * 1000u + 1);
    }

private:
    std::size_t pick(std::size_t n) { return random_() % n; }

    std::string noise(std::size_t n)
    {
        std::string bytes(n, 0);
        for (auto &byte : bytes)
            byte = static_cast<char>(random_());
        return bytes;
    }

    std::string path()
    {
        static char const *const odd[] = {"", "/", "//", "@releaseDomain", "/a/", "..", "/local/domain/0/x", "/tool"};
        if (pick(8) == 0)
            return odd[pick(std::size(odd))];
        if (pick(40) == 0)
            return "x/" + std::string(pick(4000), 'y');
        std::string path{static_cast<char>('a' + pick(3))};
        for (auto depth = pick(6); depth != 0; --depth)
            path += "/" + std::to_string(pick(20));
        return path;
    }

    std::string payload()
    {
        static char const *const words[] = {"T", "F", "t", "1", "n1", "b2|r3", "4294967295", "-1", "0", "", "token"};
        auto text = path() + "|";
        for (auto n = pick(3); n != 0; --n)
            text += std::string{words[pick(std::size(words))]} + (pick(10) ? "|" : "");
        if (pick(5) == 0)
            text += std::string(pick(2100), 'v');
        return with_nuls(text).substr(0, XENSTORE_PAYLOAD_MAX);
    }

    std::string message()
    {
        auto text = payload();
        auto type = static_cast<std::uint32_t>(pick(10) ? pick(XS_TYPE_COUNT) : random_());
        if (pick(3) == 0)
            type = XS_WRITE;
        auto bytes = encode_message({type, 0, static_cast<std::uint32_t>(pick(3) ? 0 : pick(30)), 0}, text);
        if (pick(60) == 0) {
            auto length = static_cast<std::uint32_t>(random_());
            std::memcpy(bytes.data() + offsetof(xsd_sockmsg, len), &length, sizeof length);
        }
        return bytes;
    }

    void send(std::string const &bytes)
    {
        for (char byte : bytes) {
            for (int i = 0; i < 50 && page_.req_prod - page_.req_cons >= XENSTORE_RING_SIZE; ++i) {
                world_.domains.on_event(domain_ * 1000u + 1);
                world_.domains.serve();
                page_.rsp_cons = page_.rsp_prod;
            }
            page_.req[MASK_XENSTORE_IDX(page_.req_prod++)] = byte;
        }
    }

    void scribble()
    {
        std::uint32_t *const fields[] = {&page_.req_cons,   &page_.req_prod, &page_.rsp_cons,       &page_.rsp_prod,
                                         &page_.connection, &page_.error,    &page_.server_features};
        *fields[pick(std::size(fields))] = static_cast<std::uint32_t>(pick(2) ? random_() : pick(2000));
    }

    World &world_;
    domid_t domain_;
    std::mt19937 &random_;
    xenstore_domain_interface &page_;
};

void introduce(World &w, Client &us, domid_t domain)
{
    auto n = std::to_string(domain);
    w.machine.create(domain);
    REQUIRE(us.text(XS_WRITE, "/local/domain/" + n + "|") == "OK|");
    REQUIRE(us.text(XS_SET_PERMS, "/local/domain/" + n + "|n" + n + "|b2|") == "OK|");
    REQUIRE(us.text(XS_INTRODUCE, n + "|9|1|") == "OK|");
}

void check_limits(World &w)
{
    REQUIRE(w.store.check() == "");
    auto const &limits = w.store.accounts().limits();
    for (auto const &[domain, held] : w.store.accounts().all())
        if (domain != control_domain) {
            REQUIRE(held.nodes <= limits.nodes);
            REQUIRE(held.bytes <= limits.memory);
            REQUIRE(held.watches <= limits.watches);
            REQUIRE(held.transactions <= limits.transactions);
        }
}
}  // namespace

TEST_CASE("whatever domains send, the store stays whole and within its limits")
{
    for (unsigned seed = 1; seed <= 4; ++seed) {
        INFO("seed " << seed);
        std::mt19937 random{seed};
        World w{
            {.nodes = 200, .memory = 200'000, .watches = 20, .transactions = 5, .transaction_nodes = 50, .events = 30}};
        auto quiet = w.log.open("/dev/null").ok();
        REQUIRE(quiet);
        Client us{w.services(), 0};
        std::map<domid_t, Hostile> guests;
        for (domid_t domain = first; domain <= last; ++domain) {
            introduce(w, us, domain);
            guests.emplace(domain, Hostile{w, domain, random});
        }
        us.ask(XS_WATCH, "/|all|");
        for (unsigned round = 0; round < 1500; ++round) {
            for (auto &[domain, guest] : guests)
                guest.act();
            for (int turn = 0; turn < 20 && w.domains.serve(); ++turn) {}
            w.machine.now += 50;
            if (round % 10 == 0) {
                REQUIRE(us.text(XS_WRITE, "/ours|" + std::to_string(round)) == "OK|");
                REQUIRE(us.text(XS_READ, "/ours|") == std::to_string(round));
                us.events();
            }
            if (round % 50 == 0)
                check_limits(w);
        }
        for (domid_t domain = first; domain <= last; ++domain) {
            w.machine.destroy(domain);
            w.domains.on_domain_ended();
            CHECK(w.store.accounts().held(domain).nothing());
        }
        CHECK(w.store.check() == "");
        CHECK(us.text(XS_DIRECTORY, "/|") == "local|ours|");
        CHECK(us.text(XS_DIRECTORY, "/local/domain|") == "");
    }
}
