// SPDX-License-Identifier: MIT
// The two pages that a guest shares with domain 0's daemons, as a kernel uses them that has nothing else to do.
#pragma once
#include "grants.hpp"
#include <cstring>
#include <pv/io/console.h>
#include <pv/io/xs_wire.h>

namespace daemons {
inline void yield() { hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield); }
inline void notify(evtchn_port_t port)
{
    evtchn_send op{port};
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &op);
}
// A page that the builder gave, in the first mapping.
template <class T>
T volatile &page_of(xen_pfn_t frame)
{
    return *reinterpret_cast<T volatile *>(static_cast<std::uintptr_t>(mmu::base + (mmu::m2p[frame] << 12)));
}

inline void say(char const *text, std::uint32_t bytes)
{
    auto &ring = page_of<xencons_interface>(info->console.domU.mfn);
    for (std::uint32_t i = 0; i < bytes; ++i) {
        while (ring.out_prod - ring.out_cons >= sizeof ring.out)
            yield();
        ring.out[MASK_XENCONS_IDX(ring.out_prod, ring.out)] = text[i];
        barrier();
        ring.out_prod = ring.out_prod + 1;
    }
    notify(info->console.domU.evtchn);
}

// One request to xenstored and its reply's header and first bytes.
class Store {
public:
    struct Reply {
        xsd_sockmsg header;
        char text[64];
    };
    Reply ask(std::uint32_t type, char const *payload, std::uint32_t bytes)
    {
        xsd_sockmsg header{type, ++id_, 0, bytes};
        put(&header, sizeof header);
        put(payload, bytes);
        notify(info->store_evtchn);
        Reply reply{};
        do {
            get(&reply.header, sizeof reply.header);
            std::memset(reply.text, 0, sizeof reply.text);
            for (std::uint32_t i = 0; i < reply.header.len; ++i) {
                char c;
                get(&c, 1);
                if (i < sizeof reply.text - 1)
                    reply.text[i] = c;
            }
            notify(info->store_evtchn);
        } while (reply.header.type == XS_WATCH_EVENT);
        return reply;
    }
    void put(void const *from, std::uint32_t bytes)
    {
        for (auto in = static_cast<char const *>(from); bytes != 0; --bytes) {
            while (ring_.req_prod - ring_.req_cons >= XENSTORE_RING_SIZE)
                yield();
            ring_.req[MASK_XENSTORE_IDX(ring_.req_prod)] = *in++;
            barrier();
            ring_.req_prod = ring_.req_prod + 1;
        }
    }
    xenstore_domain_interface volatile &ring() { return ring_; }

private:
    void get(void *to, std::uint32_t bytes)
    {
        for (auto out = static_cast<char *>(to); bytes != 0; --bytes) {
            while (ring_.rsp_prod == ring_.rsp_cons)
                yield();
            *out++ = ring_.rsp[MASK_XENSTORE_IDX(ring_.rsp_cons)];
            barrier();
            ring_.rsp_cons = ring_.rsp_cons + 1;
        }
    }
    xenstore_domain_interface volatile &ring_ = page_of<xenstore_domain_interface>(info->store_mfn);
    std::uint32_t id_ = 0;
};
}  // namespace daemons
