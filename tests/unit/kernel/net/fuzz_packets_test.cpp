// SPDX-License-Identifier: MIT
// Frames that nobody would send: true ones with bytes changed, cut, repeated, out of order; and true conversations in between. What
// must hold: nothing is read or written out of bounds (the sanitizers see to that), and everything is given back afterwards.
#include "conversation.hpp"
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <kernel/net/inet/raw_socket.hpp>
#include <kernel/net/packet/packet_socket.hpp>

using namespace kernel::net;
using namespace world;

namespace {
double seconds_to_spend()
{
    auto text = std::getenv("LODGER_FUZZ_SECONDS");
    return text ? std::atof(text) : 4;
}

// What hosts on the wire may say.
class Corpus {
public:
    Corpus()
    {
        Side us{{2, 0, 0, 0, 0, 0x41}, 0x0a000001, 9}, peer{{2, 0, 0, 0, 0, 0x42}, 0x0a000002, 5300};
        for (int port : {7, 9, 7900, 7901}) {
            us.port = static_cast<std::uint16_t>(port);
            frames.push_back(udp_frame(peer, us, "hello"));
            frames.push_back(udp_frame(peer, us, std::string(1400, 'u')));
            for (std::uint8_t flags : {flag_syn, flag_ack, flag_rst, flag_fin, flag_psh})
                frames.push_back(
                    tcp_frame(peer, us, {1000, 0, static_cast<std::uint8_t>(flags | (flags == flag_syn ? 0 : flag_ack))},
                              Bytes(flags == flag_psh ? 900 : 0, 't')));
        }
        frames.push_back(arp_reply(peer, us));
        auto request = arp_reply(peer, us);
        request[21] = 1;
        frames.push_back(request);
        add_icmp(peer, us);
        add_fragments(peer, us);
        add_ipv6();
    }
    std::vector<Bytes> frames;

private:
    void add_icmp(Side const &peer, Side const &us)
    {
        for (auto type : {0, 3, 5, 8, 11, 12, 13}) {
            auto f = udp_frame(peer, us, std::string(64, 'i'));
            f[23] = 1;
            f[34] = static_cast<unsigned char>(type);
            f[35] = type == 3 ? 3 : 0;
            // quotes a datagram of ours
            auto quoted = udp_frame(us, peer, "quoted");
            std::copy(quoted.begin() + 14, quoted.begin() + 42, f.begin() + 42);
            frames.push_back(f);
        }
        auto igmp = udp_frame(peer, us, "igmp");
        igmp[23] = 2;
        frames.push_back(igmp);
    }
    void add_fragments(Side const &peer, Side const &us)
    {
        for (unsigned offset : {0u, 185u, 370u, 8000u}) {
            auto f = udp_frame(peer, us, std::string(1472, 'f'));
            auto field = offset | (offset < 370 ? 0x2000u : 0);
            f[20] = static_cast<unsigned char>(field >> 8);
            f[21] = static_cast<unsigned char>(field);
            frames.push_back(f);
        }
    }
    // Neighbour and router messages, an echo, a fragment, extension headers.
    void add_ipv6()
    {
        for (unsigned next : {58u, 17u, 6u, 44u, 0u, 43u, 60u, 59u})
            for (unsigned type : {128u, 133u, 134u, 135u, 136u, 1u, 2u, 130u}) {
                Bytes f{2,    0, 0, 0, 0,    0x41, 2,
                        0,    0, 0, 0, 0x42, 0x86, 0xdd,
                        0x60, 0, 0, 0, 0,    64,   static_cast<unsigned char>(next),
                        255};
                Bytes const from{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 0x42};
                Bytes const to{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 0x41};
                f.insert(f.end(), from.begin(), from.end());
                f.insert(f.end(), to.begin(), to.end());
                f.resize(f.size() + 64);
                f[54] = static_cast<unsigned char>(type);
                frames.push_back(f);
            }
    }
};

Bytes mutated(Bytes f)
{
    switch (chance(8)) {
    case 0: break;
    case 1: f.resize(chance(static_cast<std::uint32_t>(f.size() + 1))); break;
    case 2: f.resize(f.size() + chance(200), 0xaa); break;
    default:
        for (unsigned i = 0, n = 1 + chance(6); i < n && !f.empty(); ++i)
            f[chance(static_cast<std::uint32_t>(
                std::min<std::size_t>(f.size(), chance(3) ? 80 : f.size())))] = static_cast<unsigned char>(chance(256));
    }
    if (chance(3))
        complete_checksums(f);
    return f;
}

struct Sockets {
    Ref<TcpSocket> echo = listening(7900), discard = listening(7901);
    std::vector<Ref<kernel::Socket>> open;
    Ref<UdpSocket> udp;
    Ref<RawSocket> raw;
    Ref<PacketSocket> packets;
    Sockets()
    {
        constexpr unsigned nonblocking = 04000;
        Guard guard;
        udp = kernel::make_ref<UdpSocket>(abi_af_inet, nonblocking, kernel::make_ref<SendCredit>().take(),
                                          *udp_new_ip_type(IPADDR_TYPE_V4))
                  .take();
        raw = kernel::make_ref<RawSocket>(abi_af_inet, abi_sock_raw, 1, nonblocking,
                                          kernel::make_ref<SendCredit>().take(), *raw_new_ip_type(IPADDR_TYPE_V4, 1))
                  .take();
    }
    void begin()
    {
        (void)udp->bind(address("0.0.0.0", 9));
        packets = kernel::make_ref<PacketSocket>(abi_sock_raw, 0x0300, 04000u).take();  // ETH_P_ALL
    }
    void turn()
    {
        for (auto l : {&echo, &discard})
            while (auto c = accepted(**l))
                open.push_back(c);
        for (std::size_t i = 0; i < open.size(); ++i) {
            auto data = receive(*open[i], 4096);
            if (!data.empty() && i % 2)
                (void)send(*open[i], data);
            if (chance(20) == 0)
                open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
        }
        for (kernel::Socket *s : {static_cast<kernel::Socket *>(udp.get()), static_cast<kernel::Socket *>(raw.get()),
                                  static_cast<kernel::Socket *>(packets.get())})
            while (!receive(*s, 2048).empty()) {}
    }
};

void talk(Wire &wire)
{
    static std::uint16_t port = 20000;
    Peer peer{wire, ++port};
    if (!peer.connect(chance(2) ? 7900 : 7901))
        return;
    for (unsigned i = 0, n = chance(12); i < n; ++i) {
        auto flags = static_cast<std::uint8_t>(chance(6) ? flag_ack : chance(64));
        auto shift = chance(3) ? 0 : static_cast<std::int32_t>(chance(4000)) - 2000;
        peer.say(flags, Bytes(chance(1460), 'd'), shift);
        for (auto const &s : peer.heard())
            peer.expected = std::max(peer.expected, s.sequence + s.bytes);
    }
}
}  // namespace

TEST_CASE("invented frames do no harm and leave nothing behind", "[fuzz]")
{
    begin(static_cast<unsigned>(std::chrono::system_clock::now().time_since_epoch().count()));
    auto const before = frames_in_use();
    unsigned count = 0;
    {
        auto wire = plug("fuzz%u", 0x41, "10.0.0.1");
        Corpus corpus;
        {
            Sockets sockets;
            sockets.begin();
            auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds_to_spend());
            while (std::chrono::steady_clock::now() < end) {
                for (unsigned i = 0; i < 100; ++i, ++count) {
                    auto f = mutated(corpus.frames[chance(static_cast<std::uint32_t>(corpus.frames.size()))]);
                    if (f.empty())
                        continue;
                    Guard guard;
                    auto p = packet_of(f, 1 + chance(2) * 70 + chance(60000));
                    p->checksum_state = static_cast<u8_t>(chance(3));
                    p->segment_bytes = static_cast<u16_t>(chance(4) ? 0 : chance(2000));
                    wire->receive(std::move(p));
                }
                talk(*wire);
                sockets.turn();
                wire->sent.clear();
                pass(chance(20) * 10);
                if (chance(10) == 0)
                    jump(chance(5000));
            }
        }
        unplug(wire);
    }
    for (unsigned i = 0; i < 300; ++i)
        jump(10'000);
    CHECK(frames_in_use() == before);
    CHECK(count > 1000);
}
