// SPDX-License-Identifier: MIT
// The order in which the hypervisor comes up, and where everything goes in machine memory:
//
//   1 MB          image_end        hypervisor_end                                        top
//   | image       | heap           | free ............ | frame table | M2P | kernel | initrd |
//                                    becomes domain 0's                     module frames become domain 0's or free
#include <hv/boot.hpp>
#include <hv/cpu.hpp>
#include <hv/frames.hpp>
#include <hv/heap.hpp>
#include <hv/layout.hpp>
#include <hv/log.hpp>
#include <hv/map.hpp>
#include <hv/memory.hpp>
#include <hv/multiboot.hpp>
#include <hv/paging.hpp>

extern "C" char image_end[];

namespace hv {

BootInfo boot_info;

namespace {

constexpr std::uint64_t megabyte = 1u << 20;
constexpr std::uint64_t min_machine_bytes = 20 * megabyte;

[[noreturn]] __attribute__((format(printf, 1, 2))) void boot_failure(char const *format, ...)
{
    char text[256];
    std::va_list args;
    va_start(args, format);
    vformat(text, sizeof text, format, args);
    va_end(args);
    log("cannot start: %s", text);
    machine_power_off(1);
}

// RAM above 1 MB and below 4 GB in whole pages, as ranges of what is not used yet.
class FreeRam {
public:
    void add(MemoryRange r)
    {
        r.start = (r.start + page_size - 1) & ~std::uint64_t{page_size - 1};
        r.end &= ~std::uint64_t{page_size - 1};
        if (r.start < image_machine_start)
            r.start = image_machine_start;
        if (r.end > max_machine_bytes)
            r.end = max_machine_bytes;
        if (r.type == memory_is_ram && r.start < r.end && count_ < BootInfo::max_ranges)
            ranges_[count_++] = r;
    }
    // Takes [start, end) out; it lies in one range, or touches none.
    void remove(std::uint64_t start, std::uint64_t end)
    {
        for (unsigned i = 0; i < count_; ++i) {
            MemoryRange &r = ranges_[i];
            if (end <= r.start || start >= r.end)
                continue;
            MemoryRange rest{end, r.end, memory_is_ram};
            r.end = start > r.start ? start : r.start;
            if (rest.start < rest.end && count_ < BootInfo::max_ranges)
                ranges_[count_++] = rest;
        }
    }
    // Whole pages from the end of the highest range that has room; 0: none has.
    std::uint64_t take_top(std::uint64_t bytes)
    {
        bytes = (bytes + page_size - 1) & ~std::uint64_t{page_size - 1};
        MemoryRange *best = nullptr;
        for (MemoryRange &r : all())
            if (r.end - r.start >= bytes && (!best || r.end > best->end))
                best = &r;
        return best ? best->end -= bytes : 0;
    }
    std::span<MemoryRange> all() { return {ranges_, count_}; }
    std::uint64_t bytes()
    {
        std::uint64_t sum = 0;
        for (MemoryRange const &r : all())
            sum += r.end - r.start;
        return sum;
    }
    std::uint64_t end()
    {
        std::uint64_t top = 0;
        for (MemoryRange const &r : all())
            top = r.end > top ? r.end : top;
        return top;
    }

private:
    MemoryRange ranges_[BootInfo::max_ranges];
    unsigned count_ = 0;
};

FreeRam ram;
std::uint64_t hypervisor_end;  // machine address behind the heap

Mfn frame_at(std::uint64_t machine) { return to_mfn(Maddr{machine}); }

// The heap grows with the machine: most of it is per domain.
void place_heap(std::uint64_t total)
{
    std::uint64_t window_end = image_machine_start + image_bytes;
    auto image_size = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(image_end) - image_start);
    std::uint64_t heap_start = image_machine_start + image_size;
    hypervisor_end = heap_start + 3 * megabyte + total / 32;
    hypervisor_end &= ~std::uint64_t{page_size - 1};
    if (hypervisor_end > window_end)
        hypervisor_end = window_end;
    ram.remove(image_machine_start, hypervisor_end);
    heap_init(image_end, frame_at(heap_start), static_cast<unsigned>((hypervisor_end - heap_start) >> page_shift));
}

// Backwards, page by page: the target lies above the source and may overlap it.
void copy_up(std::uint64_t to, std::uint64_t from, std::uint32_t bytes)
{
    for (std::uint32_t left = pages_for(bytes); left-- > 0;) {
        char page[page_size];
        std::uint32_t at = left << page_shift, n = bytes - at < page_size ? bytes - at : page_size;
        read_machine(page, from + at, n);
        __builtin_memset(page + n, 0, page_size - n);
        __builtin_memcpy(Mapped<>{frame_at(to + at)}.get(), page, page_size);
    }
}

bool can_stay(Module const &m) { return m.start >= hypervisor_end && page_offset(Maddr{m.start}) == 0; }

// The highest one that is not in `done` yet.
Module *next_from_top(unsigned &done)
{
    Module *best = nullptr;
    for (unsigned i = 0; i < boot_info.module_count; ++i)
        if (Module &m = boot_info.modules[i]; !(done >> i & 1) && (!best || m.start > best->start))
            best = &m;
    if (best)
        done |= 1u << (best - boot_info.modules);
    return best;
}

// Loaders put modules right behind the image, where the heap goes. Such a module moves to the top of memory, the highest first, so that
// it never lands on another.
void move_modules()
{
    unsigned done = 0;
    while (Module *m = next_from_top(done)) {
        if (can_stay(*m)) {
            ram.remove(m->start, m->start + (std::uint64_t{pages_for(m->bytes)} << page_shift));
            continue;
        }
        std::uint64_t target = ram.take_top(m->bytes);
        if (target == 0 || target < m->start)
            boot_failure("%llu MB of memory are too little for a module of %u KB: give the machine more",
                         ram.bytes() / megabyte, m->bytes / 1024);
        copy_up(target, m->start, m->bytes);
        m->start = target;
    }
}

void make_tables()
{
    auto limit = static_cast<std::uint32_t>(ram.end() >> page_shift);
    for (Module const &m : std::span{boot_info.modules, boot_info.module_count})
        if (auto end = static_cast<std::uint32_t>((m.start + m.bytes + page_size - 1) >> page_shift); end > limit)
            limit = end;
    std::uint32_t table_pages = pages_for(limit * sizeof(Frame)), m2p_pages = pages_for(limit * 4);
    std::uint64_t table = ram.take_top(std::uint64_t{table_pages} << page_shift);
    std::uint64_t m2p = ram.take_top(std::uint64_t{m2p_pages} << page_shift);
    if (!table || !m2p)
        boot_failure("no room for the frame table: give the machine more memory");
    map_hypervisor_range(frame_table_start, frame_at(table), table_pages);
    map_hypervisor_range(m2p_start, frame_at(m2p), m2p_pages);
    show_m2p_to_guests();
    auto *m2p_words = reinterpret_cast<std::uint32_t *>(std::uintptr_t{m2p_start});
    __builtin_memset(m2p_words, 0xff, m2p_pages << page_shift);
    frames_init(reinterpret_cast<Frame *>(std::uintptr_t{frame_table_start}), m2p_words, limit);
    reserve_hypervisor_frames(frame_at(image_machine_start),
                              static_cast<std::uint32_t>((hypervisor_end - image_machine_start) >> page_shift));
    reserve_hypervisor_frames(frame_at(table), table_pages);
    reserve_hypervisor_frames(frame_at(m2p), m2p_pages);
}

void give_out_frames()
{
    for (MemoryRange const &r : ram.all())
        add_free_frames(frame_at(r.start), static_cast<std::uint32_t>((r.end - r.start) >> page_shift));
}

void memory_init()
{
    for (MemoryRange const &r : boot_info.memory())
        ram.add(r);
    std::uint64_t total = ram.bytes();
    log("%llu MB of memory, loader \"%s\"", total / megabyte, boot_info.loader);
    if (total + image_machine_start + megabyte / 2 < min_machine_bytes)
        boot_failure("the machine has %llu MB of memory, too little: give it at least %llu MB",
                     (total + image_machine_start + megabyte / 2) / megabyte, min_machine_bytes / megabyte);
    if (boot_info.module_count == 0)
        boot_failure("there is no module: give the kernel of domain 0 as the first (QEMU: -initrd \"KERNEL,INITRD\")");
    place_heap(total);
    move_modules();
    make_tables();
    give_out_frames();
    log("%u KB heap, %u MB free for domains", static_cast<unsigned>((hypervisor_end - image_machine_start) / 1024),
        free_frame_count() >> 8);
}

}  // namespace

[[noreturn]] static void main(std::uint32_t magic, std::uint32_t information)
{
    paging_init();
    Result<> read = read_multiboot(boot_info, magic, information);
    console_init(boot_info.command_line);
    if (!read.ok())
        boot_failure("the boot loader gave no multiboot memory map: use GRUB or QEMU's -kernel");
    memory_init();
    cpu_init();
    time_init();
    auto domain = create_domain(0, {.vcpus = 1});
    if (!domain.ok() || !create_vcpus(*domain.value()).ok())
        boot_failure("no memory for domain 0's structures");
    Domain &d = *domain.value();
    char const *message = "";
    Module const *initrd = boot_info.module_count > 1 ? &boot_info.modules[1] : nullptr;
    if (!build_domain0(d, boot_info.modules[0], initrd, &message).ok())
        boot_failure("domain 0: %s", message);
    start_first_domain(d);
}

}  // namespace hv

extern "C" [[noreturn]] void hypervisor_main(std::uint32_t magic, std::uint32_t information);
void hypervisor_main(std::uint32_t magic, std::uint32_t information) { hv::main(magic, information); }
