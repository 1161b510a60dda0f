// SPDX-License-Identifier: MIT
// Machines that cannot work: each ends in one clear sentence on the console and a non-zero status.
#include "console.hpp"
#include "paths.hpp"
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {
std::string slurp(std::string const &path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>{file}, {}};
}

struct Machine {
    std::string modules;
    std::string memory = "128", cpu = "max,-avx";
};

Outcome boot(Machine const &m)
{
    std::vector<std::string> command{"qemu-system-x86_64",
                                     "-accel",
                                     "tcg",
                                     "-cpu",
                                     m.cpu,
                                     "-m",
                                     m.memory,
                                     "-nodefaults",
                                     "-display",
                                     "none",
                                     "-serial",
                                     "stdio",
                                     "-no-reboot",
                                     "-device",
                                     "isa-debug-exit,iobase=0xf4,iosize=0x04",
                                     "-kernel",
                                     built("hv.elf")};
    if (!m.modules.empty())
        command.insert(command.end(), {"-initrd", m.modules});
    return run_command(command, {}, 60);
}

class Files {
public:
    Files() { fs::create_directories(path_); }
    ~Files() { fs::remove_all(path_); }
    std::string write(std::string const &name, std::string const &bytes) const
    {
        std::ofstream{path_ / name, std::ios::binary} << bytes;
        return (path_ / name).string();
    }

private:
    fs::path path_ = fs::temp_directory_path() / ("lodger-bad-" + std::to_string(getpid()));
};

void check(Outcome const &o, std::initializer_list<char const *> words)
{
    INFO(o.output);
    CHECK(o.status != -1);  // it ended by itself
    CHECK(o.status != 0);
    for (auto word : words)
        CHECK(o.output.find(word) != std::string::npos);
}

// Behind it the file only has what debuggers read.
std::size_t end_of_segments(std::string const &image)
{
    auto e = reinterpret_cast<Elf32_Ehdr const *>(image.data());
    auto ph = reinterpret_cast<Elf32_Phdr const *>(image.data() + e->e_phoff);
    std::size_t end = 0;
    for (int i = 0; i < e->e_phnum; ++i)
        if (ph[i].p_type == PT_LOAD)
            end = std::max<std::size_t>(end, ph[i].p_offset + ph[i].p_filesz);
    return end;
}

template <class Change>
std::string changed(std::string image, Change change)
{
    change(reinterpret_cast<Elf32_Ehdr *>(image.data()), image);
    return image;
}
}  // namespace

TEST_CASE("a bad kernel module is refused by name", "[bad]")
{
    Files files;
    auto const kernel = slurp(built("guestos-pv-x86.elf"));
    auto const initrd = built("initrd.cpio.gz");
    auto with = [&](std::string const &path) { return boot({path + "," + initrd}); };

    check(boot({}), {"no module", "kernel"});
    check(with(files.write("text", "not a kernel\n")), {"not an ELF"});
    check(with(files.write("wide", changed(kernel, [](Elf32_Ehdr *e, auto &) { e->e_ident[EI_CLASS] = ELFCLASS64; }))),
          {"64-bit"});
    check(with(files.write("noteless",
                           changed(kernel,
                                   [](Elf32_Ehdr *e, std::string &image) {
                                       auto ph = reinterpret_cast<Elf32_Phdr *>(image.data() + e->e_phoff);
                                       for (int i = 0; i < e->e_phnum; ++i)
                                           if (ph[i].p_type == PT_NOTE)
                                               ph[i].p_type = PT_NULL;
                                   }))),
          {"Xen note"});
    check(with(files.write("hole",
                           changed(kernel,
                                   [](Elf32_Ehdr *e, std::string &image) {
                                       auto ph = reinterpret_cast<Elf32_Phdr *>(image.data() + e->e_phoff);
                                       for (int i = 0; i < e->e_phnum; ++i)
                                           if (ph[i].p_type == PT_LOAD)
                                               ph[i].p_vaddr += 0x3d00'0000;
                                   }))),
          {"the kernel claims memory", "0xf5800000"});
    check(with(files.write("short", kernel.substr(0, end_of_segments(kernel) - 1))), {"truncated"});
}

TEST_CASE("a bad initrd is named", "[bad]")
{
    Files files;
    auto const kernel = built("guestos-pv-x86.elf");
    auto const initrd = slurp(built("initrd.cpio.gz"));
    check(boot({kernel + "," + files.write("cut", initrd.substr(0, initrd.size() / 2))}), {"initrd"});
    check(boot({kernel + "," + files.write("large", std::string(90u << 20, 'x')), "96"}), {"memory"});
}

TEST_CASE("a machine that is too small or too old says so", "[bad]")
{
    auto const modules = built("guestos-pv-x86.elf") + "," + built("initrd.cpio.gz");
    check(boot({modules, "16"}), {"memory"});
    check(boot({modules, "128", "486"}), {"PAE"});
}
