// SPDX-License-Identifier: MIT
// /dev/xen/hypercall: mmap(2) gives memory whose frames are in place, stay in place, and stay with the process that mapped them, so
// that hypercalls may point to it. Closing the mapping gives them back.
#include <drivers/xendev/xendev.hpp>
#include <kernel/memory/address_space.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/memory/reclaim.hpp>
#include <memory>

namespace xendev {
namespace {
// All frames are taken at once: more than there are is a refusal, not a reason to kill somebody.
Result<> check_room(std::uint32_t pages)
{
    auto free = kernel::frame_counts().free;
    if (pages > free)
        (void)kernel::reclaim_frames(pages - free);
    return pages <= kernel::frame_counts().free ? Result<>{} : Result<>{Error::nomem};
}

// The frames live as long as the mapping, whose entries hold references of their own.
class HypercallMemory final : public kernel::MemoryObject {
public:
    ~HypercallMemory() override
    {
        for (std::uint32_t i = 0; i < count_; ++i)
            if (frames_[i] != no_pfn)
                kernel::unref_frame(frames_[i]);
    }
    Result<> attach(kernel::AddressSpace &, kernel::Region const &r) override
    {
        auto pages = r.pages();
        TRY(check_room(pages));
        frames_.reset(new (std::nothrow) Pfn[pages]);
        if (!frames_)
            return Error::nomem;
        count_ = pages;
        for (std::uint32_t i = 0; i < pages; ++i)
            frames_[i] = no_pfn;
        first_ = r.first_index;
        return {};
    }
    Result<Pfn> page(std::uint32_t index, bool) override
    {
        index -= first_;
        if (index >= count_)
            return Error::nxio;
        if (frames_[index] == no_pfn)
            frames_[index] = TRY(kernel::allocate_user_frame(true));
        kernel::ref_frame(frames_[index]);
        return frames_[index];
    }
    bool is_resident() const override { return true; }
    char const *name() const override { return "/dev/xen/hypercall"; }

private:
    std::unique_ptr<Pfn[]> frames_;
    std::uint32_t count_ = 0, first_ = 0;
};

class HypercallFile final : public File {
public:
    using File::File;
    Result<Ref<kernel::MemoryObject>> memory_object() override
    {
        return Ref<kernel::MemoryObject>{TRY(kernel::make_ref<HypercallMemory>())};
    }
};
}  // namespace

Result<Ref<File>> open_hypercall(unsigned flags)
{
    if (!is_administrator())
        return Error::perm;
    return Ref<File>{TRY(kernel::make_ref<HypercallFile>(flags))};
}
}  // namespace xendev
