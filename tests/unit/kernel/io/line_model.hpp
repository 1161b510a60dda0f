// SPDX-License-Identifier: MIT
// A line discipline under test, and this machine's own one behind a pseudo terminal: the same keys in, the same screen and the
// same lines out?
#pragma once
#include <kernel/tty/line_discipline.hpp>
#include <string>
#include <vector>

namespace io {
struct Outcome {
    std::string screen;              // what the terminal shows: echo and output
    std::vector<std::string> lines;  // what read(2) of `read_bytes` gives, one after the other, until there is nothing
    bool operator==(Outcome const &) const = default;
};

struct Step {
    enum Kind { keys, output, settings } kind;
    std::string text;  // keys typed, or bytes a program writes
    kernel::Termios termios{};
};

struct Case {
    kernel::Termios termios{};
    std::vector<Step> steps;
    std::size_t read_bytes = 4096;
};

Outcome run_ours(Case const &);
// Throws std::string where it cannot. patience: milliseconds without output after which a step counts as done.
Outcome run_linux(Case const &, int patience = 15);
std::string visible(std::string const &);  // with control characters spelt out
}  // namespace io
