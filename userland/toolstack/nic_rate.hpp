// SPDX-License-Identifier: MIT
// `rate` of a guest file's vif (xl-network-configuration(5)): how much of what the guest sends is taken.
#pragma once
#include <optional>
#include <string>
#include <string_view>

//     NUMBER[G|M|K](B|b)/s[@NUMBER[us|ms|s]]     10Mb/s, 1MB/s@20ms; B are bytes, b bits, an interval without a unit is microseconds
// As the back end reads it in the store, "BYTES,MICROSECONDS": so many bytes in each interval, which is 50 ms unless given.
// None: `why` says what is wrong.
std::optional<std::string> rate_for_store(std::string_view, std::string &why);
