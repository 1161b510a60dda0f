// SPDX-License-Identifier: MIT
// Who listens by rtnetlink(7) is told of what changes: of an interface that goes down and comes up, of an address that is added and taken.
#include "test.hpp"
#include <arpa/inet.h>
#include <functional>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace posix;

namespace {
constexpr unsigned lo = 1;

class Listener {
public:
    explicit Listener(std::uint32_t groups) : fd_{socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)}
    {
        sockaddr_nl a{};
        a.nl_family = AF_NETLINK;
        a.nl_groups = groups;
        CHECK_EQ(bind(fd_, reinterpret_cast<sockaddr *>(&a), sizeof a), 0);
    }
    ~Listener() { close(fd_); }
    // Whether such a message comes within two seconds; others may come before it.
    bool hears(std::uint16_t type, std::function<bool(nlmsghdr const &)> const &is_it)
    {
        alignas(nlmsghdr) char b[8192];
        for (pollfd p{fd_, POLLIN, 0}; poll(&p, 1, 2000) == 1;) {
            auto n = recv(fd_, b, sizeof b, 0);
            CHECK(n > 0);
            auto left = static_cast<unsigned>(n);
            for (auto h = reinterpret_cast<nlmsghdr *>(b); NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
                if (h->nlmsg_type == type && is_it(*h))
                    return true;
        }
        return false;
    }

private:
    int fd_;
};

void set_up(bool up)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    ifreq r{};
    std::strcpy(r.ifr_name, "lo");
    CHECK_EQ(ioctl(fd, SIOCGIFFLAGS, &r), 0);
    r.ifr_flags = static_cast<short>(up ? r.ifr_flags | IFF_UP : r.ifr_flags & ~IFF_UP);
    CHECK_EQ(ioctl(fd, SIOCSIFFLAGS, &r), 0);
    close(fd);
}

in6_addr const an_address = {{{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34}}};

// The kernel's answer to the request: 0 or an error's number.
int change_address(std::uint16_t type)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    struct {
        nlmsghdr header;
        ifaddrmsg body;
        rtattr attribute;
        in6_addr address;
    } q{};
    unsigned flags = NLM_F_REQUEST | NLM_F_ACK | (type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_EXCL : 0);
    q.header = {sizeof q, type, static_cast<std::uint16_t>(flags), 1, 0};
    q.body = {AF_INET6, 128, 0, RT_SCOPE_UNIVERSE, lo};
    q.attribute = {sizeof q.attribute + sizeof q.address, IFA_LOCAL};
    q.address = an_address;
    CHECK_EQ(send(fd, &q, sizeof q, 0), static_cast<ssize_t>(sizeof q));
    alignas(nlmsghdr) char b[4096];
    CHECK(recv(fd, b, sizeof b, 0) > 0);
    auto &h = *reinterpret_cast<nlmsghdr *>(b);
    CHECK_EQ(h.nlmsg_type, NLMSG_ERROR);
    close(fd);
    return -static_cast<nlmsgerr *>(NLMSG_DATA(&h))->error;
}

bool is_the_address(nlmsghdr const &h)
{
    auto m = static_cast<ifaddrmsg const *>(NLMSG_DATA(&h));
    int left = static_cast<int>(IFA_PAYLOAD(&h));
    bool ours = false;
    for (auto a = IFA_RTA(m); RTA_OK(a, left); a = RTA_NEXT(a, left))
        ours |= a->rta_type == IFA_ADDRESS && std::memcmp(RTA_DATA(a), &an_address, sizeof an_address) == 0;
    return ours && m->ifa_index == lo && m->ifa_family == AF_INET6;
}
}  // namespace

TEST(interfaces, changes_are_told)
{
    // Where there are network namespaces it has one of its own; without the right to that it may change nothing.
    if (unshare(CLONE_NEWNET) != 0 && errno == EPERM)
        return;
    set_up(true);
    Listener links{RTMGRP_LINK}, addresses{RTMGRP_IPV6_IFADDR};
    auto becomes = [](bool up) {
        return [up](nlmsghdr const &h) {
            auto m = static_cast<ifinfomsg const *>(NLMSG_DATA(&h));
            return m->ifi_index == static_cast<int>(lo) && ((m->ifi_flags & IFF_UP) != 0) == up;
        };
    };
    set_up(false);
    CHECK(links.hears(RTM_NEWLINK, becomes(false)));
    set_up(true);
    CHECK(links.hears(RTM_NEWLINK, becomes(true)));

    CHECK_EQ(change_address(RTM_NEWADDR), 0);
    CHECK(addresses.hears(RTM_NEWADDR, is_the_address));
    CHECK_EQ(change_address(RTM_NEWADDR), EEXIST);
    CHECK_EQ(change_address(RTM_DELADDR), 0);
    CHECK(addresses.hears(RTM_DELADDR, is_the_address));
    CHECK_EQ(change_address(RTM_DELADDR), EADDRNOTAVAIL);
}
