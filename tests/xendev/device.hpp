// SPDX-License-Identifier: MIT
// What the tests of /dev/xen share: opening a device, messages of xenstore's protocol, asking which domain this is.
#pragma once
#include "../posix/test.hpp"
#include <cstdint>
#include <pv/io/xs_wire.h>
#include <string>
#include <vector>

namespace xendev {
int open_device(char const *name, int flags = 0);  // of /dev/xen; fails the test if it cannot; always O_RDWR
bool is_domain_0();

// A connection with xenstore by /dev/xen/xenbus.
struct Store {
    int fd = open_device("xenbus");
    struct Reply {
        xsd_sockmsg header;
        std::string payload;
        std::vector<std::string> strings() const;  // of the payload
    };
    void send(std::uint32_t type, std::string const &payload, std::uint32_t tx = 0, std::uint32_t id = 1) const;
    Reply receive() const;  // the next message, whatever it is
    // The answer to a request; watch events that come before it are kept aside.
    Reply ask(std::uint32_t type, std::string const &payload, std::uint32_t tx = 0);
    std::string read(std::string const &path, std::uint32_t tx = 0);  // fails the test if it cannot
    void write(std::string const &path, std::string const &value, std::uint32_t tx = 0);
    Reply next_event();
    std::vector<Reply> events;
};
std::string nul(std::string s);  // with its NUL
unsigned own_domain();
}  // namespace xendev
