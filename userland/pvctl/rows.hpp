// SPDX-License-Identifier: MIT
// Domains as list and top show them.
#pragma once
#include <userland/pvctl/json.hpp>
#include <userland/toolstack/lifecycle.hpp>

struct Row {
    domid_t domain;
    std::string name;
    std::uint64_t memory_mb;
    std::uint32_t vcpus;
    std::string state;  // six places: r b p s c d, or - for each that it is not
    std::uint64_t cpu_ns;
    std::string uuid;
};
std::vector<Row> rows_of(Toolstack &, std::vector<std::string> const &names);  // no names: all
void write_row(Json &, Row const &);                                           // an object
std::string seconds_text(std::uint64_t ns);                                    // "12.3"
