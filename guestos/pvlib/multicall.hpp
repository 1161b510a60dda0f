// SPDX-License-Identifier: MIT
// Several hypercalls for the price of one entry into the hypervisor.
//
//   pv::Multicall batch;
//   batch.add(__HYPERVISOR_stack_switch, ss, esp);
//   batch.add(__HYPERVISOR_fpu_taskswitch, 1);
//   auto done = batch.commit();              // the first error, if there was one
#pragma once
#include <pvlib/hypercall.hpp>

namespace pv {
class Multicall {
public:
    template <class... A>
    void add(Word op, A... arguments)
    {
        static_assert(sizeof...(A) <= 6);
        if (used_ == size)
            latch(flush());
        calls_[used_++] = {op, 0, {static_cast<Word>(arguments)...}};
    }
    void update_descriptor(Maddr entry, std::uint64_t d)
    {
        add(__HYPERVISOR_update_descriptor, low(entry.raw()), high(entry.raw()), low(d), high(d));
    }
    void update_va_mapping(Vaddr v, Pte p, Word flush)
    {
        add(__HYPERVISOR_update_va_mapping, v.raw(), low(p.raw()), high(p.raw()), flush);
    }
    Result<> commit()
    {
        if (used_)
            latch(flush());
        auto e = error_;
        error_ = Error::none;
        return e == Error::none ? Result<>{} : Result<>{e};
    }

private:
    void latch(Result<> r)
    {
        if (!r.ok() && error_ == Error::none)
            error_ = r.error();
    }
    Result<> flush()
    {
        auto n = used_;
        used_ = 0;
        if (n == 0)
            return {};
        TRY(multicall(calls_, n));
        for (unsigned i = 0; i < n; ++i)
            TRY(checked(static_cast<std::int32_t>(calls_[i].result)));
        return {};
    }

    static constexpr unsigned size = 16;
    multicall_entry calls_[size]{};
    unsigned used_ = 0;
    Error error_ = Error::none;
};

// Calls that may wait until the address space changes, or the kernel is left at the latest.
Multicall &deferred_calls();
}  // namespace pv
