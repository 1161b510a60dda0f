// SPDX-License-Identifier: MIT
// The two folders in which the toolstack makes devices, and the Devices we made for them.
//
//   device/TYPE/ID              our front ends
//   backend/TYPE/DOMAIN/ID      our back ends
//
// All of it runs on the watch thread but fail_devices(), which anybody may call.
#pragma once
#include <kernel/ref.hpp>
#include <pvlib/device/xenbus.hpp>

namespace xenbus {
class Bus {
public:
    Bus(Side side, char const *root, unsigned levels) : side_{side}, root_{root}, levels_{levels} {}
    Result<> start();
    static void fail_devices();  // fail() for those with a complaint, give_up() for those that failed

private:
    struct Entry {
        kernel::Ref<Device> device;
        Entry *next;
    };
    static void changed(void *, std::string_view);
    static void failed(void *);
    void scan(std::string_view folder, unsigned level);
    void check(std::string_view folder);
    static bool is_made_anew(Device const &);
    void look_for_gone();
    Entry **find(std::string_view folder);
    void add(std::string_view folder);
    Result<kernel::Ref<Device>> make(std::string_view folder) const;
    Driver const *driver_of(std::string_view type) const;
    void drop(Entry **);

    Side const side_;
    char const *const root_;
    unsigned const levels_;  // components of a device's folder
    Entry *entries_ = nullptr;
    Watch watch_{changed, this};
};
}  // namespace xenbus
