// SPDX-License-Identifier: MIT
// Front and back ends of a domain's disks and network interfaces in xenstore (include/pv/io/blkif.h, netif.h): the drivers on both
// sides find each other by these.
#pragma once
#include <userland/toolstack/guest_config.hpp>
#include <userland/xen/store.hpp>

Result<> write_device_nodes(xen::Store &, domid_t, GuestConfig const &);
void remove_device_nodes(xen::Store &, domid_t);
// Waits until domain 0's driver has opened the disks. Failure: what it says of one that it cannot serve; nobody serves disks.
void wait_for_disks(xen::Store &, domid_t, std::vector<DiskConfig> const &);
// Ends domain 0's side of a disk in the midst of what it does, and makes a new one from the same nodes. The guest waits meanwhile.
// Failure: there is no such disk, one of the two sides does not come back.
void restart_disk(xen::Store &, domid_t, std::string const &vdev);

// Gives a running guest another disk. Failure: it has one of that name, domain 0 cannot serve it, the guest does not take it; then nothing
// is left of it.
void attach_disk(xen::Store &, domid_t, DiskConfig const &);
// Takes a disk away. Failure: there is none, the guest does not let go of it; then it has it as before.
void detach_disk(xen::Store &, domid_t, std::string const &vdev);
struct AttachedDisk {
    std::string vdev, target;
    bool writable, connected;
};
std::vector<AttachedDisk> attached_disks(xen::Store &, domid_t);

// As restart_disk(), of the network interface of that number. What is on its way in the meantime is lost, as on any network.
void restart_nic(xen::Store &, domid_t, std::uint32_t handle);
struct AttachedNic {
    std::uint32_t handle;
    std::string mac, bridge;  // bridge: empty if the guest file named none
    bool connected;
};
std::vector<AttachedNic> attached_nics(xen::Store &, domid_t);

// "xvda" -> 51712: a disk's number as vbd-interface(7) has it. None: not a name of a disk.
std::optional<std::uint32_t> disk_number(std::string const &vdev);
