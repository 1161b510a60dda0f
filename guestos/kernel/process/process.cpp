// SPDX-License-Identifier: MIT
// The tables behind processes and threads: who exists, who is whose child.
#include <arch/clock.hpp>
#include <kernel/fs/fd_table.hpp>
#include <kernel/lazy.hpp>
#include <kernel/process/process_table.hpp>
#include <kernel/process/schedule.hpp>

namespace kernel {
namespace {
constinit Lazy<PidTable> table;
unsigned thread_count;
}  // namespace

PidTable &pid_table() { return *table; }

unsigned process_count() { return thread_count; }

Result<Ref<Thread>> allocate_thread()
{
    auto t = TRY(make_ref<Thread>());
    TRY(allocate_kernel_stack(*t));
    t->start_ns = arch::now_ns();
    return t;
}

Result<Ref<Process>> allocate_process()
{
    auto p = TRY(make_ref<Process>());
    p->start_ns = arch::now_ns();
    return p;
}

Result<> register_thread(Thread &t, Pid wanted)
{
    PidEntry *entry = TRY(pid_table().allocate(wanted));
    arch::IrqGuard guard;
    t.ref();
    entry->thread = &t;
    t.tid = entry->number;
    ++thread_count;
    return {};
}

void register_process(Process &p, Thread &leader)
{
    arch::IrqGuard guard;
    p.ref();
    p.pid = leader.tid;
    p.leader = &leader;
    pid_table().find(p.pid)->process = &p;
    if (p.parent)
        add_child(*p.parent, p);
}

void unregister_thread(Thread &t)
{
    PidEntry *entry = pid_table().find(t.tid);
    if (!entry || entry->thread != &t)
        return;
    entry->thread = nullptr;
    --thread_count;
    pid_table().release_if_unused(entry);
    t.unref();
}

void add_child(Process &parent, Process &child)
{
    arch::IrqGuard guard;
    child.parent = &parent;
    child.next_sibling = nullptr;
    Process **tail = &parent.first_child;
    while (*tail)
        tail = &(*tail)->next_sibling;
    *tail = &child;
}

void remove_child(Process &child)
{
    arch::IrqGuard guard;
    if (!child.parent)
        return;
    for (Process **at = &child.parent->first_child; *at; at = &(*at)->next_sibling) {
        if (*at != &child)
            continue;
        *at = child.next_sibling;
        break;
    }
    child.parent = nullptr;
    child.next_sibling = nullptr;
}

namespace {
void charge_parent(Process &parent, Process const &child)
{
    parent.children_user_ns += child.dead_user_ns + child.children_user_ns;
    parent.children_kernel_ns += child.dead_kernel_ns + child.children_kernel_ns;
    for (auto const *from : {&child.dead_usage, &child.children_usage}) {
        auto &to = parent.children_usage;
        to.minor_faults += from->minor_faults;
        to.major_faults += from->major_faults;
        to.voluntary += from->voluntary;
        to.involuntary += from->involuntary;
        if (from->max_rss_kb > to.max_rss_kb)
            to.max_rss_kb = from->max_rss_kb;
    }
}
}  // namespace

void reap(Process &p)
{
    if (p.parent)
        charge_parent(*p.parent, p);
    remove_child(p);
    PidEntry *entry = pid_table().find(p.pid);
    Thread *leader = p.leader;
    {
        arch::IrqGuard guard;
        entry->process = nullptr;
        p.leader = nullptr;
        p.threads.erase(p.threads.iterator_to(*leader));
    }
    unregister_thread(*leader);  // may give the number back
    p.unref();
}

ProcessGroup::~ProcessGroup()
{
    PidEntry *entry = pid_table().find(id);
    if (!entry || entry->group != this)
        return;
    entry->group = nullptr;
    pid_table().release_if_unused(entry);
}

Session::~Session()
{
    PidEntry *entry = pid_table().find(id);
    if (!entry || entry->session != this)
        return;
    entry->session = nullptr;
    pid_table().release_if_unused(entry);
}

Result<Ref<ProcessGroup>> new_group(Pid id, Ref<Session> session)
{
    auto group = TRY(make_ref<ProcessGroup>());
    group->id = id;
    group->session = std::move(session);
    pid_table().find(id)->group = group.get();
    return group;
}

Result<Ref<Session>> new_session(Pid id)
{
    auto session = TRY(make_ref<Session>());
    session->id = id;
    pid_table().find(id)->session = session.get();
    return session;
}

Ref<Process> find_process(Pid pid)
{
    PidEntry *entry = pid_table().find(pid);
    return Ref<Process>{entry ? entry->process : nullptr};
}

Ref<Thread> find_thread(Pid tid)
{
    PidEntry *entry = pid_table().find(tid);
    return Ref<Thread>{entry ? entry->thread : nullptr};
}

// The callback may block, and the process may be gone then: go on from its number.
void for_each_process(bool (*f)(void *, Process &), void *context)
{
    for (PidEntry *e = pid_table().after(0); e;) {
        Pid number = e->number;
        if (Ref<Process> p{e->process}; p && !f(context, *p))
            return;
        e = pid_table().after(number);
    }
}

void for_each_thread(Process &p, bool (*f)(void *, Thread &), void *context)
{
    Ref<Process> keep{&p};
    for (PidEntry *e = pid_table().after(0); e;) {
        Pid number = e->number;
        if (Ref<Thread> t{e->thread}; t && t->process == keep && !f(context, *t))
            return;
        e = pid_table().after(number);
    }
}

unsigned processes_of_user(std::uint32_t uid)
{
    unsigned n = 0;
    for (PidEntry *e = pid_table().after(0); e; e = pid_table().after(e->number))
        if (e->thread && e->thread->process && e->thread->credentials.uid == uid)
            ++n;
    return n;
}
}  // namespace kernel
