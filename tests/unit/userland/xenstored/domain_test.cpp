// SPDX-License-Identifier: MIT
// Domains over their rings: how they come, what they may break, how they go.
#include "world.hpp"
#include <catch2/catch.hpp>

using namespace xenstore;

namespace {
// A world with domain 4, which owns its home.
struct OneGuest : World {
    OneGuest()
    {
        machine.create(4);
        us.ask(XS_WRITE, "/local/domain/4|");
        us.ask(XS_SET_PERMS, "/local/domain/4|n4|");
    }
    Client us{services(), 0};
    RingClient introduced()
    {
        REQUIRE(us.text(XS_INTRODUCE, "4|9|1|") == "OK|");
        return {*this, 4};
    }
};
}  // namespace

TEST_CASE("a domain is introduced, served and released")
{
    OneGuest w;
    CHECK(w.us.text(XS_IS_DOMAIN_INTRODUCED, "4|") == "F|");
    w.us.ask(XS_WATCH, "@introduceDomain|i|");
    w.us.ask(XS_WATCH, "@releaseDomain|r|");
    w.us.events();
    auto guest = w.introduced();
    CHECK(w.us.events() == std::vector<Event>{{"@introduceDomain", "i"}});
    CHECK(w.us.text(XS_IS_DOMAIN_INTRODUCED, "4|") == "T|");
    CHECK(w.machine.page(4).server_features == 3);
    CHECK(guest.ask(XS_WRITE, "a/b|" + std::string(2000, 'x')).ok());
    CHECK(guest.ask(XS_READ, "a/b|").payload == std::string(2000, 'x'));
    CHECK(guest.ask(XS_WATCH, "a|t|").ok());
    guest.take();
    CHECK(guest.events() == std::vector<Event>{{"a", "t"}});
    w.us.ask(XS_WRITE, "/local/domain/4/a|1");
    guest.take();
    CHECK(guest.events() == std::vector<Event>{{"a", "t"}});
    CHECK(w.us.text(XS_RELEASE, "4|") == "OK|");
    CHECK(w.us.events() == std::vector<Event>{{"@releaseDomain", "r"}});
    CHECK(w.us.text(XS_IS_DOMAIN_INTRODUCED, "4|") == "F|");
    CHECK(w.us.text(XS_RELEASE, "4|") == "ENOENT");
    CHECK(w.us.text(XS_READ, "/local/domain/4|") == "ENOENT");
    CHECK(w.machine.mapped == 0);
    CHECK(w.machine.bound == 0);
    CHECK(w.store.accounts().held(4).nothing());
    CHECK(w.store.check() == "");
}

TEST_CASE("who cannot be introduced")
{
    OneGuest w;
    CHECK(w.us.text(XS_INTRODUCE, "5|9|1|") == "EINVAL");  // no such domain
    CHECK(w.us.text(XS_INTRODUCE, "0|9|1|") == "EINVAL");
    CHECK(w.us.text(XS_INTRODUCE, "32752|9|1|") == "EINVAL");  // DOMID_SELF
    CHECK(w.us.text(XS_INTRODUCE, "4|9|0|") == "EINVAL");      // no such port
    CHECK(w.us.text(XS_INTRODUCE, "4|x|1|") == "EINVAL");
    CHECK(w.us.text(XS_INTRODUCE, "4|9|") == "EINVAL");
    CHECK(w.machine.mapped == 0);
    CHECK(w.us.text(XS_INTRODUCE, "4|-9|1|") == "OK|");  // a frame beyond 2^31, as some clients write it
    CHECK(w.us.text(XS_INTRODUCE, "4|10|1|") == "EINVAL");
    CHECK(w.us.text(XS_INTRODUCE, "4|-9|2|") == "OK|");  // another port
    CHECK(w.machine.mapped == 1);
    CHECK(w.machine.bound == 1);
}

TEST_CASE("a domain's shutdown and end are told, once each")
{
    OneGuest w;
    auto guest = w.introduced();
    guest.ask(XS_WRITE, "a|1");
    w.us.ask(XS_WRITE, "/local/domain/4/a/ours|1");
    w.us.ask(XS_WRITE, "/other|1");
    w.us.ask(XS_SET_PERMS, "/other|n0|b4|");
    w.us.ask(XS_WATCH, "@releaseDomain|r|");
    w.us.events();
    w.domains.on_domain_ended();
    CHECK(w.us.events().empty());
    w.machine.states[4] = Machine::DomainState::shut_down;
    w.domains.on_domain_ended();
    w.domains.on_domain_ended();
    CHECK(w.us.events().size() == 1);
    CHECK(w.us.text(XS_RESUME, "4|") == "OK|");
    w.domains.on_domain_ended();
    CHECK(w.us.events().size() == 1);
    w.machine.destroy(4);
    w.domains.on_domain_ended();
    CHECK(w.us.events().size() == 1);
    CHECK_FALSE(w.domains.introduced(4));
    // Nothing is left of it that a later domain 4 could use or find.
    CHECK(w.us.text(XS_READ, "/local/domain/4|") == "ENOENT");
    CHECK(w.us.text(XS_GET_PERMS, "/other|") == "n0|");
    CHECK(w.store.check() == "");
}

TEST_CASE("indices that make no sense cut a domain off, until it asks to reconnect")
{
    OneGuest w;
    auto guest = w.introduced();
    auto &page = w.machine.page(4);
    CHECK(guest.ask(XS_WATCH, "a|t|").ok());
    guest.ask(XS_TRANSACTION_START, "|");
    auto sent = w.machine.notified[4001];
    SECTION("request index") { page.req_prod = page.req_cons + XENSTORE_RING_SIZE + 1; }
    SECTION("reply index")
    {
        page.rsp_cons = page.rsp_prod + 1;
        w.us.ask(XS_WRITE, "/local/domain/4/a|1");  // has something to say
    }
    w.domains.on_event(4001);
    while (w.domains.serve()) {}
    CHECK(page.error == XENSTORE_ERROR_RINGIDX);
    CHECK(w.machine.notified[4001] > sent);
    CHECK(w.domains.introduced(4));
    CHECK(w.store.accounts().held(4).watches == 0);
    CHECK(w.store.accounts().held(4).transactions == 0);
    page.req_prod = page.req_cons + 16;
    w.domains.on_event(4001);
    CHECK_FALSE(w.domains.serve());
    page.connection = XENSTORE_RECONNECT;
    w.domains.on_event(4001);
    while (w.domains.serve()) {}
    CHECK(page.connection == XENSTORE_CONNECTED);
    CHECK(page.error == XENSTORE_ERROR_NONE);
    CHECK(page.req_prod == 0);
    RingClient again{w, 4};
    CHECK(again.ask(XS_WRITE, "a|1").ok());
}

TEST_CASE("too long a message cuts a domain off")
{
    OneGuest w;
    auto guest = w.introduced();
    xsd_sockmsg header{XS_WRITE, 1, 0, XENSTORE_PAYLOAD_MAX + 1};
    guest.put({reinterpret_cast<char const *>(&header), sizeof header});
    CHECK(w.machine.page(4).error == XENSTORE_ERROR_PROTO);
    CHECK(w.domains.introduced(4));
}

TEST_CASE("our indices in the page are not believed")
{
    OneGuest w;
    auto guest = w.introduced();
    auto &page = w.machine.page(4);
    CHECK(guest.ask(XS_WRITE, "a|1").ok());
    auto was = page.req_cons;
    page.req_cons = 12345;
    auto message = encode_message({XS_READ, 1, 0, 0}, std::string_view{"a", 2});
    for (char byte : message)
        page.req[MASK_XENSTORE_IDX(page.req_prod++)] = byte;
    w.domains.on_event(4001);
    while (w.domains.serve()) {}
    CHECK(page.req_cons == was + message.size());
    CHECK(page.error == XENSTORE_ERROR_NONE);
}

TEST_CASE("a domain that takes no replies is not served on, and costs no more")
{
    OneGuest w;
    auto guest = w.introduced();
    auto &page = w.machine.page(4);
    auto big = encode_message({XS_WRITE, 1, 0, 0}, "a" + std::string(1, 0) + std::string(900, 'x'));
    auto read = encode_message({XS_READ, 1, 0, 0}, std::string_view{"a", 2});
    guest.ask(XS_WRITE, "a|" + std::string(900, 'x'));
    guest.ask(XS_WATCH, "a|t|");
    guest.take();
    for (int i = 0; i < 200; ++i) {  // as many requests as the ring takes; no reply is taken
        for (char byte : read)
            if (page.req_prod - page.req_cons < XENSTORE_RING_SIZE)
                page.req[MASK_XENSTORE_IDX(page.req_prod++)] = byte;
        w.us.ask(XS_WRITE, "/local/domain/4/a|" + std::to_string(i));
        w.domains.on_event(4001);
        for (int turn = 0; turn < 100 && w.domains.serve(); ++turn) {}
    }
    CHECK(page.rsp_prod - page.rsp_cons == XENSTORE_RING_SIZE);
    CHECK(page.req_prod - page.req_cons == XENSTORE_RING_SIZE);
}
