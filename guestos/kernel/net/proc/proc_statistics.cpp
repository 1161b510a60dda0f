// SPDX-License-Identifier: MIT
// /proc/net/{snmp,netstat,packet,netlink}: lwIP counts what RFC 4293, 4022 and 4113 ask for.
#include <kernel/net/lock.hpp>
#include <kernel/net/netlink/netlink_socket.hpp>
#include <kernel/net/packet/packet_socket.hpp>
#include <kernel/net/proc/proc_net.hpp>
#include <lwip/priv/tcp_priv.h>
#include <lwip/stats.h>

namespace kernel::net {
Result<> show_snmp(Text &out, ProcTarget const &)
{
    Guard guard;
    auto const &m = lwip_stats.mib2;
    out.append(
        "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards "
        "InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails "
        "FragCreates\n");
    out.print("Ip: 2 %d %u %u %u %u %u %u %u ", IP_DEFAULT_TTL, m.ipinreceives, m.ipinhdrerrors, m.ipinaddrerrors,
              m.ipforwdatagrams, m.ipinunknownprotos, m.ipindiscards, m.ipindelivers);
    out.print("%u %u %u %d %u %u %u %u %u %u\n", m.ipoutrequests, m.ipoutdiscards, m.ipoutnoroutes, IP_REASS_MAXAGE,
              m.ipreasmreqds, m.ipreasmoks, m.ipreasmfails, m.ipfragoks, m.ipfragfails, m.ipfragcreates);
    out.append(
        "Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos "
        "InEchoReps InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutDestUnreachs "
        "OutTimeExcds OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps "
        "OutAddrMasks OutAddrMaskReps\n");
    out.print("Icmp: %u %u 0 %u %u %u %u %u %u %u %u %u %u %u ", m.icmpinmsgs, m.icmpinerrors, m.icmpindestunreachs,
              m.icmpintimeexcds, m.icmpinparmprobs, m.icmpinsrcquenchs, m.icmpinredirects, m.icmpinechos,
              m.icmpinechoreps, m.icmpintimestamps, m.icmpintimestampreps, m.icmpinaddrmasks, m.icmpinaddrmaskreps);
    out.print("%u %u %u %u 0 0 0 %u %u 0 0 0 0\n", m.icmpoutmsgs, m.icmpouterrors, m.icmpoutdestunreachs,
              m.icmpouttimeexcds, m.icmpoutechos, m.icmpoutechoreps);
    unsigned established = 0;
    for (auto p = tcp_active_pcbs; p; p = p->next)
        established += p->state == ESTABLISHED || p->state == CLOSE_WAIT;
    out.append(
        "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs "
        "OutSegs RetransSegs InErrs OutRsts InCsumErrors\n");
    out.print("Tcp: 4 %d 120000 -1 %u %u %u %u %u %u %u %u %u %u %u\n", 3 * TCP_SLOW_INTERVAL, m.tcpactiveopens,
              m.tcppassiveopens, m.tcpattemptfails, m.tcpestabresets, established, m.tcpinsegs, m.tcpoutsegs,
              m.tcpretranssegs, m.tcpinerrs, m.tcpoutrsts, lwip_stats.tcp.chkerr);
    out.append("Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti "
               "MemErrors\n");
    out.print("Udp: %u %u %u %u 0 0 %u 0 0\n", m.udpindatagrams, m.udpnoports, m.udpinerrors, m.udpoutdatagrams,
              lwip_stats.udp.chkerr);
    return {};
}

Result<> show_netstat(Text &out, ProcTarget const &)
{
    Guard guard;
    auto const &m = lwip_stats.mib2;
    out.append("TcpExt: TCPLossProbes TCPTimeouts ListenOverflows ListenDrops TCPMemoryPressures\n");
    out.print("TcpExt: 0 %u 0 0 %u\n", m.tcpretranssegs, lwip_stats.tcp.memerr);
    out.append("IpExt: InOctets OutOctets\n");
    std::uint64_t in = 0, sent = 0;
    for (auto const &d : devices()) {
        in += d.counters.rx_bytes;
        sent += d.counters.tx_bytes;
    }
    out.print("IpExt: %llu %llu\n", static_cast<unsigned long long>(in), static_cast<unsigned long long>(sent));
    return {};
}

Result<> show_packet_sockets(Text &out, ProcTarget const &)
{
    Guard guard;
    out.append("sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n");
    auto each = [&out](TapList &list) {
        for (auto &tap : list) {
            auto const &s = static_cast<PacketSocket const &>(tap);
            out.print("%p %-6u %-4d %04x   %-5u %1d %-6u %-6u %-6llu\n", nullptr, s.use_count(), s.type,
                      s.ethernet_type(), s.device_index(), 1, 0u, 0u, static_cast<unsigned long long>(s.ino()));
        }
    };
    each(taps_of_all());
    for (auto &d : devices())
        each(d.taps);
    return {};
}

Result<> show_netlink_sockets(Text &out, ProcTarget const &)
{
    out.append("sk       Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n");
    for (auto const &s : netlink_sockets())
        out.print("%p %-3d %-10u %08x %-8u %-8u %-5d %-8d %-8u %-8llu\n", nullptr, s.protocol, s.port(), 0u, 0u, 0u, 0,
                  s.use_count(), 0u, static_cast<unsigned long long>(s.ino()));
    return {};
}
}  // namespace kernel::net
