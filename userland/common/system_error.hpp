// SPDX-License-Identifier: MIT
// What the last system call failed of.
#pragma once
#include <cerrno>
#include <cstring>
#include <lib/result.hpp>

inline Error last_error() { return static_cast<Error>(errno); }
inline char const *text_of(Error error) { return std::strerror(static_cast<int>(error)); }
