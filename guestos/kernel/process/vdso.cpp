// SPDX-License-Identifier: MIT
// vdso(7) as two mappings of every program, with the names that Linux gives them.
#include <arch/vdso.hpp>
#include <kernel/fs/file.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/memory/mman.hpp>
#include <kernel/process/vdso.hpp>

namespace kernel {
namespace {
class VdsoPages final : public MemoryObject {
public:
    VdsoPages(char const *name, unsigned first) : name_{name}, first_{first} {}
    Result<Pfn> page(std::uint32_t index, bool) override
    {
        auto frame = resident_page(index);
        if (frame == no_pfn)
            return Error::nxio;
        ref_frame(frame);
        return frame;
    }
    Pfn resident_page(std::uint32_t index) override
    {
        auto last = first_ == 0 ? 0 : arch::vdso_image_pages - 1;
        return index <= last ? arch::vdso_frame(first_ + index) : no_pfn;
    }
    char const *name() const override { return name_; }

private:
    char const *name_;
    unsigned first_;
};

Result<> map_pages(AddressSpace &space, Vaddr at, unsigned pages, std::uint32_t prot, VdsoPages *object)
{
    MapRequest q{.address = at,
                 .bytes = pages << page_shift,
                 .prot = prot,
                 .flags = map_private | map_fixed,
                 .file = {},
                 .offset = 0,
                 .object = Ref<MemoryObject>{object}};
    TRY(space.map(q));
    space.map_expected(at, true);
    return {};
}
}  // namespace

Vaddr stack_end() { return arch::vdso_data; }

Result<> map_vdso(AddressSpace &space)
{
    static VdsoPages *data, *image;  // made once, and never given up
    if (!data)
        data = TRY(make_ref<VdsoPages>("[vvar]", 0u)).release();
    if (!image)
        image = TRY(make_ref<VdsoPages>("[vdso]", 1u)).release();
    TRY(map_pages(space, arch::vdso_data, 1, page_read, data));
    return map_pages(space, arch::vdso_image, arch::vdso_image_pages, page_read | page_exec, image);
}
}  // namespace kernel
