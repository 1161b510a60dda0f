// SPDX-License-Identifier: MIT
// /dev/xen/gntalloc: pages of a program's that other domains may map. include/pv/sys/gntalloc.h.
//
//   ALLOC_GREF --> a page and its reference, at an index; mmap(2) of the index shows it to the program
//   DEALLOC_GREF, or the file's end --> the page stays until the program's mappings and the other domain's are gone
#include <boost/intrusive/list.hpp>
#include <drivers/xendev/unmap_notify.hpp>
#include <drivers/xendev/xendev.hpp>
#include <kernel/memory/address_space.hpp>
#include <kernel/memory/frames.hpp>
#include <memory>
#include <pv/sys/gntalloc.h>
#include <pvlib/device/grant.hpp>

namespace xendev {
namespace {
using kernel::UserPtr;
constexpr std::uint32_t most_pages = 1024;  // of all files together: Linux's limit
constinit std::uint32_t pages_in_use = 0;

struct SharedPage final : kernel::RefCounted {
    Pfn frame = no_pfn;
    pv::GrantRef grant;
    UnmapNotify notify;
    SharedPage() { ++pages_in_use; }
    ~SharedPage() override
    {
        --pages_in_use;
        if (frame == no_pfn)
            return;
        if (notify.clears())
            static_cast<char *>(kernel::frame_address(frame))[notify.offset] = 0;
        notify.send();
        grant.end();
        kernel::unref_frame(frame);
    }
    static Result<Ref<SharedPage>> make(domid_t other, pv::Access access)
    {
        auto p = TRY(kernel::make_ref<SharedPage>());
        p->frame = TRY(kernel::allocate_user_frame(true));
        p->grant = TRY(pv::GrantRef::to(other, p->frame, access));
        return p;
    }
};

class GntallocFile final : public File {
public:
    using File::File;
    ~GntallocFile() override
    {
        slots_.clear_and_dispose([](Slot *s) { delete s; });
    }
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override;
    Result<Ref<kernel::MemoryObject>> memory_object() override;
    Ref<SharedPage> find(std::uint32_t index) const;

private:
    struct Slot : boost::intrusive::list_base_hook<> {
        std::uint32_t index;
        Ref<SharedPage> page;
    };
    Result<> add(domid_t, pv::Access, grant_ref_t &out);
    void remove(std::uint32_t index);
    Result<std::int32_t> allocate_grants(UserPtr<ioctl_gntalloc_alloc_gref>);
    Result<std::int32_t> deallocate(UserPtr<ioctl_gntalloc_dealloc_gref>);
    Result<std::int32_t> set_notify(UserPtr<ioctl_gntalloc_unmap_notify>);
    bool has(std::uint32_t index, std::uint32_t count) const;

    boost::intrusive::list<Slot, boost::intrusive::constant_time_size<false>> slots_;
    std::uint32_t next_index_ = 0;
};

// What one mmap(2) shows: it keeps its pages, whatever the file does meanwhile.
class Window final : public kernel::MemoryObject {
public:
    Result<> attach(kernel::AddressSpace &, kernel::Region const &r) override
    {
        if (!r.has(kernel::Region::shared))
            return Error::inval;
        auto &file = static_cast<GntallocFile &>(*r.file);
        pages_.reset(new (std::nothrow) Ref<SharedPage>[r.pages()]);
        if (!pages_)
            return Error::nomem;
        first_ = r.first_index;
        for (; count_ < r.pages(); ++count_) {
            pages_[count_] = file.find(first_ + count_);
            if (!pages_[count_])
                return Error::noent;
        }
        return {};
    }
    Result<Pfn> page(std::uint32_t index, bool) override
    {
        if (index - first_ >= count_)
            return Error::nxio;
        auto frame = pages_[index - first_]->frame;
        kernel::ref_frame(frame);
        return frame;
    }
    char const *name() const override { return "/dev/xen/gntalloc"; }

private:
    std::unique_ptr<Ref<SharedPage>[]> pages_;
    std::uint32_t first_ = 0, count_ = 0;
};

Result<Ref<kernel::MemoryObject>> GntallocFile::memory_object()
{
    return Ref<kernel::MemoryObject>{TRY(kernel::make_ref<Window>())};
}

Ref<SharedPage> GntallocFile::find(std::uint32_t index) const
{
    for (auto const &s : slots_)
        if (s.index == index)
            return s.page;
    return {};
}

bool GntallocFile::has(std::uint32_t index, std::uint32_t count) const
{
    for (std::uint32_t i = 0; i < count; ++i)
        if (!find(index + i))
            return false;
    return count != 0;
}

Result<> GntallocFile::add(domid_t other, pv::Access access, grant_ref_t &out)
{
    auto slot = std::unique_ptr<Slot>{new (std::nothrow) Slot};
    if (!slot)
        return Error::nomem;
    slot->page = TRY(SharedPage::make(other, access));
    slot->index = next_index_++;
    out = slot->page->grant.raw();
    slots_.push_back(*slot.release());
    return {};
}

void GntallocFile::remove(std::uint32_t index)
{
    for (auto &s : slots_) {
        if (s.index != index)
            continue;
        slots_.erase(slots_.iterator_to(s));
        delete &s;
        return;
    }
}

Result<std::int32_t> GntallocFile::allocate_grants(UserPtr<ioctl_gntalloc_alloc_gref> argument)
{
    auto q = TRY(argument.read());
    if (q.flags & ~GNTALLOC_FLAG_WRITABLE)
        return Error::inval;
    if (q.count > most_pages - (pages_in_use < most_pages ? pages_in_use : most_pages))
        return Error::nospc;
    auto access = q.flags & GNTALLOC_FLAG_WRITABLE ? pv::Access::writable : pv::Access::read_only;
    auto first = next_index_;
    q.index = std::uint64_t{first} << page_shift;
    auto done = kernel::copy_out(argument.address(), &q, offsetof(ioctl_gntalloc_alloc_gref, gref_ids));
    auto ids = argument.address() + offsetof(ioctl_gntalloc_alloc_gref, gref_ids);
    for (std::uint32_t i = 0; i < q.count && done.ok(); ++i) {
        grant_ref_t ref = 0;
        done = add(q.domid, access, ref);
        if (done.ok())
            done = kernel::copy_out(ids + i * sizeof ref, &ref, sizeof ref);
    }
    if (done.ok())
        return 0;
    for (auto i = first; i < next_index_; ++i)
        remove(i);
    return done.error();
}

Result<std::int32_t> GntallocFile::deallocate(UserPtr<ioctl_gntalloc_dealloc_gref> argument)
{
    auto q = TRY(argument.read());
    auto first = static_cast<std::uint32_t>(q.index >> page_shift);
    if (q.index % page_size != 0 || q.index >> (32 + page_shift) || q.count > most_pages || !has(first, q.count))
        return Error::inval;
    for (std::uint32_t i = 0; i < q.count; ++i)
        remove(first + i);
    return 0;
}

Result<std::int32_t> GntallocFile::set_notify(UserPtr<ioctl_gntalloc_unmap_notify> argument)
{
    auto q = TRY(argument.read());
    auto page = find(static_cast<std::uint32_t>(q.index >> page_shift));
    if (!page || q.index >> (32 + page_shift))
        return Error::noent;
    page->notify = TRY(UnmapNotify::make(q.action, q.index % page_size, page_size, q.event_channel_port));
    return 0;
}

Result<std::int32_t> GntallocFile::ioctl(unsigned command, std::uint32_t argument)
{
    switch (command) {
    case IOCTL_GNTALLOC_ALLOC_GREF: return allocate_grants(UserPtr<ioctl_gntalloc_alloc_gref>{argument});
    case IOCTL_GNTALLOC_DEALLOC_GREF: return deallocate(UserPtr<ioctl_gntalloc_dealloc_gref>{argument});
    case IOCTL_GNTALLOC_SET_UNMAP_NOTIFY: return set_notify(UserPtr<ioctl_gntalloc_unmap_notify>{argument});
    default: return Error::notty;
    }
}
}  // namespace

Result<Ref<File>> open_gntalloc(unsigned flags) { return Ref<File>{TRY(kernel::make_ref<GntallocFile>(flags))}; }
}  // namespace xendev
