// SPDX-License-Identifier: MIT
#include "device.hpp"
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace xendev {
int open_device(char const *name, int flags)
{
    auto path = std::string{"/dev/xen/"} + name;
    int fd = open(path.c_str(), O_RDWR | O_CLOEXEC | flags);
    if (fd < 0)
        posix::fail(__FILE__, __LINE__, path.c_str(), std::strerror(errno));
    return fd;
}

bool is_domain_0()
{
    char text[32] = {};
    int fd = open("/proc/xen/capabilities", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK(read(fd, text, sizeof text - 1) >= 0);
    close(fd);
    return std::strcmp(text, "control_d\n") == 0;
}

std::string nul(std::string s)
{
    s.push_back('\0');
    return s;
}

std::vector<std::string> Store::Reply::strings() const
{
    std::vector<std::string> all;
    for (std::size_t at = 0; at < payload.size();) {
        auto end = payload.find('\0', at);
        if (end == payload.npos)
            end = payload.size();
        all.push_back(payload.substr(at, end - at));
        at = end + 1;
    }
    return all;
}

void Store::send(std::uint32_t type, std::string const &payload, std::uint32_t tx, std::uint32_t id) const
{
    xsd_sockmsg h{type, id, tx, static_cast<std::uint32_t>(payload.size())};
    std::string all{reinterpret_cast<char const *>(&h), sizeof h};
    all += payload;
    CHECK_EQ(::write(fd, all.data(), all.size()), static_cast<ssize_t>(all.size()));
}

static void read_all(int fd, void *to, std::size_t n)
{
    for (std::size_t done = 0; done < n;) {
        struct pollfd p = {fd, POLLIN, 0};
        CHECK_EQ(poll(&p, 1, 20'000), 1);
        auto got = ::read(fd, static_cast<char *>(to) + done, n - done);
        CHECK(got > 0);
        done += static_cast<std::size_t>(got);
    }
}

Store::Reply Store::receive() const
{
    Reply r;
    read_all(fd, &r.header, sizeof r.header);
    CHECK(r.header.len <= XENSTORE_PAYLOAD_MAX);
    r.payload.resize(r.header.len);
    read_all(fd, r.payload.data(), r.payload.size());
    return r;
}

Store::Reply Store::ask(std::uint32_t type, std::string const &payload, std::uint32_t tx)
{
    send(type, payload, tx, 0x1234);
    for (;;) {
        auto r = receive();
        if (r.header.type != XS_WATCH_EVENT) {
            CHECK_EQ(r.header.req_id, 0x1234u);
            return r;
        }
        events.push_back(r);
    }
}

std::string Store::read(std::string const &path, std::uint32_t tx)
{
    auto r = ask(XS_READ, nul(path), tx);
    if (r.header.type == XS_ERROR)
        posix::fail(__FILE__, __LINE__, path.c_str(), r.payload);
    return r.payload;
}

void Store::write(std::string const &path, std::string const &value, std::uint32_t tx)
{
    auto r = ask(XS_WRITE, nul(path) + value, tx);
    if (r.header.type == XS_ERROR)
        posix::fail(__FILE__, __LINE__, path.c_str(), r.payload);
}

Store::Reply Store::next_event()
{
    if (events.empty()) {
        auto r = receive();
        CHECK_EQ(r.header.type, static_cast<std::uint32_t>(XS_WATCH_EVENT));
        return r;
    }
    auto r = events.front();
    events.erase(events.begin());
    return r;
}

unsigned own_domain()
{
    if (is_domain_0())
        return 0;
    Store s;
    auto id = std::stoul(s.read("domid"));
    close(s.fd);
    return static_cast<unsigned>(id);
}
}  // namespace xendev
