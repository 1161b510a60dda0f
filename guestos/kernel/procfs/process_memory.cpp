// SPDX-License-Identifier: MIT
// /proc/N/maps, smaps, auxv and mem.
#include <kernel/procfs/process_text.hpp>

namespace kernel {
namespace {
constexpr std::size_t line_bytes = path_max + 128;

Result<Ref<AddressSpace>> memory_of(ProcTarget const &target)
{
    auto thread = TRY(target.thread());
    if (!may_inspect(*thread->process))
        return Error::acces;
    return thread->memory;
}

template <class PerLine>
Result<> for_each_line(ProcTarget const &target, PerLine f)
{
    auto space = TRY(memory_of(target));
    if (!space)
        return {};
    std::unique_ptr<char[]> line{new (std::nothrow) char[line_bytes]};
    if (!line)
        return Error::nomem;
    for (unsigned i = 0; space->describe_region(i, line.get(), line_bytes); ++i)
        f(line.get());
    return {};
}

std::uint32_t hex(char const *&at)
{
    std::uint32_t n = 0;
    for (;; ++at) {
        char c = *at;
        if (c >= '0' && c <= '9')
            n = n << 4 | static_cast<std::uint32_t>(c - '0');
        else if (c >= 'a' && c <= 'f')
            n = n << 4 | static_cast<std::uint32_t>(c - 'a' + 10);
        else
            return n;
    }
}

// The fields that pmap(1) and others add up; what is resident is known for the process as a whole only.
void print_sizes(Text &out, std::uint32_t kb, std::uint32_t resident_kb)
{
    out.print("Size:           %8u kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n", kb);
    out.print("Rss:            %8u kB\nPss:            %8u kB\n", resident_kb, resident_kb);
    for (auto name : {"Shared_Clean:   ", "Shared_Dirty:   ", "Private_Clean:  "})
        out.print("%s%8u kB\n", name, 0u);
    out.print("Private_Dirty:  %8u kB\nReferenced:     %8u kB\nAnonymous:      %8u kB\n", resident_kb, resident_kb,
              resident_kb);
    for (auto name : {"LazyFree:       ", "AnonHugePages:  ", "Shared_Hugetlb: ", "Private_Hugetlb:",
                      "Swap:           ", "SwapPss:        ", "Locked:         "})
        out.print("%s%8u kB\n", name, 0u);
}
}  // namespace

Result<> show_maps(Text &out, ProcTarget const &target)
{
    return for_each_line(target, [&out](char const *line) {
        out.append(line);
        out.append("\n");
    });
}

Result<> show_smaps(Text &out, ProcTarget const &target)
{
    return for_each_line(target, [&out](char const *line) {
        out.append(line);
        out.append("\n");
        auto at = line;
        std::uint32_t start = hex(at);
        if (*at == '-')
            ++at;
        print_sizes(out, (hex(at) - start) / 1024, 0);
        out.print("VmFlags: rd mr mw me\n");
    });
}

Result<> show_smaps_rollup(Text &out, ProcTarget const &target)
{
    auto space = TRY(memory_of(target));
    if (!space)
        return {};
    auto s = space->sizes();
    out.print("%08x-%08x ---p 00000000 00:00 0                                  [rollup]\n", space->start_code.raw(),
              0xc000'0000u);
    print_sizes(out, s.total_pages * 4, s.resident_pages * 4);
    return {};
}

// exec put it between the environment's pointers and the strings: it is read back from there. Above env's NULL comes AT_*.
Result<> show_auxv(Text &out, ProcTarget const &target)
{
    auto space = TRY(memory_of(target));
    if (!space)
        return {};
    auto word = [&space](Vaddr at) {
        std::uint32_t w = 0;
        auto n = space->read_remote(at, &w, sizeof w);
        return n.ok() && n.value() == sizeof w ? Result<std::uint32_t>{w} : Result<std::uint32_t>{Error::fault};
    };
    Vaddr at = space->start_stack + 4 + (TRY(word(space->start_stack)) + 1) * 4;  // argc, argv[], NULL
    while (TRY(word(at)) != 0)
        at += 4;
    for (at += 4;; at += 8) {
        std::uint32_t const pair[2] = {TRY(word(at)), TRY(word(at + 4))};
        out.append({reinterpret_cast<char const *>(pair), sizeof pair});
        if (pair[0] == 0)
            return {};
    }
}

namespace {
class MemoryFile final : public File {
public:
    MemoryFile(Ref<AddressSpace> space, unsigned open_flags) : File{open_flags}, space_{std::move(space)} {}
    bool seekable() const override { return true; }
    Result<std::size_t> read(IoBuffer &to, std::uint64_t &at) override
    {
        return move(to, at, [this](Vaddr from, char *chunk, std::size_t n, IoBuffer &b) -> Result<std::size_t> {
            auto got = TRY(space_->read_remote(from, chunk, n));
            return b.put(chunk, got);
        });
    }
    Result<std::size_t> write(IoBuffer &from, std::uint64_t &at) override
    {
        return move(from, at, [this](Vaddr to, char *chunk, std::size_t n, IoBuffer &b) -> Result<std::size_t> {
            auto got = TRY(b.get(chunk, n));
            return space_->write_remote(to, chunk, got);
        });
    }

private:
    template <class Step>
    Result<std::size_t> move(IoBuffer &buffer, std::uint64_t &at, Step step)
    {
        char chunk[512];
        std::size_t total = 0;
        while (buffer.left() && at < arch::user_limit.raw()) {
            auto n = step(Vaddr{static_cast<std::uint32_t>(at)}, chunk,
                          buffer.left() < sizeof chunk ? buffer.left() : sizeof chunk, buffer);
            if (!n.ok() || !n.value())
                return total ? Result<std::size_t>{total} : Error::io;
            total += n.value();
            at += n.value();
        }
        return total;
    }
    Ref<AddressSpace> space_;
};

class MemoryInode final : public ProcInode {
public:
    using ProcInode::ProcInode;
    Result<Ref<File>> open(unsigned flags) override
    {
        auto space = TRY(memory_of(target_));
        if (!space)
            return Error::srch;
        return Ref<File>{TRY(make_ref<MemoryFile>(space, flags))};
    }
};
}  // namespace

Result<Ref<Inode>> make_memory_inode(SuperBlock &sb, ProcEntry const &e, ProcTarget const &t)
{
    return Ref<Inode>{TRY(make_ref<MemoryInode>(sb, e, t))};
}
}  // namespace kernel
