// SPDX-License-Identifier: MIT
// Names of domains that last: 128 bits, written 01234567-89ab-cdef-0123-456789abcdef (RFC 4122).
#pragma once
#include <userland/toolstack/guest_config.hpp>

std::optional<Uuid> parse_uuid(std::string_view);
std::string text_of(Uuid const &);
Uuid random_uuid();  // version 4
