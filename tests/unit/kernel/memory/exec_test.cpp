// SPDX-License-Identifier: MIT
// ELF headers and script lines from hostile files, and the buffers of read and write.
#include "world.hpp"
#include <catch2/catch.hpp>
#include <cstring>
#include <kernel/process/exec.hpp>
#include <string>
#include <vector>

using namespace kernel;

namespace {
struct Headers {
    Elf32_Ehdr header{};
    std::vector<Elf32_Phdr> segments;
    Headers()
    {
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS32;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_type = ET_EXEC;
        header.e_machine = EM_386;
        header.e_phoff = sizeof header;
        header.e_phentsize = sizeof(Elf32_Phdr);
        header.e_phnum = 3;
        header.e_entry = 0x0804'9000;
        segments.push_back({PT_LOAD, 0, 0x0804'8000, 0, 0x800, 0x800, PF_R, 4096});
        segments.push_back({PT_LOAD, 0x1000, 0x0804'9000, 0, 0x1234, 0x1234, PF_R | PF_X, 4096});
        segments.push_back({PT_LOAD, 0x2f00, 0x0804'cf00, 0, 0x200, 0x3000, PF_R | PF_W, 4096});
    }
    Error check() const
    {
        Elf32_Ehdr copy;
        return check_elf_header(std::as_bytes(std::span{&header, 1}), copy).error();
    }
    Result<ElfImage> read() const { return read_elf_image(header, segments); }
};
}  // namespace

TEST_CASE("an ordinary program")
{
    Headers h;
    REQUIRE(h.check() == Error::none);
    auto image = h.read();
    REQUIRE(image.ok());
    auto const &i = image.value();
    CHECK(i.start == Vaddr{0x0804'8000});
    CHECK(i.end == Vaddr{0x0805'0000});
    CHECK(i.headers == Vaddr{0x0804'8000 + sizeof(Elf32_Ehdr)});
    CHECK(i.start_code == Vaddr{0x0804'9000});
    CHECK(i.end_code == Vaddr{0x0804'a234});
    CHECK(i.end_data == Vaddr{0x0804'd100});
    CHECK(i.end_bss == Vaddr{0x0804'ff00});
    CHECK(i.stack == StackKind::not_said);
    CHECK(!i.position_independent);
}

TEST_CASE("files that are no i386 program")
{
    auto refused = [](auto change) {
        Headers h;
        change(h);
        return h.check() == Error::noexec;
    };
    CHECK(refused([](Headers &h) { h.header.e_ident[0] = 0; }));
    CHECK(refused([](Headers &h) { h.header.e_ident[EI_CLASS] = ELFCLASS64; }));
    CHECK(refused([](Headers &h) { h.header.e_ident[EI_DATA] = ELFDATA2MSB; }));
    CHECK(refused([](Headers &h) { h.header.e_machine = EM_X86_64; }));
    CHECK(refused([](Headers &h) { h.header.e_machine = EM_ARM; }));
    CHECK(refused([](Headers &h) { h.header.e_type = ET_REL; }));
    CHECK(refused([](Headers &h) { h.header.e_phentsize = 56; }));
    CHECK(refused([](Headers &h) { h.header.e_phnum = 0; }));
    CHECK(refused([](Headers &h) { h.header.e_phnum = 0xffff; }));
    Elf32_Ehdr out;
    CHECK(check_elf_header({}, out).error() == Error::noexec);
}

TEST_CASE("program headers that lie")
{
    auto refused = [](auto change) {
        Headers h;
        change(h);
        return h.read().error() == Error::noexec;
    };
    CHECK(refused([](Headers &h) { h.segments.clear(); }));
    CHECK(refused([](Headers &h) { h.segments[0].p_filesz = 0x900; }));
    CHECK(refused([](Headers &h) { h.segments[2].p_memsz = 0xffff'ffff; }));
    CHECK(refused([](Headers &h) { h.segments[2].p_memsz = 0xc000'0000; }));
    CHECK(refused([](Headers &h) { h.segments[1].p_vaddr = 0xbfff'f000; }));
    CHECK(refused([](Headers &h) { h.segments[1].p_vaddr = 0xf000'0000; }));
    CHECK(refused([](Headers &h) { h.segments[1].p_offset += 1; }));
    CHECK(refused([](Headers &h) { h.segments[1].p_offset = 0xffff'f000; }));
    CHECK(refused([](Headers &h) { h.segments[1].p_vaddr = 0x0804'8000; }));
    CHECK(refused([](Headers &h) { h.segments[0] = {PT_INTERP, 0, 0, 0, 1, 1, 0, 0}; }));
    CHECK(refused([](Headers &h) { h.segments[0] = {PT_INTERP, 0, 0, 0, 5000, 0, 0, 0}; }));
}

TEST_CASE("random headers are refused or stay inside user space")
{
    std::mt19937 random{5};
    unsigned accepted = 0;
    for (unsigned i = 0; i < 200000; ++i) {
        Headers h;
        for (unsigned n = 1 + random() % 3; n; --n) {
            auto &s = h.segments[random() % 3];
            std::uint32_t words[8];
            std::memcpy(words, &s, sizeof s);
            auto &w = words[random() % 8];
            switch (random() % 4) {
            case 0: w = static_cast<std::uint32_t>(random()); break;
            case 1: w ^= 1u << random() % 32; break;
            case 2: w += static_cast<std::uint32_t>(random() % 3 - 1) << 12; break;
            default: w = 0u - static_cast<std::uint32_t>(random() % 8192);
            }
            std::memcpy(&s, words, sizeof s);
        }
        h.header.e_phoff = static_cast<std::uint32_t>(random()) >> random() % 32;
        auto image = h.read();
        if (!image.ok())
            continue;
        ++accepted;
        auto const &m = image.value();
        bool sane = m.start < m.end && m.end <= arch::user_limit && m.end_data <= m.end && m.end_bss <= m.end
            && m.start_data >= m.start && m.headers <= m.end && m.interpreter_bytes <= 4096;
        if (!sane)
            FAIL("headers accepted that do not fit");
    }
    CHECK(accepted > 1000);
}

namespace {
std::string script(std::string text)
{
    text.resize(std::min<std::size_t>(text.size(), script_line_bytes));
    std::vector<char> line(text.begin(), text.end());
    line.push_back('X');
    auto parsed = parse_script_line(line.data(), text.size());
    if (!parsed.ok())
        return parsed.error() == Error::noexec ? "refused" : "other";
    std::string result = parsed.value().interpreter;
    if (parsed.value().argument)
        result = result + "|" + parsed.value().argument;
    return result;
}
}  // namespace

TEST_CASE("script lines")
{
    CHECK(script("#!/bin/sh\necho") == "/bin/sh");
    CHECK(script("#!/bin/sh") == "/bin/sh");
    CHECK(script("#! \t/bin/sh -e \t\n") == "/bin/sh|-e");
    CHECK(script("#!/usr/bin/env  python3 -u  x\n") == "/usr/bin/env|python3 -u  x");
    CHECK(script("#!\n/bin/sh") == "refused");
    CHECK(script("#!   \n") == "refused");
    CHECK(script("#!") == "refused");
    CHECK(script("#") == "refused");
    CHECK(script(std::string("#!/a\0b c\n", 9)) == "/a");
    CHECK(script("#!/" + std::string(400, 'x') + "\n") == "refused");
    CHECK(script("#!/bin/sh " + std::string(400, 'x') + "\n") == "/bin/sh|" + std::string(script_line_bytes - 10, 'x'));
}

TEST_CASE("buffers of read and write")
{
    world::begin();
    alignas(16) static char user[64];
    auto base = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(user));
    IoBuffer::Segment const segments[] = {{base, 10}, {base + 20, 0}, {base + 30, 5}};
    auto b = IoBuffer::vector(segments, 3, 15);
    CHECK(b.put("0123456789abcdefgh", 18).value() == 15);
    CHECK(b.left() == 0);
    CHECK(std::string(user, 10) == "0123456789");
    CHECK(std::string(user + 30, 5) == "abcde");
    CHECK(b.put("x", 1).value() == 0);

    world::bad_address = base + 6;
    auto partial = IoBuffer::user(Vaddr{base}, 20);
    char out[20];
    CHECK(partial.get(out, 20).value() == 6);
    CHECK(partial.left() == 14);
    CHECK(partial.get(out, 20).error() == Error::fault);
    CHECK(partial.zero(3).error() == Error::fault);
    world::bad_address = ~0u;
    CHECK(partial.zero(3).value() == 3);
    CHECK(partial.left() == 11);

    CHECK(IoBuffer::user(Vaddr{0xbfff'fff0}, 16).check().ok());
    CHECK(IoBuffer::user(Vaddr{0xbfff'fff0}, 17).check().error() == Error::fault);
    CHECK(IoBuffer::user(Vaddr{0xffff'fff0}, 64).check().error() == Error::fault);
    CHECK(IoBuffer::kernel(user, sizeof user).check().ok());
    CHECK(copy_in(out, Vaddr{0xc000'0000}, 1).error() == Error::fault);
    CHECK(copy_out(Vaddr{0xbfff'ffff}, out, 2).error() == Error::fault);
}
