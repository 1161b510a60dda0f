// SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstdlib>
#include <pv/io/xenbus.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <userland/toolstack/device_nodes.hpp>
#include <userland/toolstack/guest_nodes.hpp>
#include <userland/toolstack/waiting.hpp>

namespace {
using Keys = std::vector<std::pair<std::string, std::string>>;
constexpr char const *kinds[] = {"vbd", "vif"};

std::string back_of(char const *kind, domid_t domain)
{
    return home_of(0) + "/backend/" + kind + "/" + std::to_string(domain);
}

// What its driver says is wrong: "-2 TEXT" in DEVICE/error.
std::string errors_of(char const *kind, domid_t domain)
{
    return home_of(0) + "/error/backend/" + kind + "/" + std::to_string(domain);
}

Result<> write_all(xen::Store &store, std::string const &folder, std::string const &permissions, Keys const &keys)
{
    TRY(store.make_directory(folder));
    TRY(store.set_permissions(folder, permissions));
    for (auto const &[key, value] : keys)
        TRY(store.write(folder + "/" + key, value));
    return {};
}

// Each end tells where the other is, and that it begins.
Result<> write_pair(xen::Store &store, char const *kind, domid_t domain, std::uint32_t device, Keys front, Keys back)
{
    auto n = std::to_string(domain), d = std::to_string(device);
    auto front_folder = home_of(domain) + "/device/" + kind + "/" + d, back_folder = back_of(kind, domain) + "/" + d;
    auto state = std::to_string(XenbusStateInitialising);
    front.insert(front.end(), {{"backend", back_folder}, {"backend-id", "0"}, {"state", state}});
    back.insert(back.end(), {{"frontend", front_folder}, {"frontend-id", n}, {"online", "1"}, {"state", state}});
    TRY(write_all(store, back_folder, "n0|r" + n + "|", back));
    return write_all(store, front_folder, "n" + n + "|r0|", front);
}

Result<> write_disk(xen::Store &store, domid_t domain, DiskConfig const &disk)
{
    auto number = *disk_number(disk.vdev);  // the guest file's reader saw to it
    Keys back{{"params", disk.target}, {"type", "phy"},    {"dev", disk.vdev}, {"mode", disk.writable ? "w" : "r"},
              {"device-type", "disk"}, {"removable", "0"}, {"bootable", "1"}};
    back.insert(back.end(), disk.faults.begin(), disk.faults.end());
    struct stat info {};
    if (stat(disk.target.c_str(), &info) == 0 && S_ISBLK(info.st_mode)) {
        char text[32];
        std::snprintf(text, sizeof text, "%x:%x", major(info.st_rdev), minor(info.st_rdev));
        back.emplace_back("physical-device", text);
    }
    return write_pair(store, "vbd", domain, number,
                      {{"virtual-device", std::to_string(number)}, {"device-type", "disk"}}, back);
}

// An address in Xen's range, which stays the same for the same domain name and interface.
std::string make_mac(std::string const &name, std::uint32_t handle)
{
    std::uint32_t hash = 2166136261u;  // FNV-1a
    for (unsigned char c : name + "/" + std::to_string(handle))
        hash = (hash ^ c) * 16777619u;
    char text[24];
    std::snprintf(text, sizeof text, "00:16:3e:%02x:%02x:%02x", hash >> 16 & 0x7f, hash >> 8 & 0xff, hash & 0xff);
    return text;
}

Result<> write_nic(xen::Store &store, domid_t domain, GuestConfig const &config, std::uint32_t handle)
{
    auto keys = config.nics[handle].keys;
    if (keys["mac"].empty())
        keys["mac"] = make_mac(config.name, handle);
    Keys back{{"handle", std::to_string(handle)}, {"type", "vif"}};
    for (auto const &[key, value] : keys)
        if (key != "type" && key != "model" && key != "backend")
            back.emplace_back(key, value);
    return write_pair(store, "vif", domain, handle, {{"handle", std::to_string(handle)}, {"mac", keys["mac"]}}, back);
}
}  // namespace

// xvdX: major 202, minors of 16, the 16 first; sdX: major 8; hdX: majors 3 and 22, minors of 64.
std::optional<std::uint32_t> disk_number(std::string const &vdev)
{
    auto bus = vdev.starts_with("xvd") ? vdev.substr(0, 3) : vdev.substr(0, 2);
    if (vdev.size() <= bus.size() || vdev[bus.size()] < 'a' || vdev[bus.size()] > 'p')
        return std::nullopt;
    auto disk = static_cast<std::uint32_t>(vdev[bus.size()] - 'a'), partition = 0u;
    auto digits = vdev.substr(bus.size() + 1);
    for (char c : digits) {
        if (c < '0' || c > '9' || digits.size() > 2)
            return std::nullopt;
        partition = partition * 10 + static_cast<std::uint32_t>(c - '0');
    }
    if (partition > 15)
        return std::nullopt;
    if (bus == "xvd")
        return 202 << 8 | disk << 4 | partition;
    if (bus == "sd")
        return 8 << 8 | disk << 4 | partition;
    if (bus == "hd" && disk < 4)
        return (disk < 2 ? 3u : 22u) << 8 | (disk & 1) << 6 | partition;
    return std::nullopt;
}

Result<> write_device_nodes(xen::Store &store, domid_t domain, GuestConfig const &config)
{
    for (auto const &disk : config.disks)
        TRY(write_disk(store, domain, disk));
    for (std::uint32_t i = 0; i < config.nics.size(); ++i)
        TRY(write_nic(store, domain, config, i));
    return {};
}

void remove_device_nodes(xen::Store &store, domid_t domain)
{
    for (auto kind : kinds) {
        (void)store.remove(back_of(kind, domain)).ok();
        (void)store.remove(errors_of(kind, domain)).ok();
    }
}

namespace {
// One device: its place in the store, and what a sentence about it calls it.
struct Device {
    char const *kind;
    domid_t domain;
    std::uint32_t number;
    std::string name;
    std::string suffix() const { return "/" + std::to_string(number); }
    std::string front_state() const { return home_of(domain) + "/device/" + kind + suffix() + "/state"; }
    std::string back() const { return back_of(kind, domain) + suffix(); }
    std::string errors() const { return errors_of(kind, domain) + suffix(); }
};

// Until its driver in domain 0 has begun. Failure: what that says is wrong; there is none.
void wait_for_back_end(xen::Store &store, Device const &device)
{
    constexpr double patience_seconds = 10;
    auto state = device.back() + "/state";
    std::string why;
    bool answered = wait_for_change(store, home_of(0), patience_seconds, [&] {
        // In this order: who fails says why before it goes on.
        bool const moved = store.read(state).value_or("") != std::to_string(XenbusStateInitialising);
        why = store.read(device.errors() + "/error").value_or("");
        return moved || !why.empty();
    });
    if (!why.empty())
        throw Failure{device.name + ": " + why.substr(why.find(' ') + 1)};
    if (!answered)
        throw Failure{device.name + ": nobody in domain 0 serves it (" + state + " does not change)"};
}

// names: of the nodes that the toolstack wrote of its back end; what the driver did there goes.
void restart_back_end(xen::Store &store, Device const &device, std::initializer_list<char const *> names)
{
    constexpr double patience_seconds = 10;
    auto folder = device.back(), front_state = device.front_state();
    Keys keys;
    for (auto key : names)
        if (auto value = store.read(folder + "/" + key); value.ok())
            keys.emplace_back(key, value.take());
    if (keys.empty())
        throw Failure{name_of(store, device.domain) + " has no " + device.name};
    auto becomes = [&](int state) {
        return wait_for_change(store, front_state, patience_seconds,
                               [&] { return store.read(front_state).value_or("") == std::to_string(state); });
    };
    (void)store.remove(device.errors()).ok();
    need(store.remove(folder), folder);
    bool const closed = becomes(XenbusStateClosed);
    keys.emplace_back("state", std::to_string(XenbusStateInitialising));
    auto permissions = "n0|r" + std::to_string(device.domain) + "|";
    need(store.atomically([&] { return write_all(store, folder, permissions, keys); }), folder);
    if (!closed)
        throw Failure{device.name + ": its driver in " + name_of(store, device.domain) + " did not let go"};
    wait_for_back_end(store, device);
    if (!becomes(XenbusStateConnected))
        throw Failure{device.name + ": its driver in " + name_of(store, device.domain) + " did not come back"};
}
}  // namespace

void restart_disk(xen::Store &store, domid_t domain, std::string const &vdev)
{
    restart_back_end(store, {"vbd", domain, disk_number(vdev).value_or(0), "disk " + vdev},
                     {"params", "type", "dev", "mode", "device-type", "removable", "bootable", "physical-device",
                      "frontend", "frontend-id", "online"});
}

void restart_nic(xen::Store &store, domid_t domain, std::uint32_t handle)
{
    restart_back_end(store, {"vif", domain, handle, "network interface " + std::to_string(handle)},
                     {"handle", "type", "mac", "bridge", "ip", "script", "vifname", "rate", "test-loss-permille",
                      "test-reorder-permille", "frontend", "frontend-id", "online"});
}

void wait_for_disks(xen::Store &store, domid_t domain, std::vector<DiskConfig> const &disks)
{
    for (auto const &disk : disks)
        wait_for_back_end(store, {"vbd", domain, *disk_number(disk.vdev), disk.vdev});
}

namespace {
std::string front_of(domid_t domain, std::uint32_t number)
{
    return home_of(domain) + "/device/vbd/" + std::to_string(number);
}

std::uint32_t number_of(std::string const &vdev)
{
    auto number = disk_number(vdev);
    if (!number)
        throw Failure{vdev + " is no name of a disk, such as xvda"};
    return *number;
}

bool wait_for_state(xen::Store &store, std::string const &folder, int state, double patience_seconds)
{
    auto path = folder + "/state";
    return wait_for_change(store, path, patience_seconds,
                           [&] { return store.read(path).value_or("") == std::to_string(state); });
}

void remove_disk(xen::Store &store, domid_t domain, std::uint32_t number)
{
    auto d = "/" + std::to_string(number);
    (void)store.remove(front_of(domain, number)).ok();
    (void)store.remove(back_of("vbd", domain) + d).ok();
    (void)store.remove(errors_of("vbd", domain) + d).ok();
}
}  // namespace

void attach_disk(xen::Store &store, domid_t domain, DiskConfig const &disk)
{
    auto number = number_of(disk.vdev);
    auto front = front_of(domain, number);
    if (store.read(front + "/state").ok())
        throw Failure{name_of(store, domain) + " has a disk " + disk.vdev + " already"};
    need(store.atomically([&] { return write_disk(store, domain, disk); }), front);
    try {
        wait_for_disks(store, domain, {disk});
        if (!wait_for_state(store, front, XenbusStateConnected, 10))
            throw Failure{disk.vdev + ": no driver in " + name_of(store, domain) + " takes it"};
    } catch (Failure const &) {
        remove_disk(store, domain, number);
        throw;
    }
}

// As Xen's public io/xenbus.h has it: "online" 0 says that it is for good, Closing that the front end shall go.
void detach_disk(xen::Store &store, domid_t domain, std::string const &vdev)
{
    auto number = number_of(vdev);
    auto front = front_of(domain, number), back = back_of("vbd", domain) + "/" + std::to_string(number);
    if (!store.read(front + "/state").ok())
        throw Failure{name_of(store, domain) + " has no disk " + vdev};
    auto say = [&](char const *online, int state) {
        return store.atomically([&]() -> Result<> {
            TRY(store.write(back + "/online", online));
            return store.write(back + "/state", std::to_string(state));
        });
    };
    auto before = store.read(back + "/state").value_or("");
    if (before != std::to_string(XenbusStateConnected))  // nobody uses it, or ever did
        return remove_disk(store, domain, number);
    need(say("0", XenbusStateClosing), back);
    if (wait_for_state(store, front, XenbusStateClosed, 5))
        return remove_disk(store, domain, number);
    need(say("1", XenbusStateConnected), back);
    throw Failure{vdev + ": " + name_of(store, domain) + " does not let go of it: it is mounted or open there"};
}

std::vector<AttachedDisk> attached_disks(xen::Store &store, domid_t domain)
{
    std::vector<AttachedDisk> disks;
    auto folder = back_of("vbd", domain);
    auto listed = store.directory(folder);
    for (auto const &number : listed.ok() ? listed.value() : std::vector<std::string>{}) {
        auto of_back = [&](char const *key) { return store.read(folder + "/" + number + "/" + key).value_or(""); };
        auto state = store.read(home_of(domain) + "/device/vbd/" + number + "/state").value_or("0");
        disks.push_back(
            {of_back("dev"), of_back("params"), of_back("mode") == "w", state == std::to_string(XenbusStateConnected)});
    }
    return disks;
}

std::vector<AttachedNic> attached_nics(xen::Store &store, domid_t domain)
{
    std::vector<AttachedNic> nics;
    auto listed = store.directory(back_of("vif", domain));
    for (auto const &text : listed.ok() ? listed.value() : std::vector<std::string>{}) {
        Device const device{"vif", domain, static_cast<std::uint32_t>(std::strtoul(text.c_str(), nullptr, 10)), {}};
        auto of_back = [&](char const *key) { return store.read(device.back() + "/" + key).value_or(""); };
        nics.push_back({device.number, of_back("mac"), of_back("bridge"),
                        store.read(device.front_state()).value_or("0") == std::to_string(XenbusStateConnected)});
    }
    return nics;
}
