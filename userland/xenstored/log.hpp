// SPDX-License-Identifier: MIT
// What the daemon writes down: always its start and what goes wrong with a client; each request while that is switched on.
#pragma once
#include <cstdio>
#include <string>
#include <userland/xenstored/message.hpp>
#include <userland/xenstored/permissions.hpp>

namespace xenstore {
class Log {
public:
    Log() = default;
    ~Log();
    Log(Log const &) = delete;
    Log &operator=(Log const &) = delete;

    Result<> open(std::string const &path);  // from now on there, instead of standard error; the end of the file is kept
    void trace(bool on) { tracing_ = on; }
    void line(char const *format, ...) __attribute__((format(printf, 2, 3)));
    void request(Identity, Request const &, Error);
    std::FILE *file() const { return file_ ? file_ : stderr; }

private:
    std::FILE *file_ = nullptr;
    bool tracing_ = false;
};
}  // namespace xenstore
