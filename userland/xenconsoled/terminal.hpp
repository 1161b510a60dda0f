// SPDX-License-Identifier: MIT
// The terminal at which a guest's console can be used: our end of a pseudo-terminal.
#pragma once
#include <lib/result.hpp>
#include <string>
#include <userland/common/fd.hpp>

namespace console {
class Terminal {
public:
    static Result<Terminal> open();
    int fd() const { return master_.get(); }
    std::string const &name() const { return name_; }  // of the other end

private:
    Terminal(Fd master, Fd slave, std::string name)
        : master_{std::move(master)}, slave_{std::move(slave)}, name_{std::move(name)}
    {
    }
    // The other end stays open, and in raw mode: otherwise the terminal would hang up whenever nobody uses it, and echo what the
    // guest writes back to it as its input.
    Fd master_, slave_;
    std::string name_;
};
}  // namespace console
