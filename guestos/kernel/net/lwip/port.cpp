// SPDX-License-Identifier: MIT
// What lwIP needs of a system: memory, time, chance, and somewhere to complain.
#include <arch/clock.hpp>
#include <cstring>
#include <kernel/net/checksum.hpp>
#include <kernel/net/lock.hpp>
#include <kernel/random.hpp>
#include <lib/panic.hpp>
#include <lwip/pbuf.h>
#include <lwip/sys.h>
#include <new>

extern "C" {
void lwip_port_panic(char const *what, char const *file, int line)
{
    panic("lwIP, %s:%d: %s does not hold", file, line, what);
}

void lwip_port_check_lock(void) { ASSERT(kernel::net::locked_by_this_thread()); }

// The fields of our own in a pbuf (lwipopts.h) begin as 0.
void *lwip_port_malloc(size_t bytes)
{
    constexpr size_t cleared = 32;
    static_assert(sizeof(pbuf) <= cleared);
    void *p = operator new(bytes < cleared ? cleared : bytes, std::nothrow);
    if (p)
        std::memset(p, 0, cleared);
    return p;
}

void *lwip_port_calloc(size_t count, size_t bytes)
{
    if (bytes && count > 0x7fff'ffff / bytes)
        return nullptr;
    void *p = operator new(count *bytes, std::nothrow);
    if (p)
        std::memset(p, 0, count * bytes);
    return p;
}

void lwip_port_free(void *p) { operator delete(p); }

uint16_t lwip_port_checksum(void const *data, int bytes)
{
    return kernel::net::sum_bytes(data, static_cast<uint32_t>(bytes));
}

uint32_t lwip_port_random(void) { return kernel::random_u32(); }

u32_t sys_now(void) { return static_cast<u32_t>(arch::now_ns() / 1'000'000); }
}
