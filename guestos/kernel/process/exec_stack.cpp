// SPDX-License-Identifier: MIT
// The vectors at the bottom of the initial stack (figure in exec_strings.hpp) and the stack region itself.
#include <arch/cpu.hpp>
#include <arch/platform.hpp>
#include <arch/vdso.hpp>
#include <kernel/memory/mman.hpp>
#include <kernel/process/exec.hpp>
#include <kernel/process/vdso.hpp>

namespace kernel {
namespace {
constexpr std::uint32_t clock_ticks_per_second = 100;
constexpr std::uint32_t stack_room = 128 << 10;  // mapped below the stack pointer from the start
constexpr std::uint32_t used_at_once = 2048;     // as much of it every program needs

class AuxiliaryVector {
public:
    void add(std::uint32_t type, std::uint32_t value)
    {
        words_[count_++] = type;
        words_[count_++] = value;
    }
    std::uint32_t const *words() const { return words_; }
    std::uint32_t count() const { return count_; }

private:
    std::uint32_t words_[44], count_ = 0;
};

struct Places {
    Vaddr platform, random, path;
};

AuxiliaryVector auxiliary_vector(LoadedProgram const &p, Places const &at, Credentials const &c, bool secure)
{
    AuxiliaryVector v;
    v.add(AT_SYSINFO, arch::vdso_entry.raw());
    v.add(AT_SYSINFO_EHDR, arch::vdso_image.raw());
    v.add(AT_HWCAP, arch::cpu_identity().features);
    v.add(AT_PAGESZ, page_size);
    v.add(AT_CLKTCK, clock_ticks_per_second);
    v.add(AT_PHDR, p.image.headers.raw());
    v.add(AT_PHENT, sizeof(Elf32_Phdr));
    v.add(AT_PHNUM, p.header_count);
    v.add(AT_BASE, p.interpreter_base.raw());
    v.add(AT_FLAGS, 0);
    v.add(AT_ENTRY, p.image.entry.raw());
    v.add(AT_UID, c.uid);
    v.add(AT_EUID, c.euid);
    v.add(AT_GID, c.gid);
    v.add(AT_EGID, c.egid);
    v.add(AT_SECURE, secure);
    v.add(AT_RANDOM, at.random.raw());
    v.add(AT_HWCAP2, 0);
    v.add(AT_EXECFN, at.path.raw());
    v.add(AT_PLATFORM, at.platform.raw());
    v.add(AT_NULL, 0);
    return v;
}

// Pointers to `count` strings that follow each other from `string` on, then 0. Returns where the strings end.
Result<Vaddr> write_pointers(ExecStrings &s, Vaddr &to, Vaddr string, std::uint32_t count)
{
    for (std::uint32_t i = 0; i < count; ++i, to += 4) {
        auto address = string.raw();
        TRY(s.write_words(to, &address, 1));
        string = s.after_string(string);
    }
    std::uint32_t zero = 0;
    TRY(s.write_words(to, &zero, 1));
    to += 4;
    return string;
}

Result<> add_stack_region(AddressSpace &space, Vaddr lowest, StackKind kind)
{
    auto start = page_floor(lowest) - stack_room;
    std::uint32_t prot = page_read | page_write | (kind == StackKind::plain ? 0 : std::uint32_t{page_exec});
    MapRequest q{.address = start,
                 .bytes = stack_end() - start,
                 .prot = prot,
                 .flags = map_private | map_anonymous | map_fixed_noreplace | map_growsdown | map_stack,
                 .file = {},
                 .offset = 0};
    auto mapped = space.map(q);
    return mapped.ok() ? Result<>{} : Result<>{mapped.error() == Error::exist ? Error::noexec : mapped.error()};
}
}  // namespace

Result<Vaddr> make_stack(LoadedProgram &program, ExecStrings &s, Vaddr path, Credentials const &credentials, bool secure)
{
    auto &space = *program.space;
    space.arg_start = s.top();
    Places at{.platform = {}, .random = {}, .path = path};
    TRY(s.push_bytes("i686", 5));
    at.platform = s.top();
    std::uint8_t random[16];
    arch::random_seed(random, sizeof random);
    TRY(s.push_bytes(random, sizeof random));
    at.random = s.top();
    auto vector = auxiliary_vector(program, at, credentials, secure);
    s.reserve((1 + s.argc + 1 + s.envc + 1 + vector.count()) * 4);
    s.align(16);
    auto sp = s.top(), to = sp;
    TRY(s.write_words(to, &s.argc, 1));
    to += 4;
    space.arg_end = space.env_start = TRY(write_pointers(s, to, space.arg_start, s.argc));
    space.env_end = TRY(write_pointers(s, to, space.env_start, s.envc));
    TRY(s.write_words(to, vector.words(), vector.count()));
    space.start_stack = sp;
    TRY(map_vdso(space));
    TRY(add_stack_region(space, sp, program.image.stack));
    TRY(s.install(space));
    if (page_offset(sp) < used_at_once)
        TRY(space.populate(page_floor(sp) - page_size, page_floor(sp)));
    return sp;
}
}  // namespace kernel
