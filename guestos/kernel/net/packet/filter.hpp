// SPDX-License-Identifier: MIT
// Classic BPF, the filters of SO_ATTACH_FILTER (the BSD Packet Filter of McCanne and Jacobson, with Linux's ancillary data).
#pragma once
#include <kernel/net/packet.hpp>
#include <kernel/ref.hpp>
#include <linux/filter.h>
#include <memory>
#include <span>

namespace kernel::net {
struct FilterContext {  // what loads beyond the packet find: SKF_AD_*
    std::uint32_t protocol = 0, packet_type = 0, interface_index = 0, hardware_type = 0;
    std::uint32_t network_offset = 0;  // SKF_NET_OFF
};

class Filter : public RefCounted {
public:
    // From struct sock_fprog as SO_ATTACH_FILTER gives it. Error::inval: it could fail to end, or read outside of its memory.
    static Result<Ref<Filter>> load(std::span<char const> program);
    // How many bytes of the packet are wanted; 0: none of it.
    std::uint32_t run(pbuf const *, FilterContext const &) const;

    std::unique_ptr<sock_filter[]> code;
    std::uint32_t length = 0;
};
}  // namespace kernel::net
