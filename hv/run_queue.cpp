// SPDX-License-Identifier: MIT
// The queue of those that want the processor, ordered by virtual time (credit.hpp), their turns, and caps.
//
//   can_run: up, not blocked, its domain neither paused, ended nor dying
//     |-- runs                      not in the queue
//     |-- domain within its cap     in the queue
//     `-- domain overdrew its cap   "parked": in neither, until the next period
#include <hv/cpu.hpp>
#include <hv/credit.hpp>
#include <hv/percpu.hpp>
#include <hv/run_queue.hpp>
#include <hv/schedule.hpp>
#include <hv/time.hpp>
#include <hv/vcpu_queue.hpp>

namespace hv {
namespace {

using RunQueue = VcpuQueue<&Vcpu::virtual_time, &Vcpu::run_place>;

constexpr std::uint64_t never = ~0ull;

RunQueue queue;
std::int64_t front;  // virtual time of the last one taken: where the others are
std::uint64_t turn_start, turn_end = never, charged_until;
std::uint64_t refill_ns;  // the end of this period of the caps
unsigned parked_domains;
std::int64_t slice_ns = credit::default_slice_ns, rate_limit_ns = credit::default_rate_limit_ns;

bool can_run(Vcpu const &v)
{
    Domain const &d = *v.domain;
    return v.initialised && v.online && !v.blocked && !d.pause_count && !d.is_shutdown && !d.dying;
}

void set_turn_end(std::uint64_t ns)
{
    turn_end = ns;
    rearm_timer();
}

void set_parked(Domain &d, bool parked)
{
    if (d.parked == parked)
        return;
    d.parked = parked;
    parked_domains += parked ? 1 : -1;
    reconsider(d);
}

void refill(std::uint64_t now)
{
    if (now < refill_ns)
        return;
    std::uint64_t periods = (now - refill_ns) / credit::cap_period_ns + 1;
    refill_ns += periods * credit::cap_period_ns;
    for (Domain *d = domain_list; d; d = d->next)
        if (d->cap) {
            d->budget_ns = credit::refill(d->budget_ns, d->cap, static_cast<std::int64_t>(periods));
            if (d->budget_ns > 0)
                set_parked(*d, false);
        }
}

void charge_running(std::uint64_t now)
{
    Vcpu *v = running();
    if (!v || now <= charged_until)
        return;
    auto ran = static_cast<std::int64_t>(now - charged_until);
    charged_until = now;
    Domain &d = *v->domain;
    v->virtual_time += credit::charge(ran, d.weight, d.competing);
    if (!d.cap)
        return;
    d.budget_ns -= ran;
    if (d.budget_ns <= 0)
        refill(now);
    if (d.budget_ns <= 0)
        set_parked(d, true);
}

// Somebody joins the queue: does that concern the one that runs?
void challenge(Vcpu const &v, std::uint64_t now)
{
    Vcpu const *holder = running();
    if (!holder)
        return request_reschedule();
    std::uint64_t limit = turn_start + static_cast<std::uint64_t>(rate_limit_ns);
    if (v.virtual_time >= holder->virtual_time)
        limit = turn_start + static_cast<std::uint64_t>(slice_ns);
    if (now >= limit)
        request_reschedule();
    else if (limit < turn_end)
        set_turn_end(limit);
}

RunState resting_state(Vcpu const &v)
{
    if (!v.online)
        return RunState::offline;
    if (v.blocked)
        return RunState::blocked;
    return can_run(v) ? RunState::runnable : RunState::offline;
}

void set_competing(Vcpu &v, bool competing)
{
    if (v.competing == competing)
        return;
    v.competing = competing;
    v.domain->competing = static_cast<std::uint16_t>(v.domain->competing + (competing ? 1 : -1));
    if (competing)
        v.virtual_time = credit::enter(v.virtual_time, front);
}

}  // namespace

Vcpu *running() { return this_cpu().idle ? nullptr : this_cpu().current; }

void reconsider(Vcpu &v)
{
    std::uint64_t now = now_ns();
    charge_running(now);  // with the shares of until now
    set_competing(v, can_run(v));
    bool runs = &v == running(), wanted = v.competing && !v.domain->parked;
    if (runs) {
        if (!wanted)
            request_reschedule();
        return;
    }
    if (queue.contains(v) && !wanted)
        queue.remove(v);
    if (RunState state = resting_state(v); state != v.state)
        set_run_state(v, state);
    if (!queue.contains(v) && wanted) {
        queue.insert(v);
        challenge(v, now);
    }
}

void reconsider(Domain &d)
{
    for (unsigned i = 0; i < d.vcpu_count; ++i) {
        reconsider(*d.vcpus[i]);
        deadline_changed(*d.vcpus[i]);
    }
}

void rest(Vcpu &v)
{
    if (v.state == RunState::running)
        set_run_state(v, resting_state(v));
}

// Behind the next, but no further.
void yield_current()
{
    Vcpu &v = current();
    charge_running(now_ns());
    if (Vcpu const *next = queue.first(); next && v.virtual_time <= next->virtual_time)
        v.virtual_time = next->virtual_time + 1;
    request_reschedule();
}

void set_share(Domain &d, unsigned weight, unsigned cap)
{
    charge_running(now_ns());
    d.weight = static_cast<std::uint16_t>(weight);
    if (cap == d.cap)
        return;
    d.cap = static_cast<std::uint16_t>(cap);
    d.budget_ns = credit::quota(cap);
    set_parked(d, false);
    if (running())
        set_turn_end(now_ns());  // a new turn, by the new budget
}

void get_schedule(std::int64_t &slice, std::int64_t &rate_limit) { slice = slice_ns, rate_limit = rate_limit_ns; }
void set_schedule(std::int64_t slice, std::int64_t rate_limit) { slice_ns = slice, rate_limit_ns = rate_limit; }

Vcpu *take_next(std::uint64_t now)
{
    charge_running(now);
    if (Vcpu *v = running(); v && v->competing && !v->domain->parked)
        queue.insert(*v);
    Vcpu *next = queue.first();
    if (!next)
        return nullptr;
    queue.remove(*next);
    if (next->virtual_time > front)
        front = next->virtual_time;
    return next;
}

void begin_turn(std::uint64_t now)
{
    turn_start = charged_until = now;
    Domain const &d = *running()->domain;
    std::uint64_t end = queue.empty() ? never : now + static_cast<std::uint64_t>(slice_ns);
    if (d.cap && now + static_cast<std::uint64_t>(d.budget_ns) < end)
        end = now + static_cast<std::uint64_t>(d.budget_ns);
    if (end != turn_end)
        set_turn_end(end);
}

void end_turn() { turn_end = never; }

void scheduler_timer(std::uint64_t now)
{
    charge_running(now);
    if (parked_domains)
        refill(now);
    if (turn_end > now)
        return;
    turn_end = never;
    request_reschedule();
}

std::uint64_t scheduler_deadline() { return parked_domains && refill_ns < turn_end ? refill_ns : turn_end; }

}  // namespace hv
