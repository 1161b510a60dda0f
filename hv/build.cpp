// SPDX-License-Identifier: MIT
// Domain 0: its memory, its kernel, its first page tables and registers. What a guest could build for itself is checked the way a
// guest's is: the tables are written as plain memory and then pinned through the one validation path.
#include <hv/boot.hpp>
#include <hv/cpu.hpp>
#include <hv/frames.hpp>
#include <hv/heap.hpp>
#include <hv/hypercall.hpp>
#include <hv/log.hpp>
#include <hv/map.hpp>
#include <hv/memory.hpp>
#include <hv/module_reader.hpp>
#include <hv/options.hpp>
#include <lib/panic.hpp>
#include <lib/pv/start_of_day.hpp>

namespace hv {
namespace {

Result<> refuse(char const **message, char const *why)
{
    *message = why;
    return Error::nomem;
}

class Builder {
public:
    Builder(Domain &d, Module const &kernel, Module const *initrd)
        : d_{d}, file_{kernel}, kernel_{kernel}, initrd_{initrd}
    {
    }
    Result<> build(char const **message);

private:
    Result<> choose_size(char const **message);
    Result<> allocate_memory(char const **message);
    Result<> fill_gaps(std::uint32_t first, std::uint32_t end);
    void clear_boot_region();
    void load_segments();
    void write_p2m();
    void write_start_info();
    void write_tables();
    void start_vcpu();
    void copy_in(std::uint32_t address, void const *from, std::uint32_t bytes);
    Mfn mfn(std::uint32_t pfn) const { return Mfn{p2m_[pfn]}; }
    Mfn mfn_at(std::uint32_t address) const { return mfn(day_.pfn(address)); }

    Domain &d_;
    ModuleReader file_;
    Module const &kernel_;
    Module const *initrd_;
    KernelImage image_ = {};
    StartOfDay day_ = {};
    std::uint32_t nr_pages_ = 0;
    std::uint32_t *p2m_ = nullptr;  // ours, while we build
};

// "dom0_mem=256M" (also K, G). 0: not given.
std::uint64_t wanted_bytes(char const *command_line)
{
    char const *at = find_option(command_line, "dom0_mem");
    if (!at)
        return 0;
    std::uint64_t n = 0;
    for (; *at >= '0' && *at <= '9' && n < max_machine_bytes; ++at)
        n = n * 10 + static_cast<unsigned>(*at - '0');
    switch (*at | 0x20) {
    case 'g': return n << 30;
    case 'm': return n << 20;
    default: return n << 10;
    }
}

unsigned order_for(std::uint32_t pages)
{
    unsigned order = 0;
    while (order < max_frame_order && (2u << order) <= pages)
        ++order;
    return order;
}

std::uint32_t initrd_pages(Module const *initrd) { return initrd ? pages_for(initrd->bytes) : 0; }

// Everything that is free, but for a little: domain 0 exchanges memory for contiguous runs (XENMEM_exchange), and needs some to do it.
Result<> Builder::choose_size(char const **message)
{
    std::uint32_t available = free_frame_count() + initrd_pages(initrd_);
    std::uint32_t kept = free_frame_count() / 64;
    std::uint64_t wanted = wanted_bytes(boot_info.command_line) >> page_shift;
    nr_pages_ = available - kept;
    if (wanted > nr_pages_)
        log("dom0_mem: only %u MB are there", nr_pages_ >> 8);
    else if (wanted)
        nr_pages_ = static_cast<std::uint32_t>(wanted);
    std::uint32_t bytes = initrd_ ? initrd_->bytes : 0;
    if (!lay_out(day_, image_, KernelRole::control_domain, bytes, nr_pages_))
        return refuse(message, "kernel, initrd and page tables do not fit below the hypervisor (0xf5800000)");
    std::uint32_t unmapped = bytes && !day_.initrd ? initrd_pages(initrd_) : 0;
    if (std::uint64_t{day_.boot_pages()} + unmapped > nr_pages_)
        return refuse(message,
                      "its kernel and initrd need more memory than it has: "
                      "give the machine more, or raise dom0_mem");
    return {};
}

Result<> Builder::fill_gaps(std::uint32_t first, std::uint32_t end)
{
    unsigned limit = max_frame_order;
    while (first < end) {
        unsigned order = order_for(end - first) < limit ? order_for(end - first) : limit;
        auto block = allocate_unscrubbed_frames(d_, order);
        if (!block.ok() && order == 0)
            return block.error();
        if (!block.ok()) {
            limit = order - 1;
            continue;
        }
        for (std::uint32_t i = 0; i < 1u << order; ++i)
            p2m_[first++] = (block.value() + i).raw();
    }
    return {};
}

// The initrd's frames become the domain's where they are.
Result<> Builder::allocate_memory(char const **message)
{
    p2m_ = static_cast<std::uint32_t *>(allocate(nr_pages_ * sizeof *p2m_));
    if (!p2m_)
        return refuse(message, "no room in the hypervisor's heap for its list of frames");
    std::uint32_t first = day_.initrd_bytes ? day_.initrd_pfn : nr_pages_, n = initrd_pages(initrd_);
    if (n) {
        Mfn frame = to_mfn(Maddr{initrd_->start});
        adopt_frames(d_, frame, n);
        for (std::uint32_t i = 0; i < n; ++i)
            p2m_[first + i] = (frame + i).raw();
    }
    if (!fill_gaps(0, first).ok() || !fill_gaps(first + n, nr_pages_).ok())
        return refuse(message, "the machine ran out of memory while it was built");
    for (std::uint32_t pfn = 0; pfn < nr_pages_; ++pfn)
        set_m2p(mfn(pfn), pfn);
    return {};
}

void Builder::clear_boot_region()
{
    for (std::uint32_t pfn = 0; pfn < day_.boot_pages(); ++pfn)
        if (pfn < day_.initrd_pfn || pfn >= day_.initrd_pfn + initrd_pages(initrd_))
            __builtin_memset(Mapped<>{mfn(pfn)}.get(), 0, page_size);
}

void Builder::copy_in(std::uint32_t address, void const *from, std::uint32_t bytes)
{
    auto *in = static_cast<char const *>(from);
    while (bytes) {
        std::uint32_t offset = address & ~page_mask;
        std::uint32_t n = page_size - offset < bytes ? page_size - offset : bytes;
        __builtin_memcpy(Mapped<char>{mfn_at(address)}.get() + offset, in, n);
        address += n;
        in += n;
        bytes -= n;
    }
}

void Builder::load_segments()
{
    for (unsigned i = 0; i < image_.segment_count; ++i) {
        KernelSegment const &s = image_.segments[i];
        for (std::uint32_t done = 0; done < s.file_bytes;) {
            char piece[1024];
            std::uint32_t left = s.file_bytes - done;
            std::uint32_t n = left < sizeof piece ? left : std::uint32_t{sizeof piece};
            bool read = file_.read(piece, std::uint64_t{s.file_offset} + done, n);
            ASSERT(read);  // parse_kernel saw to it
            copy_in(s.address + done, piece, n);
            done += n;
        }
    }
    if (image_.hypercall_page)
        fill_hypercall_page(Mapped<>{mfn_at(image_.hypercall_page)}.get());
}

void Builder::write_p2m() { copy_in(day_.p2m, p2m_, nr_pages_ * static_cast<std::uint32_t>(sizeof *p2m_)); }

void Builder::write_start_info()
{
    Mapped<start_info> info{mfn_at(day_.start_info)};
    format(info->magic, sizeof info->magic, "xen-3.0-x86_32p");
    info->nr_pages = nr_pages_;
    info->shared_info = static_cast<std::uint32_t>(to_maddr(heap_mfn(d_.shared)).raw());
    info->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    info->pt_base = day_.page_tables;
    info->nr_pt_frames = day_.table_count();
    info->mfn_list = day_.p2m;
    info->mod_len = day_.initrd_bytes;
    info->mod_start = day_.initrd;
    if (day_.initrd_bytes && !day_.initrd) {
        info->mod_start = day_.initrd_pfn;
        info->flags |= SIF_MOD_START_PFN;
    }
    info->console.dom0.info_off = sizeof(start_info);  // no screen
    info->first_p2m_pfn = day_.pfn(day_.p2m);
    info->nr_p2m_frames = pages_for(nr_pages_ * 4);
    format(reinterpret_cast<char *>(info->cmd_line), MAX_GUEST_CMDLINE, "%s",
           without_file_name(boot_info, kernel_.command_line));
}

void Builder::write_tables()
{
    write_first_tables(
        day_, [&](std::uint32_t address) { return mfn_at(address); },
        [&](std::uint32_t address, auto change) { change(Mapped<Pte>{mfn_at(address)}.get()); });
}

void Builder::start_vcpu()
{
    Vcpu &v = *d_.vcpus[0];
    Mfn root = mfn_at(day_.page_tables);
    Result<> pinned = Error::again;
    while (!pinned.ok() && pinned.error() == Error::again)
        pinned = pin_frame(root, &d_, FrameType::l3);
    ASSERT(pinned.ok());
    auto held = get_frame_and_type(root, &d_, FrameType::l3);
    ASSERT(held.ok());
    v.cr3 = root;
    v.regs = {};
    v.regs.eip = image_.entry;
    v.regs.esp = day_.stack + page_size;
    v.regs.esi = day_.start_info;
    v.regs.cs = FLAT_RING1_CS;
    v.regs.ss = FLAT_RING1_SS;
    v.regs.ds = v.regs.es = v.regs.fs = v.regs.gs = FLAT_RING1_DS;
    v.regs.eflags = 0x202;  // IF, and the bit that is always 1
    v.kernel_esp = v.regs.esp;
    v.kernel_ss = Selector{FLAT_RING1_SS};
}

Result<> Builder::build(char const **message)
{
    TRY(parse_kernel(file_, KernelRole::control_domain, image_, message));
    TRY(choose_size(message));
    d_.max_pages = ~0u;
    TRY(allocate_memory(message));
    clear_boot_region();
    load_segments();
    write_p2m();
    write_start_info();
    write_tables();
    start_vcpu();
    log("domain 0: %s, %u MB, kernel 0x%x-0x%x, initrd %u KB, entry 0x%x",
        image_.guest_os[0] ? image_.guest_os : "a kernel without a name", nr_pages_ >> 8, image_.start, image_.end,
        day_.initrd_bytes / 1024, image_.entry);
    free(p2m_, nr_pages_ * sizeof *p2m_);
    return {};
}

}  // namespace

Result<> build_domain0(Domain &d, Module kernel, Module const *initrd, char const **message)
{
    if (initrd && initrd->bytes == 0)
        initrd = nullptr;
    Builder builder{d, kernel, initrd};
    TRY(builder.build(message));
    add_free_frames(to_mfn(Maddr{kernel.start}), pages_for(kernel.bytes));  // its file is not needed any more
    return {};
}

}  // namespace hv
