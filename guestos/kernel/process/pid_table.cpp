// SPDX-License-Identifier: MIT
#include <arch/irq.hpp>
#include <kernel/process/pid_table.hpp>
#include <new>

namespace kernel {
PidEntry *PidTable::find(Pid number)
{
    auto found = entries_.find(number, Less{});
    return found == entries_.end() ? nullptr : &*found;
}

PidEntry *PidTable::after(Pid number)
{
    auto found = entries_.upper_bound(number, Less{});
    return found == entries_.end() ? nullptr : &*found;
}

// Numbers are handed out in turn, so that one that was just freed is not mistaken for its former owner. 0: none is free.
Pid PidTable::next_free() const
{
    Pid candidate = previous_;
    for (int round = 0; round < 2; ++round) {
        ++candidate;
        for (auto at = entries_.lower_bound(candidate, Less{}); at != entries_.end() && at->number == candidate; ++at)
            ++candidate;
        if (candidate <= last)
            return candidate;
        candidate = first_ordinary - 1;
    }
    return 0;
}

Result<PidEntry *> PidTable::allocate(Pid wanted)
{
    auto *entry = new (std::nothrow) PidEntry;
    if (!entry)
        return Error::nomem;
    arch::IrqGuard guard;
    Pid number = wanted == 0 ? next_free() : find(wanted) ? 0 : wanted;
    if (number == 0) {
        delete entry;
        return Error::again;
    }
    if (wanted == 0)
        previous_ = number;
    entry->number = number;
    entries_.insert(*entry);
    ++size_;
    return entry;
}

void PidTable::release_if_unused(PidEntry *entry)
{
    if (!entry || !entry->unused())
        return;
    {
        arch::IrqGuard guard;
        entries_.erase(entries_.iterator_to(*entry));
        --size_;
    }
    delete entry;
}
}  // namespace kernel
