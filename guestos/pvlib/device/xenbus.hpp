// SPDX-License-Identifier: MIT
// Split devices: a front end in one domain, a back end in another, and in the store a folder for each.
//
//   front: /local/domain/3/device/vbd/51712/         back: /local/domain/0/backend/vbd/3/51712/
//            backend = <the other folder>                     frontend = <the other folder>
//            backend-id = 0                                   frontend-id = 3
//            state, ring-ref, event-channel, ...              state, sectors, feature-..., online, ...
//
// The toolstack makes the folders. xenbus finds them, makes a Device of the driver that registered for the type, watches the
// other end's state, and ends the Device when its folder goes. A driver derives from FrontEnd or BackEnd and answers a few
// questions; the states (include/pv/io/xenbus.h) are negotiated here:
//
//   FrontEnd                     BackEnd
//   1 Initialising               1 Initialising
//                                  prepare()          -> 2 InitWait
//     offer() -> 3 Initialised
//       or 4 Connected             connect()          -> 4 Connected
//     connect() -> 4 Connected
//     disconnect() -> 6 Closed     disconnect()       -> 5 Closing, 6 Closed
//
// After Closed either end may begin again (a guest that starts its own kernel anew, a driver domain that comes back): both classes
// go back to the beginning when the other end does.
//
// Everything a Device overrides runs on the watch thread: one call at a time for all devices, and it may sleep. What another thread
// finds wrong it reports by fail(), an interrupt handler by fail_soon().
//
//   class BlockFront final : public xenbus::FrontEnd { ... };
//   XENBUS_DRIVER(blkfront, {"vbd", xenbus::Side::front, xenbus::make_device<BlockFront>});
#pragma once
#include <kernel/ref.hpp>
#include <pv/io/xenbus.h>
#include <pvlib/device/grant.hpp>
#include <pvlib/device/store.hpp>

namespace xenbus {
enum class Side : std::uint8_t { front, back };
enum class State : std::uint8_t {
    unknown = XenbusStateUnknown,  // no node, or not a number
    initialising = XenbusStateInitialising,
    init_wait = XenbusStateInitWait,
    initialised = XenbusStateInitialised,
    connected = XenbusStateConnected,
    closing = XenbusStateClosing,
    closed = XenbusStateClosed,
    reconfiguring = XenbusStateReconfiguring,
    reconfigured = XenbusStateReconfigured,
};

class Device : public kernel::RefCounted {
public:
    static constexpr unsigned path_size = 128;

    Side side() const { return side_; }
    char const *type() const { return type_; }  // "vbd"
    unsigned id() const { return id_; }         // the device's number, of both ends
    domid_t other_domain() const { return other_domain_; }
    std::string_view folder() const { return folder_; }              // ours: "device/vbd/51712", "backend/vbd/3/51712"
    std::string_view other_folder() const { return other_folder_; }  // absolute
    State state() const { return state_; }
    State other_state() const { return other_state_; }

    // Nodes of either folder.
    Result<Text> read(std::string_view name, Tx tx = {}) const { return xenbus::read({folder(), name}, tx); }
    Result<std::uint32_t> number(std::string_view name, Tx tx = {}) const { return read_number({folder(), name}, tx); }
    Result<> write(std::string_view name, std::string_view v, Tx tx = {}) const
    {
        return xenbus::write({folder(), name}, v, tx);
    }
    Result<> write(std::string_view name, std::uint32_t v, Tx tx = {}) const
    {
        return write_number({folder(), name}, v, tx);
    }
    Result<Text> read_other(std::string_view name) const { return xenbus::read({other_folder(), name}); }
    Result<std::uint32_t> other_number(std::string_view name) const { return read_number({other_folder(), name}); }
    // The same, `otherwise` if there is none: optional features.
    std::uint32_t other_feature(std::string_view name, std::uint32_t otherwise = 0) const
    {
        return other_number(name).value_or(otherwise);
    }

    // Gives the connection up: "error/FOLDER/error" = "ERROR TEXT" for the toolstack, a line in the log, and disconnect() on the watch
    // thread. From any thread, not from interrupt handlers.
    void fail(Error, char const *text, ...) __attribute__((format(printf, 3, 4)));
    // The other end breaks the rules: fail(Error::proto, text) on the watch thread. From anywhere, under any lock. `text` stays.
    virtual void fail_soon(char const *text);

    // --- for the bus
    virtual void begin() = 0;                   // the other end's folder is known
    virtual void other_end_changed(State) = 0;  // also when it says the same again
    virtual void give_up() = 0;                 // after fail()
    virtual void removed() = 0;                 // our folder is gone; the last call

protected:
    Device() = default;
    void switch_to(State);  // writes our node if that is a change and our folder is still there

    bool failed_ = false;  // until the other end has closed

private:
    friend class Bus;
    Side side_ = Side::front;
    State state_ = State::unknown, other_state_ = State::unknown;
    domid_t other_domain_ = 0;
    unsigned id_ = 0;
    char type_[16] = {};
    char folder_[path_size] = {}, other_folder_[path_size] = {};
    bool give_up_due_ = false;
    char const *complaint_ = nullptr;  // fail_soon()'s
    Watch other_watch_{other_changed, this};
    static void other_changed(void *, std::string_view);
};

class FrontEnd : public Device {
protected:
    // The back end waits: make rings and ports, write them (in a transaction) and what else it must know. The state to go on to:
    // State::initialised where the back end connects first (vbd), State::connected where it wants us so (vif).
    virtual Result<State> offer() = 0;
    // The back end is connected: its nodes are final, requests may flow. Called once for each offer().
    virtual Result<> connect() = 0;
    // Stops and undoes both, as far as they were done, also after one of them failed; once for each offer(). What programs still
    // want fails from now on, until the next connect().
    virtual void disconnect() = 0;

public:
    void begin() override;
    void other_end_changed(State) override;
    void give_up() override;
    void removed() override;

private:
    void come_up(State other);
    void go_down();
    bool offered_ = false, connected_ = false;
};

class BackEnd : public Device {
protected:
    // A new front end may come: look at our own nodes, open what they name, write what the front end must know. Error::again: not
    // everything is there yet; asked again when something in our own folder changes (a hotplug script's answer).
    virtual Result<> prepare() = 0;
    // The front end is Initialised or Connected: read its nodes, map its rings. Error: fail().
    virtual Result<> connect() = 0;
    // Undoes connect(), also one that failed half-way: nothing of the front end's may be in use afterwards.
    virtual void disconnect() = 0;
    // Undoes prepare(); the folder is gone or the device will not be used again.
    virtual void retire() {}

public:
    void begin() override;
    void other_end_changed(State) override;
    void give_up() override;
    void removed() override;

private:
    void serve();
    void go_down();
    bool get_ready();
    static void own_changed(void *, std::string_view);
    bool prepared_ = false, connected_ = false, met_ = false;
    Watch own_watch_{own_changed, this};
};

// --- registration -----------------------------------------------------------------------------------------------------------
struct Driver {
    char const *type;  // "vbd"
    Side side;
    Result<kernel::Ref<Device>> (*make)();
};
#define XENBUS_DRIVER(identifier, ...) \
    [[gnu::used, gnu::section("xenbus_drivers")]] static ::xenbus::Driver const xenbus_driver_##identifier = __VA_ARGS__

template <class T>
Result<kernel::Ref<Device>> make_device()
{
    return kernel::Ref<Device>{TRY(kernel::make_ref<T>())};
}

// Front ends write a ring's references: "ring-ref" for one page; for more "ring-page-order" and "ring-ref0" ... (pages: a power of two).
Result<> write_ring(Device const &, pv::GrantedPages const &, Tx, char const *name = "ring-ref");
// Back ends read them. refs: room for the most pages that are accepted; the number that were read. Error::inval: more, or not a
// power of two.
Result<unsigned> read_ring(Device const &, grant_ref_t *refs, unsigned most, char const *name = "ring-ref");
}  // namespace xenbus
