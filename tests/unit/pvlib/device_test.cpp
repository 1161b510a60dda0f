// SPDX-License-Identifier: MIT
// Split devices: both ends' states in every order, devices that come, go, fail and come again.
#include "daemon.hpp"
#include <arch/driver.hpp>
#include <kernel/memory/frames.hpp>
#include <pvlib/device/store_connection.hpp>
#include <pvlib/device/xenbus.hpp>
#include <pvlib/shared.hpp>

extern "C" arch::Driver const __start_drivers[], __stop_drivers[];

using namespace xenbus;

namespace {
std::vector<std::string> story;  // what the drivers were asked
Error offer_error = Error::none, connect_error = Error::none, prepare_error = Error::none;
Device *last = nullptr;

struct TestFront final : FrontEnd {
    TestFront() { last = this; }
    ~TestFront() override { story.push_back("front gone"); }
    Result<State> offer() override
    {
        story.push_back("offer");
        if (offer_error != Error::none)
            return offer_error;
        CHECK(write("ring-ref", 8u).ok());
        return std::strcmp(type(), "vif") == 0 ? State::connected : State::initialised;
    }
    Result<> connect() override
    {
        story.push_back("connect");
        return connect_error == Error::none ? Result<>{} : Result<>{connect_error};
    }
    void disconnect() override { story.push_back("disconnect"); }
};
struct TestBack final : BackEnd {
    TestBack() { last = this; }
    ~TestBack() override { story.push_back("back gone"); }
    Result<> prepare() override
    {
        story.push_back("prepare");
        return prepare_error == Error::none ? Result<>{} : Result<>{prepare_error};
    }
    Result<> connect() override
    {
        story.push_back("connect");
        return connect_error == Error::none ? Result<>{} : Result<>{connect_error};
    }
    void disconnect() override { story.push_back("disconnect"); }
    void retire() override { story.push_back("retire"); }
};
XENBUS_DRIVER(vbd, {"vbd", Side::front, make_device<TestFront>});
XENBUS_DRIVER(vif, {"vif", Side::front, make_device<TestFront>});
XENBUS_DRIVER(vbd_back, {"vbd", Side::back, make_device<TestBack>});

struct Bench {
    Daemon daemon;
    Bench()
    {
        world::begin();
        auto &info = *const_cast<start_info *>(pv::start);
        auto frame = kernel::allocate_zeroed_frame().take();
        info.store_mfn = arch::Mmu::to_machine(frame).raw();
        info.store_evtchn = 5;
        daemon.start(static_cast<xenstore_domain_interface *>(arch::frame_ptr(frame)), 5);
        for (auto d = __start_drivers; d != __stop_drivers; ++d)
            d->start();
        world::settle();
    }
    void add_front(std::string const &type)
    {
        auto ours = "device/" + type + "/768", theirs = std::string{"/local/domain/0/backend/"} + type + "/3/768";
        daemon.nodes[theirs + "/state"] = "1";
        daemon.nodes[ours + "/backend"] = theirs;
        daemon.nodes[ours + "/backend-id"] = "0";
        daemon.set(ours + "/state", "1");
        world::settle();
    }
    void back(std::string const &type, int state)
    {
        daemon.set("/local/domain/0/backend/" + type + "/3/768/state", std::to_string(state));
        world::settle();
    }
    void add_back()
    {
        daemon.nodes["/local/domain/9/device/vbd/768/state"] = "1";
        daemon.nodes["backend/vbd/9/768/frontend"] = "/local/domain/9/device/vbd/768";
        daemon.nodes["backend/vbd/9/768/frontend-id"] = "9";
        daemon.set("backend/vbd/9/768/state", "1");
        world::settle();
    }
    void front(int state)
    {
        daemon.set("/local/domain/9/device/vbd/768/state", std::to_string(state));
        world::settle();
    }
    std::string state(std::string const &folder) { return daemon.nodes[folder + "/state"]; }
};
using Story = std::vector<std::string>;
std::string told()
{
    std::string all;
    for (auto const &s : story)
        all += (all.empty() ? "" : ", ") + s;
    story.clear();
    return all;
}
constexpr char disk[] = "device/vbd/768", server[] = "backend/vbd/9/768";
}  // namespace

TEST(front, block_device_comes_up_and_goes)
{
    Bench b;
    b.add_front("vbd");
    CHECK_EQ(told(), "");
    CHECK_EQ(last->folder(), std::string_view{disk});
    CHECK_EQ(last->id(), 768u);
    CHECK_EQ(last->other_domain(), 0);
    b.back("vbd", 2);
    CHECK_EQ(told(), "offer");
    CHECK_EQ(b.state(disk), "3");
    CHECK_EQ(b.daemon.nodes[std::string{disk} + "/ring-ref"], "8");
    b.back("vbd", 4);
    CHECK_EQ(told(), "connect");
    CHECK_EQ(b.state(disk), "4");
    b.back("vbd", 4);
    CHECK_EQ(told(), "");
    b.back("vbd", 5);
    CHECK_EQ(told(), "disconnect");
    CHECK_EQ(b.state(disk), "6");
    b.back("vbd", 6);
    b.daemon.remove(disk);
    world::settle();
    CHECK_EQ(told(), "front gone");
}

TEST(front, network_device_is_connected_first)
{
    Bench b;
    b.add_front("vif");
    b.back("vif", 2);
    CHECK_EQ(b.state("device/vif/768"), "4");
    b.back("vif", 4);
    CHECK_EQ(told(), "offer, connect");
}

TEST(front, the_wait_was_missed)
{
    Bench b;
    b.add_front("vbd");
    b.back("vbd", 4);
    CHECK_EQ(told(), "offer, connect");
    CHECK_EQ(b.state(disk), "4");
}

TEST(front, the_back_end_goes_and_comes_back)
{
    Bench b;
    b.add_front("vbd");
    for (int i = 0; i < 3; ++i) {
        b.back("vbd", 2);
        b.back("vbd", 4);
        b.back("vbd", 5);
        b.back("vbd", 6);
        CHECK_EQ(told(), "offer, connect, disconnect");
        CHECK_EQ(b.state(disk), "6");
        b.back("vbd", 1);
        CHECK_EQ(b.state(disk), "1");
    }
    b.back("vbd", 2);
    b.back("vbd", 4);
    told();
    b.daemon.remove("/local/domain/0/backend/vbd/3/768");  // without a word
    world::settle();
    CHECK_EQ(told(), "disconnect");
    b.back("vbd", 2);  // and anew
    b.back("vbd", 4);
    CHECK_EQ(told(), "offer, connect");
}

TEST(front, failures)
{
    Bench b;
    b.add_front("vbd");
    offer_error = Error::nomem;
    b.back("vbd", 2);
    CHECK_EQ(told(), "offer, disconnect");
    CHECK_EQ(b.state(disk), "5");
    CHECK(b.daemon.nodes["error/device/vbd/768/error"].find("-12") == 0);
    b.back("vbd", 4);  // too late
    CHECK_EQ(told(), "");
    b.back("vbd", 5);
    b.back("vbd", 6);
    CHECK_EQ(b.state(disk), "6");
    offer_error = Error::none;
    connect_error = Error::proto;
    b.back("vbd", 2);
    b.back("vbd", 4);
    CHECK_EQ(told(), "offer, connect, disconnect");
    connect_error = Error::none;
    b.back("vbd", 6);
    b.back("vbd", 2);
    b.back("vbd", 4);
    CHECK_EQ(told(), "offer, connect");
    last->fail(Error::proto, "index %d", 7);  // found by another thread
    last->fail(Error::proto, "index %d", 8);
    world::settle();
    CHECK_EQ(told(), "disconnect");
    CHECK_EQ(b.daemon.nodes["error/device/vbd/768/error"], "-71 index 7");
    b.back("vbd", 6);
    b.back("vbd", 2);
    b.back("vbd", 4);
    CHECK_EQ(told(), "offer, connect");
    {
        arch::IrqGuard handler;
        last->fail_soon("answers nonsense");
        last->fail_soon("answers nonsense again");
        CHECK_EQ(told(), "");
        CHECK_EQ(b.daemon.nodes["error/device/vbd/768/error"], "-71 index 7");
    }
    world::settle();
    CHECK_EQ(told(), "disconnect");
    CHECK_EQ(b.daemon.nodes["error/device/vbd/768/error"], "-71 answers nonsense again");
}

// A back end that is anywhere at any time: every offer() is followed by one disconnect(), and nothing is connected without it.
void any_order(std::string const &type)
{
    Bench b;
    b.add_front(type);
    std::uint32_t random = 1;
    unsigned offers = 0, disconnects = 0;
    for (int i = 0; i < 3000; ++i) {
        random = random * 1664525 + 1013904223;
        auto state = static_cast<int>(random >> 16) % 12 - 1;
        if (state == 10)  // the whole folder goes
            b.daemon.remove("/local/domain/0/backend/" + type + "/3/768");
        else
            b.back(type, state);
        world::settle();
    }
    b.back(type, 6);
    bool up = false, connected = false;
    for (auto const &s : story) {
        offers += s == "offer";
        disconnects += s == "disconnect";
        CHECK(s != "connect" || (up && !connected));
        CHECK(s != "offer" || !up);
        connected = s == "connect" || (connected && s != "disconnect");
        up = s == "offer" || (up && s != "disconnect");
    }
    CHECK_EQ(offers, disconnects);
    CHECK(offers > 100);
    // And then it keeps to the rules.
    told();
    b.back(type, 1);
    b.back(type, 2);
    b.back(type, 4);
    CHECK_EQ(told(), "offer, connect");
    CHECK_EQ(b.state("device/" + type + "/768"), "4");
}
TEST(front, states_out_of_order) { any_order("vbd"); }
TEST(front, states_of_a_network_out_of_order) { any_order("vif"); }

TEST(back, what_was_removed_is_not_made_again_by_a_state)
{
    Bench b;
    b.add_back();
    told();
    std::erase_if(b.daemon.nodes, [](auto const &n) { return n.first.starts_with(server); });  // the news is still under way
    b.front(3);
    CHECK_EQ(told(), "connect");
    CHECK(std::none_of(b.daemon.nodes.begin(), b.daemon.nodes.end(),
                       [](auto const &n) { return n.first.starts_with(server); }));
}

TEST(back, serves_and_serves_again)
{
    Bench b;
    b.add_back();
    CHECK_EQ(told(), "prepare");
    CHECK_EQ(b.state(server), "2");
    CHECK_EQ(last->other_domain(), 9);
    for (int i = 0; i < 3; ++i) {
        b.front(3);
        CHECK_EQ(b.state(server), "4");
        b.front(4);
        CHECK_EQ(told(), "connect");
        b.front(5);
        CHECK_EQ(b.state(server), "5");
        b.front(6);
        CHECK_EQ(b.state(server), "6");
        b.front(1);  // the domain starts another kernel
        CHECK_EQ(b.state(server), "2");
        CHECK_EQ(told(), "disconnect");
    }
    b.front(4);
    told();
    b.daemon.remove("/local/domain/9");  // destroyed
    world::settle();
    CHECK_EQ(told(), "disconnect");
    b.daemon.remove("backend/vbd/9");
    world::settle();
    CHECK_EQ(told(), "retire, back gone");
}

TEST(back, waits_for_the_hotplug_script)
{
    Bench b;
    prepare_error = Error::again;
    b.add_back();
    b.front(3);
    CHECK_EQ(b.state(server), "1");
    told();
    prepare_error = Error::none;
    b.daemon.set(std::string{server} + "/hotplug-status", "connected");
    world::settle();
    CHECK_EQ(told(), "prepare, connect");
    CHECK_EQ(b.state(server), "4");
}

// The front end has closed with the one before, and opens again when the new one waits for it.
TEST(back, a_front_end_that_was_closed_before)
{
    Bench b;
    b.daemon.nodes["/local/domain/9/device/vbd/768/state"] = "6";
    b.daemon.nodes["backend/vbd/9/768/frontend"] = "/local/domain/9/device/vbd/768";
    b.daemon.nodes["backend/vbd/9/768/frontend-id"] = "9";
    b.daemon.set("backend/vbd/9/768/state", "1");
    world::settle();
    CHECK_EQ(told(), "prepare");
    CHECK_EQ(b.state(server), "2");
    b.front(1);
    b.front(3);
    CHECK_EQ(told(), "connect");
    b.front(6);
    CHECK_EQ(told(), "disconnect");
    CHECK_EQ(b.state(server), "6");
}

// The toolstack removes its folder and makes it again before we look: that is another back end.
TEST(back, a_folder_that_is_made_anew_is_a_new_device)
{
    Bench b;
    b.add_back();
    b.front(3);
    CHECK_EQ(told(), "prepare, connect");
    CHECK_EQ(b.state(server), "4");
    b.daemon.nodes[std::string{server} + "/state"] = "1";
    b.daemon.set(server, "");
    world::settle();
    CHECK_EQ(told(), "disconnect, retire, back gone, prepare, connect");
    CHECK_EQ(b.state(server), "4");
    b.daemon.set(server, "");
    world::settle();
    CHECK_EQ(told(), "");
}

TEST(back, a_front_end_it_cannot_use)
{
    Bench b;
    b.add_back();
    connect_error = Error::perm;
    b.front(3);
    CHECK_EQ(told(), "prepare, connect, disconnect");
    CHECK_EQ(b.state(server), "5");
    connect_error = Error::none;
    b.front(4);
    CHECK_EQ(told(), "");
    b.front(6);
    b.front(1);
    b.front(3);
    CHECK_EQ(told(), "connect");
}

TEST(bus, folders_that_are_not_devices)
{
    Bench b;
    b.daemon.set("device/vbd/5/state", "1");  // no backend yet
    b.daemon.set("device/vbd", "");
    b.daemon.set("device/nothing/1/state", "1");
    b.daemon.nodes["device/vbd/6/backend"] = std::string(500, 'x');
    b.daemon.nodes["device/vbd/6/backend-id"] = "0";
    b.daemon.set("device/vbd/6/state", "1");
    b.daemon.nodes["device/vbd/7/backend"] = "/x";
    b.daemon.nodes["device/vbd/7/backend-id"] = "99999";
    b.daemon.set("device/vbd/7/state", "1");
    b.daemon.set("device", "");
    world::settle();
    CHECK(!last);
    b.daemon.nodes["device/vbd/5/backend-id"] = "0";
    b.daemon.set("device/vbd/5/backend", "/local/domain/0/backend/vbd/3/5");  // complete now
    world::settle();
    CHECK(last && last->id() == 5);
}

// The grants of a ring, as either end writes and reads them.
TEST(bus, rings_in_the_store)
{
    Bench b;
    b.add_front("vbd");
    auto pages = pv::GrantedPages::make(0, 4).take();
    CHECK(write_ring(*last, pages, {}).ok());
    CHECK_EQ(b.daemon.nodes[std::string{disk} + "/ring-page-order"], "2");
    CHECK_EQ(b.daemon.nodes[std::string{disk} + "/ring-ref3"], std::to_string(pages.ref(3)));
    grant_ref_t refs[8];
    auto other = std::string{last->other_folder()};
    CHECK(read_ring(*last, refs, 8).error() == Error::noent);
    b.daemon.nodes[other + "/ring-ref"] = "77";
    CHECK_EQ(read_ring(*last, refs, 8).value(), 1u);
    CHECK_EQ(refs[0], 77u);
    b.daemon.nodes[other + "/ring-page-order"] = "4";
    CHECK(read_ring(*last, refs, 8).error() == Error::inval);
    b.daemon.nodes[other + "/ring-page-order"] = "4000000000";
    CHECK(read_ring(*last, refs, 8).error() == Error::inval);
    b.daemon.nodes[other + "/ring-page-order"] = "1";
    b.daemon.nodes[other + "/ring-ref0"] = "5";
    CHECK(read_ring(*last, refs, 8).error() == Error::noent);
    b.daemon.nodes[other + "/ring-ref1"] = "6x";
    CHECK(read_ring(*last, refs, 8).error() == Error::range);
    b.daemon.nodes[other + "/ring-ref1"] = "6";
    CHECK_EQ(read_ring(*last, refs, 8).value(), 2u);
}
