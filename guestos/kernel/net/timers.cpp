// SPDX-License-Identifier: MIT
// lwIP's timers, by real time.
//
// lwIP counts ticks: each call of a handler is one. When this machine did not run for a while, the ticks that were missed are not made
// up for one by one, which would retransmit in a burst; their number is added to TCP's clocks, and each connection then acts
// once on what the time has become. Where nothing is under way, ticks are made up for without being waited for.
#include <algorithm>
#include <arch/clock.hpp>
#include <kernel/net/device.hpp>
#include <kernel/net/inet/tcp_connection.hpp>
#include <kernel/net/lock.hpp>
#include <kernel/net/thread.hpp>
#include <lwip/etharp.h>
#include <lwip/igmp.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <lwip/priv/tcp_priv.h>

namespace kernel::net {
namespace {
constexpr std::uint64_t ms = 1'000'000;
constexpr std::uint64_t fast_ns = TCP_TMR_INTERVAL * ms, slow_ns = 2 * fast_ns, second_ns = 1000 * ms;
constexpr std::uint64_t group_ns = IGMP_TMR_INTERVAL * ms;
static_assert(IGMP_TMR_INTERVAL == MLD6_TMR_INTERVAL);
constexpr unsigned most_time_wait = 1024;

struct {
    bool tcp_running = false;
    std::uint64_t next_fast = 0, next_slow = 0;  // TCP's, while it runs
    std::uint64_t idle_since = 0;                // up to where its clock has been counted, while it does not
    std::uint64_t next_second = 0;
    std::uint64_t next_group = arch::no_deadline;
} constinit state;

bool interfaces_in_use()
{
    for (auto &d : devices())
        if (d.up && !d.is_loopback())
            return true;
    return false;
}

// Is there anything in this connection that time changes soon?
bool is_busy(tcp_pcb const &pcb)
{
    return pcb.unacked || pcb.unsent || pcb.ooseq || pcb.refused_data
        || (pcb.flags & (TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND))
        || (pcb.state != ESTABLISHED && pcb.state != CLOSE_WAIT) || (pcb.so_options & SOF_KEEPALIVE)
        || (connection_of(pcb) && connection_of(pcb)->out.unsent());
}

bool any_busy()
{
    for (auto pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (is_busy(*pcb))
            return true;
    return tcp_tw_pcbs != nullptr;
}

// A measurement of a round trip that has not ended after a minute will tell of a pause, not of the path; and lwIP keeps multiples of
// it in 16 bits.
void forget_old_measurements()
{
    constexpr std::uint32_t longest_ticks = 60 * 1000 / TCP_SLOW_INTERVAL;
    for (auto pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (pcb->rttest && tcp_ticks - pcb->rttest > longest_ticks)
            pcb->rttest = 0;
}

void add_missed(std::uint32_t ticks)
{
    tcp_ticks += ticks;
    for (auto pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
        if (pcb->rtime >= 0)
            pcb->rtime = static_cast<s16_t>(
                std::min<std::uint32_t>(static_cast<std::uint32_t>(pcb->rtime) + ticks, 0x7fff));
        if (pcb->persist_backoff > 0)
            pcb->persist_cnt = static_cast<u8_t>(std::min<std::uint32_t>(pcb->persist_cnt + ticks, 0xff));
    }
}

// TIME_WAIT is a courtesy that must not fill the memory, and each is looked at for every new connection.
void limit_time_wait()
{
    unsigned n = 0;
    tcp_pcb *kept = nullptr;
    for (auto pcb = tcp_tw_pcbs; pcb; pcb = pcb->next, ++n)
        if (n < most_time_wait)
            kept = pcb;
    for (; n > most_time_wait && kept->next; --n)
        tcp_abort(kept->next);  // the list begins with the latest
}

void run_tcp(std::uint64_t now)
{
    if (!state.tcp_running)
        return;
    if (now >= state.next_slow) {
        auto missed = static_cast<std::uint32_t>(std::min<std::uint64_t>((now - state.next_slow) / slow_ns, 1u << 20));
        if (missed)
            add_missed(missed);
        state.next_slow += (missed + 1ull) * slow_ns;
        tcp_slowtmr();
        forget_old_measurements();
    }
    if (now >= state.next_fast) {
        tcp_fasttmr();
        state.next_fast = now + fast_ns;
        if (!any_busy()) {
            state.tcp_running = false;
            state.idle_since = state.next_slow - slow_ns;
        }
    }
}

bool groups_pending()
{
    netif *n;
    NETIF_FOREACH(n)
    {
        for (auto g = netif_igmp_data(n); g; g = g->next)
            if (g->timer)
                return true;
        for (auto g = netif_mld6_data(n); g; g = g->next)
            if (g->timer)
                return true;
    }
    return false;
}

void run_second(std::uint64_t now)
{
    if (now < state.next_second)
        return;
    // Lifetimes are in seconds: those that were missed count.
    auto missed = std::min<std::uint64_t>((now - state.next_second) / second_ns, 600);
    state.next_second = now + second_ns;
    for (std::uint64_t i = 0; i <= missed; ++i) {
        etharp_tmr();
        nd6_tmr();
        ip_reass_tmr();
        ip6_reass_tmr();
    }
    limit_time_wait();
    if (state.next_group == arch::no_deadline && groups_pending())
        state.next_group = now + group_ns;
}

void run_groups(std::uint64_t now)
{
    if (now < state.next_group)
        return;
    igmp_tmr();
    mld6_tmr();
    state.next_group = groups_pending() ? now + group_ns : arch::no_deadline;
}
}  // namespace

void tcp_is_active()
{
    if (state.tcp_running)
        return;
    auto now = arch::now_ns();
    auto idle_ticks = state.idle_since && now > state.idle_since ? (now - state.idle_since) / slow_ns : 0;
    tcp_ticks += static_cast<std::uint32_t>(idle_ticks);
    forget_old_measurements();
    state.tcp_running = true;
    state.next_fast = now + fast_ns;
    state.next_slow = now + slow_ns;
    timers_changed();
}

void run_timers(std::uint64_t now)
{
    run_tcp(now);
    run_second(now);
    run_groups(now);
}

std::uint64_t next_timer_ns()
{
    auto next = state.next_group;
    if (state.tcp_running)
        next = std::min({next, state.next_fast, state.next_slow});
    if (interfaces_in_use() || state.tcp_running) {
        auto now = arch::now_ns();
        if (state.next_second + 2 * second_ns < now)
            state.next_second = now + second_ns;  // it did not run while there was nothing
        next = std::min(next, state.next_second);
    }
    return next;
}
}  // namespace kernel::net

extern "C" void tcp_timer_needed(void) { kernel::net::tcp_is_active(); }
