// SPDX-License-Identifier: MIT
// arch::Mmu on the test host: a machine of a few hundred frames, whose tables obey a hypervisor's rules.
//
//   - an entry changes at commit(), not before: who relies on it earlier reads the old one
//   - an entry is stored only into a frame that is a table, an adopted one
//   - an upper entry names an adopted table of the next level, which nothing else names
//   - no L1 entry maps a table writable
//   - a frame is given back, or disowned, only when nothing names it any more
//   - what the processor has cached of the loaded root stays until it is invalidated
//
// Each breach is written down; tests look at breaches().
#pragma once
#include <arch/upcalls.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <lib/x86/pte.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace arch {
class Mmu {
public:
    static constexpr unsigned frames = 512;
    // Scattered on purpose: a frame number used for the wrong kind hits another frame.
    static Mfn to_machine(Pfn f) { return Mfn{f.raw() ^ 0x155}; }
    static Pfn to_pseudo(Mfn f) { return Pfn{f.raw() ^ 0x155}; }
    static void *frame_ptr(Pfn);

    Result<Pfn> allocate_table(Pte const *) { return kernel::allocate_zeroed_frame(); }
    Result<> adopt(Pfn, Level);
    void disown(Pfn, Level);
    void set(Pte *slot, Pte value);
    void invalidate(Vaddr v) { stale_.insert(v.raw() >> page_shift); }
    void invalidate_all() { all_stale_ = true; }
    Result<> commit();
    Result<> load_root(Pfn root, Pfn dead = no_pfn);
    Result<> reload_root();
    Pfn loaded_root() const { return loaded_; }
    Result<> attach_kernel(Pfn root);
    void detach_kernel(Pfn root);
    static Pte *kernel_slot(Vaddr);
    static Pfn kernel_root();
    static std::uint64_t no_execute() { return Pte::NX; }
    static std::uint64_t global() { return Pte::G; }

    // --- for tests ---
    void reset();
    // What an access to a user page finds, through the cache: 0 when it faults.
    std::uint64_t touch(Vaddr);
    std::vector<std::string> const &breaches() const { return breaches_; }
    unsigned tables() const { return static_cast<unsigned>(tables_.size()); }
    void given_back(Pfn);  // kernel::unref_frame() of a frame without other references

private:
    struct Request {
        Pte *slot;
        Pte value;
    };
    void breach(std::string text) { breaches_.push_back(std::move(text)); }
    void apply(Request const &);
    void check_upper(Level, Pte value);
    unsigned names_of(Pfn table) const;
    Pte *walk(Vaddr) const;

    std::vector<Request> queue_;
    std::map<unsigned, Level> tables_;
    std::set<unsigned> plain_;  // disowned roots, which their owner still writes
    std::set<std::uint32_t> stale_;
    bool all_stale_ = false;
    std::map<std::uint32_t, Pte> tlb_;
    std::vector<Pte> root_cache_;
    Pfn loaded_{};
    std::vector<std::string> breaches_;
};
}  // namespace arch
