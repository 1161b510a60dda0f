// SPDX-License-Identifier: MIT
// Kernels as files: a good one, each way to be bad with its message, and ten thousand good ones with random bytes changed (55, 25, 194):
// whatever is accepted stays inside the file and below the hypervisor.
#include "machine.hpp"
#include <catch2/catch.hpp>
#include <cstring>
#include <elf.h>
#include <hv/layout.hpp>
#include <hv/module_reader.hpp>
#include <hv/multiboot.hpp>
#include <lib/pv/start_of_day.hpp>
#include <pv/elfnote.h>

using namespace hv;

void hv::read_machine(void *to, std::uint64_t from, std::uint32_t bytes)
{
    std::memcpy(to, reinterpret_cast<void const *>(static_cast<std::uintptr_t>(from)), bytes);
}

namespace {

struct File {
    std::vector<std::uint8_t> bytes;

    void put(std::size_t at, void const *from, std::size_t n)
    {
        if (bytes.size() < at + n)
            bytes.resize(at + n);
        std::memcpy(bytes.data() + at, from, n);
    }
    Elf32_Ehdr &header() { return *reinterpret_cast<Elf32_Ehdr *>(bytes.data()); }
    Elf32_Phdr &segment(unsigned i) { return reinterpret_cast<Elf32_Phdr *>(bytes.data() + sizeof(Elf32_Ehdr))[i]; }
    Module module() const
    {
        return {reinterpret_cast<std::uintptr_t>(bytes.data()), static_cast<std::uint32_t>(bytes.size()), ""};
    }
};

constexpr std::uint32_t notes_at = 0x100, text_at = 0x400;

std::uint32_t add_note(File &f, std::uint32_t at, std::uint32_t type, void const *value, std::uint32_t n)
{
    Elf32_Nhdr h{4, n, type};
    f.put(at, &h, sizeof h);
    f.put(at + 12, "Xen", 4);
    f.put(at + 16, value, n);
    return at + 16 + ((n + 3) & ~3u);
}
std::uint32_t add_number(File &f, std::uint32_t at, std::uint32_t type, std::uint32_t n)
{
    return add_note(f, at, type, &n, 4);
}
std::uint32_t add_text(File &f, std::uint32_t at, std::uint32_t type, char const *text)
{
    return add_note(f, at, type, text, static_cast<std::uint32_t>(std::strlen(text)) + 1);
}

File good(char const *pae = "yes", std::uint32_t virt_base = 0xc0000000)
{
    File f;
    Elf32_Ehdr h{};
    std::memcpy(h.e_ident, ELFMAG, 4);
    h.e_ident[EI_CLASS] = ELFCLASS32;
    h.e_ident[EI_DATA] = ELFDATA2LSB;
    h.e_type = ET_EXEC;
    h.e_machine = EM_386;
    h.e_phoff = sizeof h;
    h.e_phentsize = sizeof(Elf32_Phdr);
    h.e_phnum = 2;
    h.e_entry = 0xc0100010;
    f.put(0, &h, sizeof h);
    std::uint32_t at = add_text(f, notes_at, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    at = add_text(f, at, XEN_ELFNOTE_GUEST_OS, "test");
    at = add_text(f, at, XEN_ELFNOTE_PAE_MODE, pae);
    at = add_number(f, at, XEN_ELFNOTE_VIRT_BASE, virt_base);
    at = add_number(f, at, XEN_ELFNOTE_HYPERCALL_PAGE, 0xc0101000);
    Elf32_Phdr segments[] = {{PT_NOTE, notes_at, 0, 0, at - notes_at, at - notes_at, 4, 4},
                             {PT_LOAD, text_at, 0, 0x100000, 0x2000, 0x3000, 5, 4096}};
    f.put(sizeof h, segments, sizeof segments);
    f.put(text_at + 0x1fff, "x", 1);
    return f;
}

std::string parse(File const &f, KernelImage &image)
{
    Module m = f.module();
    ModuleReader reader{m};
    char const *message = "nothing";
    return parse_kernel(reader, KernelRole::control_domain, image, &message).ok() ? "" : message;
}
std::string parse(File const &f)
{
    KernelImage image;
    return parse(f, image);
}

}  // namespace

TEST_CASE("a good kernel is understood")
{
    KernelImage image;
    REQUIRE(parse(good(), image) == "");
    CHECK(image.start == 0xc0100000);
    CHECK(image.end == 0xc0103000);
    CHECK(image.entry == 0xc0100010);
    CHECK(image.hypercall_page == 0xc0101000);
    CHECK(image.virt_base == 0xc0000000);
    CHECK(std::string{image.guest_os} == "test");
    StartOfDay day;
    REQUIRE(lay_out(day, image, KernelRole::control_domain, 0x123456, 16384));
    CHECK(day.initrd == 0xc0103000);
    CHECK(day.p2m == 0xc0227000);
    CHECK(day.start_info == day.p2m + 0x10000);
    CHECK(day.page_tables == day.start_info + 0x1000);
    CHECK(day.stack == day.page_tables + day.table_count() * page_size);
    CHECK(day.end % (4 << 20) == 0);
    CHECK(day.end - day.stack - page_size >= 512u << 10);
    CHECK(day.l1_count == (day.end - day.base) >> 21);
}

TEST_CASE("each bad kernel has its sentence")
{
    using Catch::Matchers::Contains;
    File f = good();
    SECTION("empty") { CHECK_THAT(parse(File{}), Contains("not an ELF file")); }
    SECTION("text")
    {
        f.bytes[0] = '#';
        CHECK_THAT(parse(f), Contains("not an ELF file"));
    }
    SECTION("64 bit")
    {
        f.header().e_ident[EI_CLASS] = ELFCLASS64;
        CHECK_THAT(parse(f), Contains("64-bit"));
    }
    SECTION("another processor")
    {
        f.header().e_machine = EM_ARM;
        CHECK_THAT(parse(f), Contains("not for i386"));
    }
    SECTION("an object file")
    {
        f.header().e_type = ET_REL;
        CHECK_THAT(parse(f), Contains("not an executable"));
    }
    SECTION("no note")
    {
        f.segment(0).p_type = PT_NULL;
        CHECK_THAT(parse(f), Contains("no Xen note"));
    }
    SECTION("no PAE") { CHECK_THAT(parse(good("no")), Contains("does not support PAE")); }
    SECTION("in the hole")
    {
        f.segment(1).p_paddr = 0x3e000000;
        CHECK_THAT(parse(f), Contains("outside of its part"));
    }
    SECTION("based in the hole") { CHECK_THAT(parse(good("yes", 0xf5800000)), Contains("outside of its part")); }
    SECTION("ends in the hole")
    {
        f.segment(1).p_memsz = 0x36000000;
        CHECK_THAT(parse(f), Contains("outside of its part"));
    }
    SECTION("truncated")
    {
        f.bytes.resize(0x1000);
        CHECK_THAT(parse(f), Contains("truncated"));
    }
    SECTION("headers cut off")
    {
        f.header().e_phoff = 0x100000;
        CHECK_THAT(parse(f), Contains("truncated"));
    }
    SECTION("more file than memory")
    {
        f.segment(1).p_memsz = 1;
        CHECK_THAT(parse(f), Contains("make no sense"));
    }
    SECTION("entry elsewhere")
    {
        f.header().e_entry = 0x1000;
        CHECK_THAT(parse(f), Contains("entry point"));
    }
    SECTION("notes cut off")
    {
        f.segment(0).p_filesz = 14;
        CHECK_THAT(parse(f), Contains("run past"));
    }
    SECTION("a note as long as the world")
    {
        std::uint32_t huge = 0xffffffff;
        f.put(notes_at + 4, &huge, 4);
        CHECK_THAT(parse(f), Contains("run past"));
    }
}

TEST_CASE("the last note may claim more than there is, as GRUB's does")
{
    File f = good();
    std::uint32_t more = 12;
    f.put(notes_at + f.segment(0).p_filesz - 16, &more, 4);
    KernelImage image;
    REQUIRE(parse(f, image) == "");
    CHECK(image.hypercall_page == 0xc0101000);
}

TEST_CASE("random bytes in a kernel's headers never lead outside of file and address space")
{
    machine::seed(7);
    File const original = good();
    unsigned accepted = 0;
    for (unsigned round = 0; round < 20000; ++round) {
        File f = original;
        for (unsigned n = 1 + machine::random_word() % 4; n; --n) {
            std::size_t at = machine::random_word() % (n % 2 ? 0x80 : 0x200);
            f.bytes[at] = static_cast<std::uint8_t>(machine::random_word());
        }
        if (machine::random_word() % 8 == 0)
            f.bytes.resize(machine::random_word() % f.bytes.size());
        KernelImage image;
        if (parse(f, image) != "")
            continue;
        ++accepted;
        for (unsigned i = 0; i < image.segment_count; ++i) {
            KernelSegment const &s = image.segments[i];
            REQUIRE(std::uint64_t{s.file_offset} + s.file_bytes <= f.bytes.size());
            REQUIRE(s.file_bytes <= s.bytes);
            REQUIRE(std::uint64_t{s.address} + s.bytes <= hypervisor_virt_start);
            REQUIRE(s.address >= image.virt_base);
        }
        REQUIRE((image.entry >= image.start && image.entry < image.end));
        StartOfDay day;
        std::uint32_t initrd = machine::random_word() >> machine::random_word() % 32;
        if (lay_out(day, image, KernelRole::control_domain, initrd, 1 + machine::random_word() % (1u << 20))) {
            REQUIRE(day.end <= hypervisor_virt_start);
            REQUIRE(day.page_tables > day.start_info);
            REQUIRE(day.end > day.stack);
        }
    }
    CHECK(accepted > 1000);
}
