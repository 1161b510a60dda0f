// SPDX-License-Identifier: MIT
// Why something asked for cannot be done: one sentence that names the thing and, where there is one, the remedy.
#pragma once
#include <lib/result.hpp>
#include <stdexcept>
#include <string>
#include <userland/common/system_error.hpp>

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

[[noreturn]] inline void fail(std::string const &what, Error error) { throw Failure{what + ": " + text_of(error)}; }

// The value, or a Failure "WHAT: the error's text".
template <class T>
T need(Result<T> result, std::string const &what)
{
    if (!result.ok())
        fail(what, result.error());
    return result.take();
}
inline void need(Result<> result, std::string const &what)
{
    if (!result.ok())
        fail(what, result.error());
}
