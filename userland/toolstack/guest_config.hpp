// SPDX-License-Identifier: MIT
// What a guest file asks for: the keys of xl.cfg(5) that mean something to a paravirtual guest here.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <userland/toolstack/config_text.hpp>
#include <vector>

// What becomes of a domain that has ended.
enum class Action : std::uint8_t { destroy, restart, rename_restart, preserve };

struct Actions {
    Action poweroff = Action::destroy, reboot = Action::restart, crash = Action::destroy, watchdog = Action::destroy;
};

// One element of `disk` or `vif`: "KEY=VALUE,..." or, for disks, the positions of xl-disk-configuration(5).
struct DiskConfig {
    std::string target;  // in domain 0
    std::string vdev;    // "xvda"
    std::string format = "raw";
    bool writable = true;
    std::map<std::string, std::string> faults{};  // test-fail-read, test-fail-write: "FIRST+COUNT" in sectors
};
struct NicConfig {
    std::map<std::string, std::string> keys;  // mac, bridge, ip, ...
};

using Uuid = std::array<std::uint8_t, 16>;

struct GuestConfig {
    std::string name;
    std::string kernel, ramdisk, command_line;
    std::uint32_t memory_mb = 128, max_memory_mb = 0;  // the second 0: as the first
    std::uint32_t vcpus = 1, max_vcpus = 0;
    std::uint32_t weight = 256, cap = 0;
    Actions actions;
    std::optional<Uuid> uuid;
    std::vector<DiskConfig> disks;
    std::vector<NicConfig> nics;
};

// Failure: "FILE:LINE: ..." for a key that nobody knows, one that xl knows and we do not, a value that makes no sense.
GuestConfig read_guest_config(std::vector<config::Setting> const &, std::string const &file);
std::string guest_file_keys();  // their names, with blanks between
// `more`: settings that override the file's, in the same syntax.
GuestConfig read_guest_file(std::string const &path, std::string const &more = {});
