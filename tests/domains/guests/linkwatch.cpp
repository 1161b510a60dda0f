// SPDX-License-Identifier: MIT
// For a guest: prints "up" or "down" whenever the carrier of the interface eth0 has become so, as rtnetlink(7) tells of it. From the
// start on, until it is killed.
#include <cstdio>
#include <cstring>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {
// 1: with carrier; 0: without; -1: this is about something else.
int carrier_in(nlmsghdr const *message)
{
    if (message->nlmsg_type != RTM_NEWLINK)
        return -1;
    auto info = static_cast<ifinfomsg const *>(NLMSG_DATA(message));
    int left = static_cast<int>(IFLA_PAYLOAD(message));
    bool ours = false;
    for (auto at = IFLA_RTA(info); RTA_OK(at, left); at = RTA_NEXT(at, left))
        ours |= at->rta_type == IFLA_IFNAME && std::strcmp(static_cast<char const *>(RTA_DATA(at)), "eth0") == 0;
    return !ours ? -1 : (info->ifi_flags & IFF_RUNNING) != 0;
}
}  // namespace

int main()
{
    int link = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK;
    if (link < 0 || bind(link, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0) {
        std::perror("linkwatch");
        return 1;
    }
    setvbuf(stdout, nullptr, _IOLBF, 0);
    std::puts("watching");
    int last = -1;
    alignas(nlmsghdr) char buffer[16384];
    for (;;) {
        auto n = recv(link, buffer, sizeof buffer, 0);
        if (n <= 0)
            return 1;
        auto left = static_cast<unsigned>(n);
        for (auto message = reinterpret_cast<nlmsghdr *>(buffer); NLMSG_OK(message, left);
             message = NLMSG_NEXT(message, left))
            if (int now = carrier_in(message); now >= 0 && now != last)
                std::puts((last = now) ? "up" : "down");
    }
}
