// SPDX-License-Identifier: MIT
// `make run-dom0` with the test's own devices only; QEMU's monitor is behind ^A c.
#pragma once
#include "paths.hpp"
#include <string>
#include <vector>

// how: "native" or "pv".
inline std::vector<std::string> machine_command(std::string const &how, std::string const &qemu_args)
{
    return {"env",
            "-u",
            "MAKEFLAGS",
            "-u",
            "MFLAGS",
            "-u",
            "MAKELEVEL",
            "make",
            "--no-print-directory",
            "-C",
            LODGER_SOURCE,
            "BUILD=" LODGER_BUILD,
            how == "pv" ? "run-dom0" : "run-native",
            "NET=0",
            "QEMU_ARGS=" + qemu_args};
}
