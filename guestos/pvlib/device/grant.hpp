// SPDX-License-Identifier: MIT
// Letting another domain use frames of ours: entries of our grant table. include/pv/grant_table.h.
//
//   front end                                             back end (another domain)
//   GrantRef::to(back, frame, writable)
//     entry r: {flags permit_access, domid back, frame}
//   writes r into the store or a ring     ------------>    ForeignPages::map / GrantCopy
//                                                          the hypervisor sets reading/writing in the entry
//   end(): flags 0, if nobody reads or writes             unmap: the hypervisor clears them
//
// The other end decides when it lets go, and may never. A frame whose grant was ended while it was mapped therefore stays ours
// alone to free: it is put aside with its entry, looked at again every second, and given back when the other end has let go. For
// that each grant holds a reference to its frame (kernel::ref_frame).
//
// Grant whole frames only, zeroed or filled by you: everything in a frame is visible to the other end.
#pragma once
#include <cstdint>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <memory>
#include <pv/grant_table.h>
#include <span>
#include <utility>

namespace pv {
enum class Access : std::uint8_t { read_only, writable };

// A frame of ours that one other domain may map and copy. Usable in any thread, not in interrupt handlers.
class GrantRef {
public:
    GrantRef() = default;  // none
    // Error::nospc: the table is full, as far as the hypervisor lets it grow.
    static Result<GrantRef> to(domid_t other, Pfn frame, Access);
    GrantRef(GrantRef &&other) noexcept : ref_{std::exchange(other.ref_, none)} {}
    GrantRef &operator=(GrantRef &&other) noexcept
    {
        std::swap(ref_, other.ref_);
        return *this;
    }
    ~GrantRef() { end(); }

    explicit operator bool() const { return ref_ != none; }
    grant_ref_t raw() const { return ref_; }  // what the other end is told
    bool mapped() const;                      // by the other end, at this moment
    void end();                               // takes the permission back; see above

private:
    friend class GrantReserve;
    static constexpr grant_ref_t none = 0;  // entries below GNTTAB_NR_RESERVED_ENTRIES are the toolstack's
    grant_ref_t ref_ = none;
};

// References set aside for one other end, so that granting cannot fail in the middle of a request. What grant() gives out must
// come back by end(). The destructor ends what is still out.
class GrantReserve {
public:
    GrantReserve() = default;
    static Result<GrantReserve> make(domid_t other, unsigned count);  // Error::nospc, Error::nomem
    GrantReserve(GrantReserve &&other) noexcept { swap(other); }
    GrantReserve &operator=(GrantReserve &&other) noexcept
    {
        swap(other);
        return *this;
    }
    ~GrantReserve();

    unsigned free() const { return free_; }
    grant_ref_t grant(Pfn frame, Access);  // precondition: free() > 0
    // False: the other end still has it mapped. The reference is then put aside with its frame and replaced by a new one where
    // possible, else the reserve is one smaller.
    bool end(grant_ref_t);

private:
    void swap(GrantReserve &);
    domid_t other_ = 0;
    std::unique_ptr<grant_ref_t[]> refs_;  // [0, free_) are at hand
    std::unique_ptr<grant_ref_t[]> out_;   // count_ places: a reference that is given out, or 0
    // Where to look for a place, and for a reference, first: who ends them in the order of granting finds each at once.
    unsigned next_grant_ = 0, next_end_ = 0;
    unsigned count_ = 0, free_ = 0;
};

// Zeroed frames in a row, each granted writable: what a ring lies in.
class GrantedPages {
public:
    static constexpr unsigned most = 16;
    GrantedPages() = default;
    // count: a power of two, at most `most`. Error::nomem, Error::nospc.
    static Result<GrantedPages> make(domid_t other, unsigned count);
    GrantedPages(GrantedPages &&other) noexcept { swap(other); }
    GrantedPages &operator=(GrantedPages &&other) noexcept
    {
        swap(other);
        return *this;
    }
    ~GrantedPages() { release(); }
    void release();

    explicit operator bool() const { return count_ != 0; }
    void *address() const { return address_; }
    unsigned count() const { return count_; }
    std::uint32_t bytes() const { return count_ << page_shift; }
    grant_ref_t ref(unsigned page) const { return refs_[page].raw(); }

private:
    void swap(GrantedPages &);
    void *address_ = nullptr;
    unsigned count_ = 0;
    GrantRef refs_[most];
};

// GNTST_* as an error: bad_gntref, bad_domain, permission_denied -> perm; bad_page, bad_copy_arg, ... -> inval; no_space -> nospc;
// eagain -> again; the rest -> io. okay is no error.
Result<> grant_result(std::int16_t status);

struct GrantCounts {
    std::uint32_t entries, free, lingering;  // lingering: ended, but still mapped by the other end
};
GrantCounts grant_counts();  // for tests and messages
}  // namespace pv
