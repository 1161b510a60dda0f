// SPDX-License-Identifier: MIT
// Where this build keeps what the tests boot.
#pragma once
#include <string>
#include <vector>

inline std::string built(std::string const &name) { return std::string{LODGER_BUILD} + "/" + name; }
inline std::string source(std::string const &name) { return std::string{LODGER_SOURCE} + "/" + name; }

// The two machines on which a person may sit at the guest's console, and the two architectures.
inline std::vector<std::string> boot_command(std::string const &how)
{
    if (how == "bochs")
        return {built("lodger"), "boot", "--emulator", "bochs", "--mem", "128"};
    if (how == "native")
        return {built("lodger"), "boot", "--arch", "native", "--mem", "128"};
    return {built("lodger"), "boot", "--mem", "128"};
}
