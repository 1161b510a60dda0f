// SPDX-License-Identifier: MIT
// Hypercalls from a program of the control domain, and other domains' memory: /dev/xen/privcmd (include/pv/sys/privcmd.h).
#pragma once
#include <pv/domctl.h>
#include <pv/sysctl.h>
#include <userland/common/fd.hpp>
#include <userland/xen/call_buffer.hpp>

namespace xen {
class Hypervisor {
public:
    static Result<Hypervisor> open();

    // The call's result, or its error. Pointers among the arguments are into call buffers.
    Result<std::uint32_t> call(std::uint32_t op, std::uint32_t a = 0, std::uint32_t b = 0, std::uint32_t c = 0,
                               std::uint32_t d = 0, std::uint32_t e = 0);
    static std::uint32_t address(void const *p)
    {
        return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(p));
    }

    // A call whose one argument is a structure, which it reads and writes: the structure may lie anywhere.
    template <class T>
    Result<std::uint32_t> call_with(std::uint32_t op, std::uint32_t command, T &argument)
    {
        static_assert(sizeof(T) <= scratch_bytes);
        auto *there = scratch_.as<T>();
        *there = argument;
        auto result = call(op, command, address(there));
        argument = *there;
        return result;
    }
    // Sets the interface version.
    Result<> domctl(xen_domctl &);
    Result<> sysctl(xen_sysctl &);

    // Other domains' frames, in this order, in our memory. `protection`: PROT_*. All of them, or an error.
    Result<Mapping> map_foreign(domid_t, std::span<xen_pfn_t const> frames, int protection);
    // Frames that a domain has besides its memory: XENMEM_resource_*.
    Result<Mapping> map_resource(domid_t, std::uint32_t type, std::uint32_t id, std::uint32_t frames);

private:
    static constexpr std::size_t scratch_bytes = 4096;
    Hypervisor(Fd fd, Mapping scratch) : fd_{std::move(fd)}, scratch_{std::move(scratch)} {}
    Fd fd_;
    Mapping scratch_;
};
}  // namespace xen
