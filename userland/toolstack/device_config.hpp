// SPDX-License-Identifier: MIT
// One element of a guest file's `disk` or `vif` list (xl-disk-configuration(5), xl-network-configuration(5)).
#pragma once
#include <userland/toolstack/guest_config.hpp>

// None: `why` says what is wrong.
//     [TARGET, [FORMAT, [VDEV, [ACCESS]]]][, KEY=VALUE...]   KEY: target, format, vdev, access; FORMAT raw; ACCESS r, ro, w, rw
//                                                            test-fail-read, test-fail-write: FIRST+COUNT, sectors that fail
//     phy:TARGET,VDEV,ACCESS                                 the older form
std::optional<DiskConfig> parse_disk(std::string const &, std::string &why);
//     [KEY=VALUE[,...]]   KEY: mac, bridge, ip, script, vifname, backend, rate, type, model,
//                             test-loss-permille, test-reorder-permille; a rate is kept in the store's form (nic_rate.hpp)
std::optional<NicConfig> parse_nic(std::string const &, std::string &why);
