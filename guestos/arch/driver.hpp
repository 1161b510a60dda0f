// SPDX-License-Identifier: MIT
// CONTRACT driver -> arch: how a driver announces itself. arch.mk chooses which drivers are linked, so neither the contract nor
// the kernel names one.
//
//   static void start();                      // finds its devices; silent when there are none
//   DRIVER(virtio_block, start);
#pragma once

namespace arch {
struct Driver {
    char const *name;
    void (*start)();
};
}  // namespace arch

#define DRIVER(identifier, function) \
    [[gnu::used, gnu::section("drivers")]] static ::arch::Driver const driver_##identifier = {#identifier, function}
