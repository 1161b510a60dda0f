// SPDX-License-Identifier: MIT
// Which descriptors a guest may own. SDM Vol. 3A 3.4.5 "Segment Descriptors", 5.3 "Limit Checking".
// Pure functions: no state, no processor, so that the host's tests can try every shape.
#include <hv/descriptor.hpp>

namespace hv {
namespace {

constexpr std::uint64_t limit_bits = 0x000f'0000'0000'ffff;
constexpr std::uint64_t granularity_bit = 1ull << 55;
constexpr std::uint64_t long_mode_bit = 1ull << 53;
constexpr std::uint64_t dpl_bits = 3ull << 45;

Descriptor with_limit(Descriptor d, std::uint32_t field, bool pages)
{
    std::uint64_t raw = d.raw() & ~(limit_bits | granularity_bit);
    raw |= (field & 0xffff) | std::uint64_t{field >> 16 & 0xf} << 48;
    return Descriptor{pages ? raw | granularity_bit : raw};
}

bool expands_down(Descriptor d) { return !d.is_code() && (d.type() & Descriptor::expand_down_or_conforming); }

// Offsets of an expand-down segment run from limit + 1 to 64 KiB or, if it is "big", to 4 GiB and so over the hole.
bool check_expand_down(Descriptor d) { return !d.is_32bit() && d.base() <= guest_segment_limit - 0xffff; }

void cut_limit(Descriptor &d)
{
    std::uint32_t room = guest_segment_limit - d.base();  // the last offset that stays below the hole
    if (d.limit() <= room)
        return;
    std::uint32_t pages = pages_below_hole(d.base());
    if (d.in_pages() && pages)
        d = with_limit(d, pages - 1, true);
    else
        d = with_limit(d, room, false);  // less than a page, or the limit had 20 bits of bytes
}

}  // namespace

std::uint32_t pages_below_hole(std::uint32_t base)
{
    return base > guest_segment_limit ? 0 : (guest_segment_limit - base + 1) >> 12;
}

bool check_descriptor(Descriptor &d)
{
    if (!d.present())
        return true;
    if (d.is_system())
        return false;
    if (d.base() > guest_segment_limit)
        return false;
    d = Descriptor{d.raw() & ~long_mode_bit};
    if (d.dpl() == 0)
        d = Descriptor{(d.raw() & ~dpl_bits) | 1ull << 45};
    if (expands_down(d))
        return check_expand_down(d);
    cut_limit(d);
    return true;
}

bool is_cut_user_segment(Descriptor d)
{
    return d.present() && !d.is_system() && !d.is_code() && !expands_down(d) && d.dpl() == 3 && d.in_pages()
        && d.base() != 0 && d.limit() >> 12 == pages_below_hole(d.base()) - 1;
}

Descriptor widened(Descriptor d) { return with_limit(d, 0xfffff, true); }

}  // namespace hv
