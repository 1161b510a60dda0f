// SPDX-License-Identifier: MIT
// Where a queue's nodes stand in xenstore. Of one queue: in the end's own folder; of several each has a folder of its own there,
// "queue-N". Both ends of netif.h's protocol read and write them so. Source: xen/io/netif.h, "multi-queue-num-queues".
#pragma once
#include <lib/format.hpp>

namespace pv {
struct QueueNode {
    char path[40];
    // `name` of at most 28 characters.
    QueueNode(unsigned number, unsigned of, char const *name)
    {
        if (of > 1)
            format(path, sizeof path, "queue-%u/%s", number, name);
        else
            format(path, sizeof path, "%s", name);
    }
};
}  // namespace pv
