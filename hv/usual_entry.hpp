// SPDX-License-Identifier: MIT
// The most usual entries of L1 tables, in few steps: they name memory of the domain whose pages the table may map, say nothing that is
// refused or left out, and their frame is in use as what they want it for already. What these functions do is what acquire_entry() and
// release_entry() would do (validate.hpp); those know about all the others.
#pragma once
#include <hv/domain.hpp>
#include <hv/frames.hpp>
#include <hv/tlb.hpp>
#include <hv/validate.hpp>
#include <lib/x86/pte.hpp>

namespace hv {
class UsualEntries {
public:
    explicit UsualEntries(EntryOwners owners)
        : owner_{owners.page_owner ? owner_id(*owners.page_owner) : nobody},
          high_refused_{~high_frame & (nx_supported() ? ~no_execute : ~0u)},
          validated_{owners.table_owner->counters.entries_validated}
    {
    }

    // False: it is another one, and nothing has happened.
    bool acquire(Pte entry)
    {
        std::uint32_t low = entry.low(), high = entry.high();
        if ((low & (low_refused | present)) != present || (high & high_refused_))
            return false;
        Mfn mfn{high << (32 - page_shift) | low >> page_shift};
        if (!valid(mfn))
            return false;
        Frame &f = frame_of(mfn);
        bool countable = ((f.count + 1) & Frame::count_mask) > 1;  // neither none nor as many as fit
        if (f.owner != owner_ || !countable)
            return false;
        if (low & writable) {
            std::uint32_t types = f.type_info - in_use_writable;  // huge, if it is in use as something else
            if (types - 1 >= Frame::type_count_mask - 1)
                return false;
            ++f.type_info;
        }
        ++f.count;
        ++validated_;
        return true;
    }

    // The same for giving back. Not the last reference of a kind: that has consequences.
    static bool release(Pte entry)
    {
        std::uint32_t low = entry.low();
        Mfn mfn{entry.high() << (32 - page_shift) | low >> page_shift};
        if (!(low & present) || (entry.high() & high_frame_refused) || !valid(mfn))
            return false;
        Frame &f = frame_of(mfn);
        if ((f.count & Frame::count_mask) <= 1)  // nor of what is nobody's memory: that has none
            return false;
        if (low & writable) {
            if (f.type_count() <= 1)
                return false;
            --f.type_info;
        }
        --f.count;
        return true;
    }

private:
    static constexpr std::uint32_t present = 1u << 0, writable = 1u << 1, no_execute = 1u << 31, nobody = ~0u;
    static_assert(present == Pte::P && writable == Pte::RW && std::uint64_t{no_execute} << 32 == Pte::NX);
    static constexpr auto low_refused = static_cast<std::uint32_t>(Pte::G | Pte::PWT | Pte::PCD | Pte::PS);
    static constexpr std::uint32_t high_frame = 0xf;  // of 24 bits of a frame's number
    static constexpr std::uint32_t high_frame_refused = ~high_frame & ~no_execute;
    static constexpr std::uint32_t in_use_writable = static_cast<std::uint32_t>(FrameType::writable) << Frame::type_shift
        | Frame::validated;

    std::uint32_t owner_, high_refused_;
    std::uint32_t &validated_;
};
}  // namespace hv
