// SPDX-License-Identifier: MIT
// Our terminal at a domain's console, until Ctrl-] or the domain's end.
#pragma once
#include <userland/common/fd.hpp>
#include <userland/toolstack/lifecycle.hpp>

class Attachment {
public:
    // Waits until xenconsoled has a terminal for the domain. Failure: it has none for too long.
    Attachment(Toolstack &, domid_t);
    // Passes bytes on, both ways. A domain that is started again under the same name goes on where it was. Status 0.
    int serve(std::string const &name);

private:
    enum class End { left, hung_up };
    void open(domid_t);
    End pass();
    bool open_successor(std::string const &name);

    Toolstack &tools_;
    Fd terminal_;
    std::string rest_;  // what was typed at once with Ctrl-], behind it
};
