// SPDX-License-Identifier: MIT
// Program and interpreter into a fresh address space.
//
//   0x0804_8000 or so   a program with fixed addresses, its heap behind it
//   0x8040_0000         a position-independent one (also an interpreter started as a program)
//   below mmap_top      the interpreter, then what mmap(2) gives
#include <algorithm>
#include <kernel/memory/mman.hpp>
#include <kernel/process/exec.hpp>

namespace kernel {
namespace {
// In the gigabyte of the libraries and the stack: one page table less than where Linux puts it.
constexpr Vaddr position_independent_base{0x8040'0000};
constexpr std::uint32_t exec_map = map_private | map_fixed | map_denywrite;
constexpr std::uint32_t least_stack_gap = 128u << 20, most_stack_gap = 1u << 30;

struct ElfFile {
    File &file;
    Elf32_Ehdr header{};
    std::unique_ptr<Elf32_Phdr[]> program_headers{};
    ElfImage image{};
    std::uint32_t extra_prot = 0;  // page_exec for programs from before PT_GNU_STACK

    std::span<Elf32_Phdr const> segments() const { return {program_headers.get(), header.e_phnum}; }
};

Result<> read_headers(ElfFile &elf, std::span<std::byte const> first_bytes)
{
    TRY(check_elf_header(first_bytes, elf.header));
    auto n = elf.header.e_phnum;
    elf.program_headers.reset(new (std::nothrow) Elf32_Phdr[n]);
    if (!elf.program_headers)
        return Error::nomem;
    auto bytes = n * sizeof(Elf32_Phdr);
    if (TRY(read_at(elf.file, elf.header.e_phoff, elf.program_headers.get(), bytes)) != bytes)
        return Error::noexec;
    elf.image = TRY(read_elf_image(elf.header, elf.segments()));
    return {};
}

// Behind a segment's file bytes: the rest of the last page zeroed (all of it: the dynamic linker takes its first memory
// from behind its own data), then anonymous pages.
Result<> map_bss(AddressSpace &space, Elf32_Phdr const &p, Vaddr start, std::uint32_t prot)
{
    auto file_end = start + p.p_filesz, end = start + p.p_memsz;
    auto page = p.p_filesz == 0 ? page_floor(start) : page_ceil(file_end);
    if (p.p_filesz != 0 && page_offset(file_end) != 0 && (prot & page_write)) {
        static constinit char const zeroes[page_size] = {};
        TRY(space.write_remote(file_end, zeroes, page - file_end));
    }
    if (page_ceil(end) <= page)
        return {};
    MapRequest q{.address = page,
                 .bytes = page_ceil(end) - page,
                 .prot = prot,
                 .flags = map_private | map_anonymous | map_fixed,
                 .file = {},
                 .offset = 0};
    TRY(space.map(q));
    return {};
}

Result<> map_segment(AddressSpace &space, ElfFile &elf, Elf32_Phdr const &p, std::uint32_t bias)
{
    auto start = Vaddr{p.p_vaddr} + bias;
    auto prot = elf_protection(p) | elf.extra_prot;
    if (p.p_filesz != 0) {
        MapRequest q{.address = page_floor(start),
                     .bytes = p.p_filesz + page_offset(start),
                     .prot = prot,
                     .flags = exec_map,
                     .file = Ref<File>{&elf.file},
                     .offset = p.p_offset & page_mask};
        TRY(space.map(q));
        space.map_expected(q.address, true);
    }
    return p.p_memsz > p.p_filesz ? map_bss(space, p, start, prot) : Result<>{};
}

Result<> map_image(AddressSpace &space, ElfFile &elf, std::uint32_t bias)
{
    for (auto const &p : elf.segments())
        if (p.p_type == PT_LOAD && p.p_memsz != 0)
            TRY(map_segment(space, elf, p, bias));
    auto &image = elf.image;
    for (auto member : {&ElfImage::start, &ElfImage::end, &ElfImage::entry, &ElfImage::start_code, &ElfImage::end_code,
                        &ElfImage::start_data, &ElfImage::end_data, &ElfImage::end_bss})
        image.*member += bias;
    if (image.headers != Vaddr{})
        image.headers += bias;
    return {};
}

// A range that is free for the whole image, found as mmap(2) would.
Result<Vaddr> find_room(AddressSpace &space, ElfImage const &image)
{
    std::uint32_t bytes = image.end - image.start;
    MapRequest q{.address = {},
                 .bytes = bytes,
                 .prot = 0,
                 .flags = map_private | map_anonymous | map_noreserve,
                 .file = {},
                 .offset = 0};
    auto at = TRY(space.map(q));
    TRY(space.unmap(at, bytes));
    return at;
}

Error interpreter_error(Error e) { return e == Error::noexec ? Error::libbad : e; }

Result<> load_interpreter(LoadedProgram &program, ElfFile const &elf)
{
    auto n = elf.image.interpreter_bytes;
    std::unique_ptr<char[]> path{new (std::nothrow) char[n]};
    if (!path)
        return Error::nomem;
    if (TRY(read_at(elf.file, elf.image.interpreter_offset, path.get(), n)) != n || path[n - 1] != 0)
        return Error::noexec;
    auto file = TRY(open_executable(at_fdcwd, path.get(), lookup_follow));
    std::byte first[sizeof(Elf32_Ehdr)];
    auto got = TRY(read_at(*file, 0, first, sizeof first));
    ElfFile interpreter{*file};
    interpreter.extra_prot = elf.extra_prot;
    auto headers = read_headers(interpreter, std::span{first, got});
    if (!headers.ok())
        return interpreter_error(headers.error());
    std::uint32_t bias = 0;
    if (interpreter.image.position_independent)
        bias = TRY(find_room(*program.space, interpreter.image)) - interpreter.image.start;
    TRY(map_image(*program.space, interpreter, bias));
    program.interpreter_base = Vaddr{bias};
    program.start = interpreter.image.entry;
    return {};
}

void describe(AddressSpace &space, ElfImage const &image)
{
    space.start_code = image.start_code;
    space.end_code = image.end_code;
    space.start_data = image.start_data;
    space.end_data = image.end_data;
    space.set_initial_break(page_ceil(image.end_bss));
}
}  // namespace

Result<LoadedProgram> load_program(File &file, std::span<std::byte const> first_bytes)
{
    ElfFile elf{file};
    TRY(read_headers(elf, first_bytes));
    if (elf.image.stack == StackKind::not_said)
        elf.extra_prot = page_exec;
    LoadedProgram program;
    program.space = TRY(AddressSpace::create());
    auto stack = memory_limit(rlimit_stack);
    program.space->mmap_top = page_floor(arch::user_limit - std::clamp(stack, least_stack_gap, most_stack_gap));
    std::uint32_t bias = elf.image.position_independent ? position_independent_base - elf.image.start : 0;
    if (elf.image.position_independent && elf.image.end - elf.image.start > arch::user_limit - position_independent_base)
        return Error::nomem;
    TRY(map_image(*program.space, elf, bias));
    program.start = elf.image.entry;
    if (elf.image.interpreter_bytes != 0)
        TRY(load_interpreter(program, elf));
    describe(*program.space, elf.image);
    program.image = elf.image;
    program.header_count = elf.header.e_phnum;
    return program;
}
}  // namespace kernel
