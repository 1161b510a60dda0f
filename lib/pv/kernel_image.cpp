// SPDX-License-Identifier: MIT
// System V ABI, chapters 4 and 5 ("ELF Header", "Program Header", "Note Section"); structures from <elf.h>.
#include <cstring>
#include <elf.h>
#include <lib/addr.hpp>
#include <lib/pv/kernel_image.hpp>
#include <pv/arch-x86_32.h>
#include <pv/elfnote.h>
#include <pv/features.h>

namespace {
constexpr std::uint32_t hypervisor_virt_start = HYPERVISOR_VIRT_START;

struct Notes {
    bool any;
    std::uint64_t entry, hypercall_page, virt_base, paddr_offset, hv_start_low, mod_start_pfn, supported_features;
    bool has_entry, has_supported_features;
    char xen_version[32], loader[32], pae_mode[32], features[256];
};

Result<> refuse(char const **message, char const *why)
{
    *message = why;
    return Error::noexec;
}

Result<> check_header(Elf32_Ehdr const &h, char const **message)
{
    if (h.e_ident[EI_CLASS] == ELFCLASS64)
        return refuse(message, "the kernel is a 64-bit ELF file: build it for i386 (-m32)");
    if (h.e_ident[EI_CLASS] != ELFCLASS32 || h.e_ident[EI_DATA] != ELFDATA2LSB || h.e_machine != EM_386)
        return refuse(message, "the kernel is an ELF file, but not for i386");
    if (h.e_type != ET_EXEC)
        return refuse(message, "the kernel is an ELF file, but not an executable with fixed addresses");
    if (h.e_phentsize != sizeof(Elf32_Phdr) || h.e_phnum == 0 || h.e_phnum > 64)
        return refuse(message, "the kernel's ELF program headers make no sense");
    return {};
}

struct Note {
    KernelBytes const &file;
    std::uint32_t type, value_at, value_bytes;

    void text(char *to, std::uint32_t bytes) const
    {
        std::uint32_t n = value_bytes < bytes - 1 ? value_bytes : bytes - 1;
        to[file.read(to, value_at, n) ? n : 0] = 0;
    }
    std::uint64_t number() const
    {
        std::uint64_t value = 0;
        if (value_bytes != 4 && value_bytes != 8)
            return 0;
        return file.read(&value, value_at, value_bytes) ? value : 0;
    }
};

void take_note(Note const &note, Notes &n, KernelImage &image)
{
    n.any = true;
    switch (note.type) {
    case XEN_ELFNOTE_ENTRY:
        n.entry = note.number();
        n.has_entry = true;
        break;
    case XEN_ELFNOTE_HYPERCALL_PAGE: n.hypercall_page = note.number(); break;
    case XEN_ELFNOTE_VIRT_BASE: n.virt_base = note.number(); break;
    case XEN_ELFNOTE_PADDR_OFFSET: n.paddr_offset = note.number(); break;
    case XEN_ELFNOTE_HV_START_LOW: n.hv_start_low = note.number(); break;
    case XEN_ELFNOTE_MOD_START_PFN: n.mod_start_pfn = note.number(); break;
    case XEN_ELFNOTE_SUPPORTED_FEATURES:
        n.supported_features = note.number();
        n.has_supported_features = true;
        break;
    case XEN_ELFNOTE_XEN_VERSION: note.text(n.xen_version, sizeof n.xen_version); break;
    case XEN_ELFNOTE_LOADER: note.text(n.loader, sizeof n.loader); break;
    case XEN_ELFNOTE_PAE_MODE: note.text(n.pae_mode, sizeof n.pae_mode); break;
    case XEN_ELFNOTE_FEATURES: note.text(n.features, sizeof n.features); break;
    case XEN_ELFNOTE_GUEST_OS: note.text(image.guest_os, sizeof image.guest_os); break;
    default: break;  // INIT_P2M, SUSPEND_CANCEL, ...: nothing here depends on them
    }
}

std::uint32_t align4(std::uint32_t n) { return (n + 3) & ~3u; }

// Each round moves on by at least a header, so a bad file ends the loop, never the hypervisor.
Result<> read_notes(KernelBytes const &file, Elf32_Phdr const &segment, Notes &notes, KernelImage &image,
                    char const **message)
{
    std::uint64_t at = segment.p_offset, end = at + segment.p_filesz;
    while (at + sizeof(Elf32_Nhdr) <= end) {
        Elf32_Nhdr h;
        char name[4] = {};
        if (!file.read(&h, at, sizeof h) || h.n_namesz > segment.p_filesz || h.n_descsz > segment.p_filesz)
            return refuse(message, "the kernel's ELF notes run past their segment");
        std::uint64_t value_at = at + sizeof h + align4(h.n_namesz);
        if (value_at > end)
            return refuse(message, "the kernel's ELF notes run past their segment");
        // GRUB's last one claims more than there is, and is understood by what there is.
        if (value_at + h.n_descsz > end)
            h.n_descsz = static_cast<std::uint32_t>(end - value_at);
        if (h.n_namesz == 4 && file.read(name, at + sizeof h, 4) && memcmp(name, "Xen", 4) == 0)
            take_note({file, h.n_type, static_cast<std::uint32_t>(value_at), h.n_descsz}, notes, image);
        at = value_at + align4(h.n_descsz);
    }
    return {};
}

bool contains(char const *text, char const *word)
{
    for (; *text; ++text)
        if (strncmp(text, word, strlen(word)) == 0)
            return true;
    return false;
}

Result<> check_notes(Notes const &n, KernelRole role, char const **message)
{
    if (!n.any)
        return refuse(message, "the kernel has no Xen note: it is not built for a paravirtual machine");
    if (n.xen_version[0] && strcmp(n.xen_version, "xen-3.0") != 0)
        return refuse(message, "the kernel's notes ask for another Xen interface than xen-3.0");
    if (n.loader[0] && strcmp(n.loader, "generic") != 0)
        return refuse(message, "the kernel's notes ask for another loader than \"generic\"");
    if (strncmp(n.pae_mode, "yes", 3) != 0 && strncmp(n.pae_mode, "bimodal", 7) != 0)
        return refuse(message, "the kernel does not support PAE page tables (its PAE_MODE note is not \"yes\")");
    if (contains(n.features, "!auto_translated_physmap") || contains(n.features, "!supervisor_mode_kernel"))
        return refuse(message, "the kernel requires a feature that this hypervisor does not have");
    if (role == KernelRole::control_domain && n.has_supported_features && !(n.supported_features & 1u << XENFEAT_dom0))
        return refuse(message, "the kernel's notes say that it cannot be domain 0");
    if (n.hv_start_low > hypervisor_virt_start)
        return refuse(message, "the kernel needs the hypervisor to begin above 0xf5800000");
    return {};
}

Result<> add_segment(KernelBytes const &file, Elf32_Phdr const &p, Notes const &n, KernelImage &image,
                     char const **message)
{
    if (p.p_memsz == 0)
        return {};
    if (std::uint64_t{p.p_offset} + p.p_filesz > file.size())
        return refuse(message, "the kernel is truncated: a segment ends beyond the file's end");
    if (p.p_memsz < p.p_filesz || image.segment_count == KernelImage::max_segments)
        return refuse(message, "the kernel's ELF program headers make no sense");
    std::uint64_t start = p.p_paddr - n.paddr_offset + n.virt_base;
    if (start < n.virt_base || start > hypervisor_virt_start || start + p.p_memsz > hypervisor_virt_start
        || std::uint64_t{p.p_vaddr} + p.p_memsz > hypervisor_virt_start)
        return refuse(message,
                      "the kernel claims memory outside of its part of the address space "
                      "(its virtual base up to 0xf5800000)");
    auto address = static_cast<std::uint32_t>(start);
    image.segments[image.segment_count++] = {address, p.p_offset, p.p_filesz, p.p_memsz};
    image.start = address < image.start ? address : image.start;
    image.end = address + p.p_memsz > image.end ? address + p.p_memsz : image.end;
    return {};
}

Result<> check_addresses(Notes const &n, std::uint32_t header_entry, KernelImage &image, char const **message)
{
    if (image.segment_count == 0)
        return refuse(message, "the kernel has nothing to load");
    std::uint64_t entry = n.has_entry ? n.entry : header_entry;
    if (entry < image.start || entry >= image.end)
        return refuse(message, "the kernel's entry point lies outside of what it loads");
    if (n.virt_base & ~std::uint64_t{page_mask})
        return refuse(message, "the kernel's virtual base is not on a page boundary");
    if (n.hypercall_page
        && ((n.hypercall_page & 0xfff) || n.hypercall_page < image.start || n.hypercall_page + page_size > image.end))
        return refuse(message, "the kernel's hypercall page lies outside of what it loads");
    image.virt_base = static_cast<std::uint32_t>(n.virt_base);
    image.entry = static_cast<std::uint32_t>(entry);
    image.hypercall_page = static_cast<std::uint32_t>(n.hypercall_page);
    image.initrd_by_frame = n.mod_start_pfn != 0;
    return {};
}

// Calls `visit` on every program header of one type.
template <class Visit>
Result<> for_each_header(KernelBytes const &file, Elf32_Ehdr const &h, std::uint32_t type, char const **message,
                         Visit visit)
{
    for (unsigned i = 0; i < h.e_phnum; ++i) {
        Elf32_Phdr p;
        if (!file.read(&p, std::uint64_t{h.e_phoff} + i * sizeof p, sizeof p))
            return refuse(message, "the kernel is truncated: its program headers lie beyond the file's end");
        if (p.p_type == type)
            TRY(visit(p));
    }
    return {};
}

}  // namespace

Result<> parse_kernel(KernelBytes const &file, KernelRole role, KernelImage &image, char const **message)
{
    Elf32_Ehdr h;
    if (!file.read(&h, 0, sizeof h) || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(message, "the kernel is not an ELF file");
    TRY(check_header(h, message));
    static Notes notes;  // too much for the stack of ring 0; one caller at a time
    notes = {};
    image = {};
    image.start = ~0u;
    TRY(for_each_header(file, h, PT_NOTE, message,
                        [&](Elf32_Phdr const &p) { return read_notes(file, p, notes, image, message); }));
    TRY(check_notes(notes, role, message));
    TRY(for_each_header(file, h, PT_LOAD, message,
                        [&](Elf32_Phdr const &p) { return add_segment(file, p, notes, image, message); }));
    return check_addresses(notes, h.e_entry, image, message);
}
