// SPDX-License-Identifier: MIT
// Finds the user's program, sees whether it can run on an i386 Linux, and collects what it needs.
#include "lodger.hpp"
#include <algorithm>
#include <elf.h>
#include <fstream>
#include <iterator>
#include <set>
#include <unistd.h>

namespace lodger {
namespace {
struct Image {
    std::string interpreter;  // "": static
    std::vector<std::string> needed;
};

std::string slurp(fs::path const &path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw Failure{path.string() + ": cannot be read; check its permissions", status_not_runnable};
    return {std::istreambuf_iterator<char>{file}, {}};
}

template <class T>
T const *at(std::string const &bytes, std::size_t offset, std::size_t count = 1)
{
    if (offset > bytes.size() || count > (bytes.size() - offset) / sizeof(T))
        return nullptr;
    return reinterpret_cast<T const *>(bytes.data() + offset);
}

std::uint32_t file_offset(std::string const &bytes, Elf32_Ehdr const &header, std::uint32_t address)
{
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        auto ph = at<Elf32_Phdr>(bytes, header.e_phoff + i * sizeof(Elf32_Phdr));
        if (ph && ph->p_type == PT_LOAD && address >= ph->p_vaddr && address - ph->p_vaddr < ph->p_filesz)
            return address - ph->p_vaddr + ph->p_offset;
    }
    return ~0u;
}

std::string text_at(std::string const &bytes, std::size_t offset)
{
    return offset < bytes.size() ? std::string{bytes.c_str() + offset} : std::string{};
}

void read_dynamic(std::string const &bytes, Elf32_Ehdr const &header, Elf32_Phdr const &dynamic, Image &image)
{
    std::uint32_t strings = ~0u;
    std::vector<std::uint32_t> names;
    for (std::size_t i = 0; i < dynamic.p_filesz / sizeof(Elf32_Dyn); ++i) {
        auto d = at<Elf32_Dyn>(bytes, dynamic.p_offset + i * sizeof(Elf32_Dyn));
        if (!d || d->d_tag == DT_NULL)
            break;
        if (d->d_tag == DT_STRTAB)
            strings = file_offset(bytes, header, d->d_un.d_ptr);
        if (d->d_tag == DT_NEEDED)
            names.push_back(d->d_un.d_val);
    }
    if (strings == ~0u)
        return;
    for (auto name : names)
        image.needed.push_back(text_at(bytes, std::size_t{strings} + name));
}

Image inspect(fs::path const &path)
{
    std::string bytes = slurp(path);
    if (bytes.starts_with("#!"))
        return {};
    auto ident = reinterpret_cast<unsigned char const *>(bytes.data());
    auto refuse = [&](char const *what) { throw Failure{path.string() + ": " + what, status_not_runnable}; };
    if (bytes.size() < EI_NIDENT || !bytes.starts_with(ELFMAG))
        refuse("neither an ELF program nor a script; give an i386 Linux program");
    if (ident[EI_CLASS] == ELFCLASS64)
        refuse("a 64-bit program; the guest is an i386 machine: build it with -m32 or take Debian's i386 package");
    auto header = at<Elf32_Ehdr>(bytes, 0);
    if (!header || ident[EI_CLASS] != ELFCLASS32)
        refuse("its ELF header is cut short");
    if (header->e_machine != EM_386)
        refuse("built for another processor; the guest is an i386 machine");
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        refuse("an ELF file, but not a program");
    Image image;
    for (unsigned i = 0; i < header->e_phnum; ++i) {
        auto ph = at<Elf32_Phdr>(bytes, header->e_phoff + i * sizeof(Elf32_Phdr));
        if (!ph)
            refuse("its program headers are cut short");
        if (ph->p_type == PT_LOAD && !at<char>(bytes, ph->p_offset, ph->p_filesz))
            refuse("cut short: copy it again");
        if (ph->p_type == PT_INTERP)
            image.interpreter = text_at(bytes, ph->p_offset);
        if (ph->p_type == PT_DYNAMIC)
            read_dynamic(bytes, *header, *ph, image);
    }
    return image;
}

// Executable files placed by --file may be data all the same: only real i386 ELF files bring their libraries along.
bool is_elf32(fs::path const &path)
{
    std::ifstream file(path, std::ios::binary);
    char ident[EI_NIDENT] = {};
    file.read(ident, sizeof ident);
    return std::string_view{ident, SELFMAG} == ELFMAG && ident[EI_CLASS] == ELFCLASS32;
}

// Where shared objects for the guest come from: the root file system that a program lies in (a folder with such folders below),
// Debian's i386 packages as the build unpacked them, then this machine's own.
constexpr char const *library_folders[] = {"lib/i386-linux-gnu", "usr/lib/i386-linux-gnu", "lib", "usr/lib", "lib32",
                                           "usr/lib32"};

class Libraries {
public:
    explicit Libraries(fs::path const &images) : roots_{images / "root-test", "/"} {}

    void also_from_around(fs::path const &program)
    {
        std::error_code ignored;
        fs::path top;  // the outermost: ROOT, not ROOT/usr
        for (auto at = fs::absolute(program).parent_path(); at != at.root_path(); at = at.parent_path())
            if (fs::is_directory(at / "lib/i386-linux-gnu", ignored))
                top = at;
        if (!top.empty() && std::find(roots_.begin(), roots_.end(), top) == roots_.end())
            roots_.insert(roots_.begin(), top);
    }

    void add_with_needs(Image const &image, fs::path const &program, std::vector<Placement> &out)
    {
        if (!image.interpreter.empty())
            add(fs::path{image.interpreter}.filename().string(), image.interpreter, program, out);
        for (auto const &name : image.needed)
            add(name, "/lib/i386-linux-gnu/" + name, program, out);
    }

private:
    void add(std::string const &name, std::string const &guest, fs::path const &for_whom, std::vector<Placement> &out)
    {
        if (!seen_.insert(name).second)
            return;
        auto found = find(name);
        if (found.empty())
            throw Failure{for_whom.string() + ": needs the shared object " + name
                              + ", which is not here; run `make initrd-test`, or link the program with -static",
                          status_not_runnable};
        out.push_back({guest, found});
        add_with_needs(inspect(found), found, out);
    }

    fs::path find(std::string const &name) const
    {
        for (auto const &root : roots_)
            for (auto folder : library_folders) {
                auto candidate = root / folder / name;
                std::error_code ignored;
                if (!fs::is_regular_file(candidate, ignored))
                    continue;
                if (is_elf32(candidate))
                    return candidate;
            }
        return {};
    }

    std::vector<fs::path> roots_;
    std::set<std::string> seen_;
};

std::string absolute_guest_path(std::string const &path, char const *option)
{
    if (!path.starts_with('/'))
        throw Failure{std::string{option} + ": the guest's path " + path + " must begin with /"};
    return fs::path{path}.lexically_normal().string();
}
}  // namespace

std::vector<Placement> plan_files(Options const &options)
{
    std::vector<Placement> out;
    for (auto const &spec : options.files) {
        auto colon = spec.rfind(':');
        if (colon == std::string::npos || colon == 0)
            throw Failure{"--file " + spec + ": write HOST:GUEST, for example --file data.txt:/tmp/data.txt"};
        fs::path host = spec.substr(0, colon);
        if (!fs::exists(host))
            throw Failure{"--file: " + host.string() + " does not exist"};
        out.push_back({absolute_guest_path(spec.substr(colon + 1), "--file"), host});
    }
    return out;
}

Program plan_program(Options const &options)
{
    Program plan{options.program, plan_files(options)};
    Libraries libraries{options.images};
    auto const named = plan.files;
    for (auto const &file : named)
        if (fs::is_regular_file(file.host) && access(file.host.c_str(), X_OK) == 0 && is_elf32(file.host)) {
            libraries.also_from_around(file.host);
            libraries.add_with_needs(inspect(file.host), file.host, plan.files);
        }

    std::string const &name = options.program.front();
    if (name.find('/') == std::string::npos)
        return plan;  // a command of the guest's
    for (auto const &file : plan.files)
        if (file.guest == name)
            return plan;  // placed by --file
    if (!fs::exists(name)) {
        if (name.starts_with('/'))
            return plan;  // perhaps the guest has it: init will say
        throw Failure{name + ": no such program on this machine", status_not_found};
    }
    if (fs::is_directory(name))
        throw Failure{name + ": a folder, not a program", status_not_runnable};
    if (access(name.c_str(), X_OK) != 0)
        throw Failure{name + ": not executable; `chmod +x` it first", status_not_runnable};
    auto image = inspect(name);
    libraries.also_from_around(name);
    std::string guest = "/lodger/" + fs::path{name}.filename().string();
    plan.files.push_back({guest, name});
    libraries.add_with_needs(image, name, plan.files);
    plan.arguments.front() = guest;
    return plan;
}
}  // namespace lodger
