// SPDX-License-Identifier: MIT
// Interfaces: ioctls, netlink, packet sockets, /proc/net. What is asked of loopback holds everywhere.
#include "test.hpp"
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace posix;

namespace {
std::string contents(char const *path)
{
    std::string all;
    int fd = open(path, O_RDONLY);
    char b[4096];
    for (ssize_t n; (n = read(fd, b, sizeof b)) > 0;)
        all.append(b, static_cast<std::size_t>(n));
    close(fd);
    return all;
}
ifreq request(char const *name)
{
    ifreq r{};
    std::strncpy(r.ifr_name, name, sizeof r.ifr_name - 1);
    return r;
}
sockaddr_in loopback_port(std::uint16_t port = 0)
{
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}
std::uint16_t bound_port(int fd)
{
    auto a = loopback_port();
    CHECK_EQ(bind(fd, reinterpret_cast<sockaddr *>(&a), sizeof a), 0);
    socklen_t n = sizeof a;
    CHECK_EQ(getsockname(fd, reinterpret_cast<sockaddr *>(&a), &n), 0);
    return ntohs(a.sin_port);
}
std::uint16_t checksum(void const *data, std::size_t n)
{
    auto p = static_cast<std::uint8_t const *>(data);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < n; i += 2)
        sum += static_cast<std::uint32_t>(p[i] << 8 | (i + 1 < n ? p[i + 1] : 0));
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons(static_cast<std::uint16_t>(~sum));
}

// Asks for a dump and gives each message to f.
template <class F>
void dump(std::uint16_t type, unsigned char family, F f)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    CHECK(fd >= 0);
    struct {
        nlmsghdr header;
        rtgenmsg body;
    } q{};
    q.header = {sizeof q, type, NLM_F_REQUEST | NLM_F_DUMP, 7, 0};
    q.body.rtgen_family = family;
    CHECK_EQ(send(fd, &q, sizeof q, 0), static_cast<ssize_t>(sizeof q));
    alignas(nlmsghdr) char b[32768];
    for (;;) {
        auto n = static_cast<int>(recv(fd, b, sizeof b, 0));
        CHECK(n > 0);
        for (auto h = reinterpret_cast<nlmsghdr *>(b); NLMSG_OK(h, static_cast<unsigned>(n)); h = NLMSG_NEXT(h, n)) {
            CHECK_EQ(h->nlmsg_seq, 7u);
            if (h->nlmsg_type == NLMSG_DONE) {
                close(fd);
                return;
            }
            CHECK(h->nlmsg_type != NLMSG_ERROR);
            f(*h);
        }
    }
}
}  // namespace

TEST(interfaces, loopback_by_ioctl)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    auto r = request("lo");
    CHECK_EQ(ioctl(fd, SIOCGIFINDEX, &r), 0);
    CHECK_EQ(r.ifr_ifindex, 1);
    CHECK_EQ(ioctl(fd, SIOCGIFFLAGS, &r), 0);
    CHECK_EQ(r.ifr_flags & (IFF_UP | IFF_LOOPBACK | IFF_RUNNING), IFF_UP | IFF_LOOPBACK | IFF_RUNNING);
    CHECK_EQ(ioctl(fd, SIOCGIFADDR, &r), 0);
    CHECK_EQ(reinterpret_cast<sockaddr_in &>(r.ifr_addr).sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    CHECK_EQ(ioctl(fd, SIOCGIFNETMASK, &r), 0);
    CHECK_EQ(reinterpret_cast<sockaddr_in &>(r.ifr_netmask).sin_addr.s_addr, htonl(0xff000000));
    CHECK_EQ(ioctl(fd, SIOCGIFMTU, &r), 0);
    CHECK(r.ifr_mtu >= 16384);
    CHECK_EQ(ioctl(fd, SIOCGIFHWADDR, &r), 0);
    CHECK_EQ(r.ifr_hwaddr.sa_family, 772);  // ARPHRD_LOOPBACK
    r.ifr_ifindex = 1;
    CHECK_EQ(ioctl(fd, SIOCGIFNAME, &r), 0);
    CHECK_EQ(std::string{r.ifr_name}, "lo");
    auto none = request("nosuch0");
    CHECK_ERRNO(ioctl(fd, SIOCGIFINDEX, &none), ENODEV);
    ifreq all[32];
    ifconf c{};
    c.ifc_len = sizeof all;
    c.ifc_req = all;
    CHECK_EQ(ioctl(fd, SIOCGIFCONF, &c), 0);
    CHECK(c.ifc_len >= static_cast<int>(sizeof(ifreq)));
    CHECK_EQ(std::string{all[0].ifr_name}, "lo");
}

TEST(interfaces, names_and_addresses_of_the_c_library)
{
    CHECK_EQ(if_nametoindex("lo"), 1u);
    auto names = if_nameindex();
    CHECK(names && names[0].if_index == 1 && std::string{names[0].if_name} == "lo");
    if_freenameindex(names);
    ifaddrs *list;
    CHECK_EQ(getifaddrs(&list), 0);
    bool v4 = false, v6 = false, packet = false;
    for (auto a = list; a; a = a->ifa_next) {
        if (std::string{a->ifa_name} != "lo" || !a->ifa_addr)
            continue;
        v4 |= a->ifa_addr->sa_family == AF_INET;
        v6 |= a->ifa_addr->sa_family == AF_INET6
            && IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<sockaddr_in6 *>(a->ifa_addr)->sin6_addr);
        packet |= a->ifa_addr->sa_family == AF_PACKET;
    }
    freeifaddrs(list);
    CHECK(v4);
    CHECK(v6);
    CHECK(packet);
}

TEST(interfaces, netlink_dumps)
{
    bool link = false, address = false, route = false;
    dump(RTM_GETLINK, AF_UNSPEC, [&](nlmsghdr &h) {
        CHECK_EQ(h.nlmsg_type, RTM_NEWLINK);
        CHECK_EQ(h.nlmsg_flags & NLM_F_MULTI, NLM_F_MULTI);
        auto m = static_cast<ifinfomsg *>(NLMSG_DATA(&h));
        int left = static_cast<int>(h.nlmsg_len) - static_cast<int>(NLMSG_LENGTH(sizeof *m));
        for (auto a = IFLA_RTA(m); RTA_OK(a, left); a = RTA_NEXT(a, left))
            if (a->rta_type == IFLA_IFNAME && m->ifi_index == 1)
                link = std::string{static_cast<char *>(RTA_DATA(a))} == "lo";
    });
    dump(RTM_GETADDR, AF_INET, [&](nlmsghdr &h) {
        auto m = static_cast<ifaddrmsg *>(NLMSG_DATA(&h));
        CHECK_EQ(m->ifa_family, AF_INET);
        address |= m->ifa_index == 1 && m->ifa_prefixlen == 8;
    });
    dump(RTM_GETROUTE, AF_INET, [&](nlmsghdr &h) {
        auto m = static_cast<rtmsg *>(NLMSG_DATA(&h));
        route |= m->rtm_table == RT_TABLE_LOCAL && m->rtm_type == RTN_LOCAL;
    });
    CHECK(link);
    CHECK(address);
    CHECK(route);
}

TEST(interfaces, netlink_answers)
{
    int fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
    sockaddr_nl a{};
    a.nl_family = AF_NETLINK;
    CHECK_EQ(bind(fd, reinterpret_cast<sockaddr *>(&a), sizeof a), 0);
    socklen_t n = sizeof a;
    CHECK_EQ(getsockname(fd, reinterpret_cast<sockaddr *>(&a), &n), 0);
    CHECK(a.nl_pid != 0);
    struct {
        nlmsghdr header;
        ifinfomsg body;
    } q{};
    q.header = {sizeof q, RTM_GETLINK, NLM_F_REQUEST, 42, 0};
    q.body.ifi_index = 999;
    CHECK_EQ(send(fd, &q, sizeof q, 0), static_cast<ssize_t>(sizeof q));
    alignas(nlmsghdr) char b[4096];
    CHECK(recv(fd, b, sizeof b, 0) > 0);
    auto &h = *reinterpret_cast<nlmsghdr *>(b);
    CHECK_EQ(h.nlmsg_type, NLMSG_ERROR);
    CHECK_EQ(h.nlmsg_seq, 42u);
    CHECK_EQ(static_cast<nlmsgerr *>(NLMSG_DATA(&h))->error, -ENODEV);
    CHECK_ERRNO(recv(fd, b, sizeof b, MSG_DONTWAIT), EAGAIN);
    CHECK_ERRNO(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE), ESOCKTNOSUPPORT);
}

TEST(interfaces, a_raw_socket_pings)
{
    for (int type : {SOCK_RAW, SOCK_DGRAM}) {
        int fd = socket(AF_INET, type, IPPROTO_ICMP);
        if (fd < 0 && type == SOCK_DGRAM)
            continue;  // net.ipv4.ping_group_range
        CHECK(fd >= 0);
        struct {
            icmphdr header;
            char data[32];
        } q{};
        q.header.type = ICMP_ECHO;
        q.header.un.echo.id = htons(0x4c4f);
        q.header.un.echo.sequence = htons(3);
        q.header.checksum = checksum(&q, sizeof q);
        auto to = loopback_port();
        CHECK_EQ(sendto(fd, &q, sizeof q, 0, reinterpret_cast<sockaddr *>(&to), sizeof to),
                 static_cast<ssize_t>(sizeof q));
        char b[200];
        for (;;) {
            pollfd p{fd, POLLIN, 0};
            CHECK_EQ(poll(&p, 1, 2000), 1);
            auto n = recv(fd, b, sizeof b, 0);
            std::size_t skip = type == SOCK_RAW ? sizeof(iphdr) : 0;
            CHECK_EQ(n, static_cast<ssize_t>(skip + sizeof q));
            auto r = reinterpret_cast<icmphdr *>(b + skip);
            if (r->type != ICMP_ECHOREPLY)
                continue;  // a raw socket sees the question too
            CHECK_EQ(r->un.echo.sequence, htons(3));
            break;
        }
        close(fd);
    }
}

TEST(interfaces, a_packet_socket_sees_frames)
{
    int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));
    CHECK(fd >= 0);
    sockaddr_ll a{};
    a.sll_family = AF_PACKET;
    a.sll_protocol = htons(ETH_P_IP);
    a.sll_ifindex = 1;
    CHECK_EQ(bind(fd, reinterpret_cast<sockaddr *>(&a), sizeof a), 0);
    int receiver = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
    auto port = bound_port(receiver);
    // udp and dst port PORT, for frames of Ethernet
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 4),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 16),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 64),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    sock_fprog program{7, code};
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
    auto to = loopback_port(port);
    std::string const data(100, 'p');
    CHECK_EQ(sendto(sender, data.data(), data.size(), 0, reinterpret_cast<sockaddr *>(&to), sizeof to), 100);
    pollfd p{fd, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 2000), 1);
    unsigned char frame[200];
    sockaddr_ll from{};
    socklen_t n = sizeof from;
    CHECK_EQ(recvfrom(fd, frame, sizeof frame, 0, reinterpret_cast<sockaddr *>(&from), &n), 64);  // as the filter cut it
    CHECK_EQ(from.sll_ifindex, 1);
    CHECK_EQ(from.sll_protocol, htons(ETH_P_IP));
    CHECK_EQ(frame[14] >> 4, 4);
    CHECK_EQ(frame[14 + 28], 'p');
    tpacket_stats s{};
    n = sizeof s;
    CHECK_EQ(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &s, &n), 0);
    CHECK(s.tp_packets >= 1);
    sock_filter endless[] = {BPF_STMT(BPF_LD | BPF_IMM, 1)};
    sock_fprog bad{1, endless};
    CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &bad, sizeof bad), EINVAL);
}

TEST(interfaces, a_ring_shared_with_packet_sockets)
{
    int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    int version = TPACKET_V2, length = TPACKET_V2;
    socklen_t n = sizeof length;
    CHECK_EQ(getsockopt(fd, SOL_PACKET, PACKET_HDRLEN, &length, &n), 0);
    CHECK_EQ(length, static_cast<int>(sizeof(tpacket2_hdr)));
    CHECK_EQ(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version), 0);
    tpacket_req r{8192, 4, 2048, 16};
    CHECK_EQ(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof r), 0);
    auto ring = static_cast<char *>(mmap(nullptr, 8192 * 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    CHECK(ring != MAP_FAILED);
    sockaddr_ll a{};
    a.sll_family = AF_PACKET;
    a.sll_protocol = htons(ETH_P_ALL);
    a.sll_ifindex = 1;
    CHECK_EQ(bind(fd, reinterpret_cast<sockaddr *>(&a), sizeof a), 0);
    int receiver = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
    auto to = loopback_port(bound_port(receiver));
    CHECK_EQ(sendto(sender, "ring", 4, 0, reinterpret_cast<sockaddr *>(&to), sizeof to), 4);
    bool found = false;
    for (unsigned i = 0; i < 16 && !found; ++i) {
        pollfd p{fd, POLLIN, 0};
        auto &h = *reinterpret_cast<tpacket2_hdr *>(ring + i * 2048);
        if (!(h.tp_status & TP_STATUS_USER))
            CHECK_EQ(poll(&p, 1, 2000), 1);
        CHECK(h.tp_status & TP_STATUS_USER);
        found = h.tp_snaplen >= 46 && std::memcmp(ring + i * 2048 + h.tp_net + 28, "ring", 4) == 0;
        h.tp_status = TP_STATUS_KERNEL;
    }
    CHECK(found);
}

TEST(interfaces, proc_net_tells_of_sockets)
{
    int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
    auto udp_port = bound_port(udp), tcp_port = bound_port(tcp);
    CHECK_EQ(listen(tcp, 3), 0);
    char line[64];
    std::snprintf(line, sizeof line, "0100007F:%04X 00000000:0000 07", udp_port);
    CHECK(contents("/proc/net/udp").find(line) != std::string::npos);
    std::snprintf(line, sizeof line, "0100007F:%04X 00000000:0000 0A", tcp_port);
    CHECK(contents("/proc/net/tcp").find(line) != std::string::npos);
    CHECK(contents("/proc/net/dev").find("    lo:") != std::string::npos);
    CHECK(contents("/proc/net/if_inet6").find("00000000000000000000000000000001 01 80 10 80       lo")
          != std::string::npos);
    CHECK(contents("/proc/net/route").starts_with("Iface\tDestination\tGateway"));
    CHECK(contents("/proc/net/snmp").find("Tcp: RtoAlgorithm") != std::string::npos);
}
