// SPDX-License-Identifier: MIT
// /dev/xen/privcmd: hypercalls of a program, and other domains' frames in its memory. Domain 0, root. include/pv/sys/privcmd.h.
//
// A program's pointers are good for the hypervisor as they are: it runs on the program's page tables. What they point to must be
// in place and writable, which is what /dev/xen/hypercall is for.
#include <drivers/xendev/foreign_region.hpp>
#include <drivers/xendev/xendev.hpp>
#include <kernel/process/process.hpp>
#include <pv/hypercalls.h>
#include <pv/sys/privcmd.h>
#include <pvlib/hypercall.hpp>

namespace xendev {
namespace {
using kernel::UserPtr;
constexpr std::uint32_t user_pages = 0xc0000;

extern "C" char const hypercall_page[];

// Calls that change the virtual processor this kernel itself runs on; and multicall, which could contain them.
constexpr unsigned kernels_own[] = {
    __HYPERVISOR_set_trap_table, __HYPERVISOR_set_gdt,           __HYPERVISOR_stack_switch,
    __HYPERVISOR_set_callbacks,  __HYPERVISOR_fpu_taskswitch,    __HYPERVISOR_update_descriptor,
    __HYPERVISOR_multicall,      __HYPERVISOR_set_timer_op,      __HYPERVISOR_vm_assist,
    __HYPERVISOR_iret,           __HYPERVISOR_set_segment_base,  __HYPERVISOR_callback_op,
    __HYPERVISOR_set_debugreg,   __HYPERVISOR_update_va_mapping, __HYPERVISOR_nmi_op,
};

bool is_kernels_own(std::uint64_t op)
{
    for (auto n : kernels_own)
        if (op == n)
            return true;
    return false;
}

std::int32_t call(unsigned number, std::uint64_t const (&arguments)[5])
{
    auto stub = hypercall_page + number * PV_HYPERCALL_STUB_BYTES;
    std::int32_t result;
    auto a = pv::low(arguments[0]), b = pv::low(arguments[1]), c = pv::low(arguments[2]), d = pv::low(arguments[3]),
         e = pv::low(arguments[4]);
    asm volatile("call *%[stub]"
                 : "=a"(result), "+b"(a), "+c"(b), "+d"(c), "+S"(d), "+D"(e)
                 : [stub] "0"(stub)
                 : "memory", "cc");
    return result;
}

class PrivcmdFile final : public File {
public:
    using File::File;
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override;
    Result<Ref<kernel::MemoryObject>> memory_object() override { return make_foreign_region(); }

private:
    Result<std::int32_t> hypercall(UserPtr<privcmd_hypercall>) const;
    Result<std::int32_t> map_runs(UserPtr<privcmd_mmap>) const;
    Result<std::int32_t> map_batch(UserPtr<privcmd_mmapbatch>) const;
    Result<std::int32_t> map_batch_v2(UserPtr<privcmd_mmapbatch_v2>) const;
    Result<std::int32_t> map_resource(UserPtr<privcmd_mmap_resource>) const;
    Result<std::int32_t> restrict_to(UserPtr<domid_t>);
    Result<> may_reach(domid_t d) const
    {
        return restricted_to_ == DOMID_INVALID || restricted_to_ == d ? Result<>{} : Result<>{Error::perm};
    }
    domid_t restricted_to_ = DOMID_INVALID;
};

Result<std::int32_t> PrivcmdFile::ioctl(unsigned command, std::uint32_t argument)
{
    switch (command) {
    case IOCTL_PRIVCMD_HYPERCALL: return hypercall(UserPtr<privcmd_hypercall>{argument});
    case IOCTL_PRIVCMD_MMAP: return map_runs(UserPtr<privcmd_mmap>{argument});
    case IOCTL_PRIVCMD_MMAPBATCH: return map_batch(UserPtr<privcmd_mmapbatch>{argument});
    case IOCTL_PRIVCMD_MMAPBATCH_V2: return map_batch_v2(UserPtr<privcmd_mmapbatch_v2>{argument});
    case IOCTL_PRIVCMD_DM_OP: return Error::nosys;  // no domain here has a device model
    case IOCTL_PRIVCMD_RESTRICT: return restrict_to(UserPtr<domid_t>{argument});
    case IOCTL_PRIVCMD_MMAP_RESOURCE: return map_resource(UserPtr<privcmd_mmap_resource>{argument});
    default: return Error::notty;
    }
}

// The result is the call's, positive ones too.
Result<std::int32_t> PrivcmdFile::hypercall(UserPtr<privcmd_hypercall> argument) const
{
    auto q = TRY(argument.read());
    if (restricted_to_ != DOMID_INVALID || is_kernels_own(q.op))
        return Error::perm;
    if (q.op >= page_size / PV_HYPERCALL_STUB_BYTES)
        return Error::inval;
    auto result = call(static_cast<unsigned>(q.op), q.arg);
    return result < 0 && result >= -4095 ? Result<std::int32_t>{static_cast<Error>(-result)} : result;
}

Result<std::int32_t> PrivcmdFile::map_runs(UserPtr<privcmd_mmap> argument) const
{
    auto q = TRY(argument.read());
    TRY(may_reach(q.dom));
    if (q.num <= 0 || static_cast<std::uint32_t>(q.num) > user_pages)
        return Error::inval;
    UserPtr<privcmd_mmap_entry> entries{vaddr_of(q.entry).raw()};
    for (std::int32_t i = 0; i < q.num; ++i) {
        auto run = TRY((entries + static_cast<std::size_t>(i)).read());
        if (run.npages > user_pages || run.mfn + run.npages > 1ull << 32 || run.va >> 32)
            return Error::inval;
        auto mapping = TRY(ForeignMapping::in_current(*this, Vaddr{pv::low(run.va)}, pv::low(run.npages), q.dom));
        for (std::uint32_t page = 0; page < run.npages; ++page)
            mapping.add(page, Mfn{pv::low(run.mfn) + page});
        TRY(mapping.finish());
    }
    return 0;
}

// Frames and errors are read and written in pieces. `report(i, error)` writes the i-th page's, Error::none too if it wants.
template <class Report>
Result<> map_list(PrivcmdFile const &file, Vaddr at, std::uint32_t count, domid_t domain,
                  UserPtr<xen_pfn_t const> frames, Report report)
{
    constexpr unsigned piece = ForeignMapping::batch;
    auto mapping = TRY(ForeignMapping::in_current(file, at, count, domain));
    for (std::uint32_t done = 0; done < count; done += piece) {
        auto n = count - done < piece ? count - done : piece;
        xen_pfn_t list[piece];
        Error errors[piece];
        TRY(kernel::copy_in(list, (frames + done).address(), n * sizeof list[0]));
        for (unsigned i = 0; i < n; ++i)
            mapping.add(done + i, Mfn{list[i]});
        mapping.run(errors);
        for (unsigned i = 0; i < n; ++i)
            TRY(report(done + i, list[i], errors[i]));
    }
    return {};
}

Result<std::int32_t> PrivcmdFile::map_batch(UserPtr<privcmd_mmapbatch> argument) const
{
    auto q = TRY(argument.read());
    TRY(may_reach(q.dom));
    if (q.num <= 0 || q.addr >> 32)
        return Error::inval;
    UserPtr<xen_pfn_t> frames{vaddr_of(q.arr).raw()};
    auto mark = [&](std::uint32_t i, xen_pfn_t frame, Error e) -> Result<> {
        if (e == Error::none)
            return {};
        return (frames + i).write(frame | (e == Error::noent ? PRIVCMD_MMAPBATCH_PAGED_ERROR : PRIVCMD_MMAPBATCH_MFN_ERROR));
    };
    TRY(map_list(*this, Vaddr{pv::low(q.addr)}, static_cast<std::uint32_t>(q.num), q.dom,
                 UserPtr<xen_pfn_t const>{frames.address().raw()}, mark));
    return 0;
}

Result<std::int32_t> PrivcmdFile::map_batch_v2(UserPtr<privcmd_mmapbatch_v2> argument) const
{
    auto q = TRY(argument.read());
    TRY(may_reach(q.dom));
    if (q.num == 0 || q.addr >> 32)
        return Error::inval;
    UserPtr<std::int32_t> errors{vaddr_of(q.err).raw()};
    auto write = [&](std::uint32_t i, xen_pfn_t, Error e) { return (errors + i).write(-static_cast<std::int32_t>(e)); };
    TRY(map_list(*this, Vaddr{pv::low(q.addr)}, q.num, q.dom, UserPtr<xen_pfn_t const>{vaddr_of(q.arr).raw()}, write));
    return 0;
}

// The hypervisor names the frames of the resource; they are then mapped like others of that domain.
Result<std::int32_t> PrivcmdFile::map_resource(UserPtr<privcmd_mmap_resource> argument) const
{
    auto q = TRY(argument.read());
    TRY(may_reach(q.dom));
    xen_mem_acquire_resource op{q.dom, static_cast<std::uint16_t>(q.type), q.id, 0, 0, q.idx, nullptr};
    if (q.num == 0 && q.addr == 0) {
        TRY(pv::checked(pv::memory_op(XENMEM_acquire_resource, &op)));
        q.num = op.nr_frames;
        TRY(argument.write(q));
        return 0;
    }
    if (q.num == 0 || q.num > user_pages || q.addr >> 32)
        return Error::inval;
    auto mapping = TRY(ForeignMapping::in_current(*this, Vaddr{pv::low(q.addr)}, pv::low(q.num), q.dom));
    for (std::uint32_t done = 0; done < q.num; done += ForeignMapping::batch) {
        xen_pfn_t list[ForeignMapping::batch];
        auto left = pv::low(q.num) - done;
        op.nr_frames = left < ForeignMapping::batch ? left : ForeignMapping::batch;
        op.frame = std::uint64_t{q.idx} + done;
        op.frame_list = list;
        TRY(pv::checked(pv::memory_op(XENMEM_acquire_resource, &op)));
        for (unsigned i = 0; i < op.nr_frames; ++i)
            mapping.add(done + i, Mfn{list[i]});
        TRY(mapping.finish());
    }
    return 0;
}

Result<std::int32_t> PrivcmdFile::restrict_to(UserPtr<domid_t> argument)
{
    auto domain = TRY(argument.read());
    if (restricted_to_ == DOMID_INVALID)
        restricted_to_ = domain;
    return restricted_to_ == domain ? Result<std::int32_t>{0} : Error::inval;
}
}  // namespace

Result<Ref<File>> open_privcmd(unsigned flags)
{
    if (!is_administrator())
        return Error::perm;
    return Ref<File>{TRY(kernel::make_ref<PrivcmdFile>(flags))};
}
}  // namespace xendev
