// SPDX-License-Identifier: MIT
// How poll(2), select(2) and epoll(7) learn that a file may have become ready: a file's poll() adds a waiter to each of its
// wait queues; whoever changes the state wakes the queue; the poller asks again.
#pragma once
#include <kernel/process/wait.hpp>

namespace kernel {
class PollTable {
public:
    virtual void add(WaitQueue &) = 0;  // the queue must outlive the file
protected:
    ~PollTable() = default;
};
}  // namespace kernel
