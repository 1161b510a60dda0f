// SPDX-License-Identifier: MIT
// Process ids: which numbers are taken, and by what. A number is free again when nothing uses it any more: neither a thread, a
// process, a process group nor a session. Changes run with interrupts off, because interrupt handlers walk the table.
#pragma once
#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <lib/result.hpp>

namespace kernel {
class Process;
class Thread;
struct ProcessGroup;
struct Session;
using Pid = std::int32_t;

struct PidEntry : boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>> {
    Pid number = 0;
    Thread *thread = nullptr;  // these two with a reference
    Process *process = nullptr;
    ProcessGroup *group = nullptr;  // these two without: their destructors clear them
    Session *session = nullptr;
    bool unused() const { return !thread && !process && !group && !session; }
    friend bool operator<(PidEntry const &a, PidEntry const &b) { return a.number < b.number; }
};

class PidTable {
public:
    static constexpr Pid first_ordinary = 300;  // where numbers start again after the last one, as Linux does
    static constexpr Pid last = 32767;          // PID_MAX_DEFAULT - 1
    // The next free number, or `wanted`. Error::again: all are taken, or that one is.
    Result<PidEntry *> allocate(Pid wanted = 0);
    PidEntry *find(Pid);
    PidEntry *after(Pid);  // the entry with the smallest greater number
    void release_if_unused(PidEntry *);
    unsigned size() const { return size_; }

private:
    struct Less {
        bool operator()(PidEntry const &a, Pid b) const { return a.number < b; }
        bool operator()(Pid a, PidEntry const &b) const { return a < b.number; }
    };
    Pid next_free() const;
    boost::intrusive::set<PidEntry, boost::intrusive::constant_time_size<false>> entries_;
    Pid previous_ = 1;
    unsigned size_ = 0;
};
PidTable &pid_table();
}  // namespace kernel
