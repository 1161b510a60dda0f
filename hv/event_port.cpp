// SPDX-License-Identifier: MIT
// Where a domain's ports are kept: buckets of 128, allocated when the first port of one is given out, freed with the domain. A port whose
// bucket is not there is free.
#include <hv/event.hpp>
#include <hv/state.hpp>

namespace hv {
namespace {

constexpr EventPort free_port;
constexpr std::size_t bucket_bytes = ports_per_bucket * sizeof(EventPort);

}  // namespace

EventPort const &port_of(Domain const &d, unsigned port)
{
    EventPort const *bucket = port < max_event_ports ? d.port_buckets[port / ports_per_bucket] : nullptr;
    return bucket ? bucket[port % ports_per_bucket] : free_port;
}

Result<EventPort *> used_port(Domain &d, std::uint32_t port)
{
    if (port == 0 || port_of(d, port).state == PortState::free)
        return Error::inval;
    return &d.port_buckets[port / ports_per_bucket][port % ports_per_bucket];
}

// Port 0 is never given out: it means "no port".
Result<unsigned> find_free_port(Domain &d)
{
    for (unsigned p = 1; p < d.port_limit; ++p) {
        EventPort *&bucket = d.port_buckets[p / ports_per_bucket];
        if (!bucket) {
            auto *ports = static_cast<EventPort *>(allocate_state(d, bucket_bytes));
            if (!ports)
                return Error::nomem;
            for (unsigned i = 0; i < ports_per_bucket; ++i)
                new (&ports[i]) EventPort;
            bucket = ports;
        }
        if (bucket[p % ports_per_bucket].state == PortState::free)
            return p;
    }
    return Error::nospc;
}

void open_port(Domain &d, unsigned port, EventPort value)
{
    d.port_buckets[port / ports_per_bucket][port % ports_per_bucket] = value;
}

void free_port_buckets(Domain &d)
{
    for (EventPort *&bucket : d.port_buckets)
        if (bucket) {
            free_state(d, bucket, bucket_bytes);
            bucket = nullptr;
        }
}

}  // namespace hv
