// SPDX-License-Identifier: MIT
#include <drivers/xendev/gntdev.hpp>
#include <kernel/process/process.hpp>

namespace xendev {
using kernel::UserPtr;

Result<Ref<GrantMap>> GrantMap::make(std::uint32_t count)
{
    auto m = TRY(kernel::make_ref<GrantMap>());
    m->count = count;
    m->refs.reset(new (std::nothrow) ioctl_gntdev_grant_ref[count]);
    m->handles.reset(new (std::nothrow) grant_handle_t[count]);
    if (!m->refs || !m->handles)
        return Error::nomem;
    for (std::uint32_t i = 0; i < count; ++i)
        m->handles[i] = not_mapped;
    return m;
}

GntdevFile::~GntdevFile()
{
    while (maps_)
        std::exchange(maps_, maps_->next)->unref();
}

Result<Ref<kernel::MemoryObject>> GntdevFile::memory_object() { return make_grant_window(); }

Ref<GrantMap> GntdevFile::find(std::uint32_t index, std::uint32_t count) const
{
    for (auto m = maps_; m; m = m->next)
        if (m->index == index && m->count == count)
            return Ref<GrantMap>{m};
    return {};
}

// The first gap. The list is by index.
std::uint32_t GntdevFile::free_index(std::uint32_t count) const
{
    std::uint32_t at = 0;
    for (auto m = maps_; m && m->index - at < count; m = m->next)
        at = m->index + m->count;
    return at;
}

Result<std::int32_t> GntdevFile::map(std::uint32_t argument)
{
    UserPtr<ioctl_gntdev_map_grant_ref> user{argument};
    auto q = TRY(user.read());
    if (q.count == 0 || q.count > GrantMap::most_pages)
        return Error::inval;
    auto m = TRY(GrantMap::make(q.count));
    auto refs = user.address() + offsetof(ioctl_gntdev_map_grant_ref, refs);
    TRY(kernel::copy_in(m->refs.get(), refs, q.count * sizeof m->refs[0]));
    m->index = free_index(q.count);
    q.index = std::uint64_t{m->index} << page_shift;
    TRY(kernel::copy_out(user.address(), &q, offsetof(ioctl_gntdev_map_grant_ref, refs)));
    auto at = &maps_;
    while (*at && (*at)->index < m->index)
        at = &(*at)->next;
    m->next = *at;
    *at = m.release();
    return 0;
}

Result<std::int32_t> GntdevFile::unmap(std::uint32_t argument)
{
    auto q = TRY(UserPtr<ioctl_gntdev_unmap_grant_ref>{argument}.read());
    for (auto at = &maps_; *at; at = &(*at)->next) {
        auto m = *at;
        if (std::uint64_t{m->index} << page_shift != q.index || m->count != q.count)
            continue;
        *at = m->next;
        m->unref();
        return 0;
    }
    return Error::noent;
}

Result<std::int32_t> GntdevFile::offset_of(std::uint32_t argument) const
{
    UserPtr<ioctl_gntdev_get_offset_for_vaddr> user{argument};
    auto q = TRY(user.read());
    auto m = q.vaddr >> 32 ? Ref<GrantMap>{} : map_of_window(Vaddr{static_cast<std::uint32_t>(q.vaddr)});
    if (!m)
        return Error::inval;
    q.offset = std::uint64_t{m->index} << page_shift;
    q.count = m->count;
    TRY(user.write(q));
    return 0;
}

Result<std::int32_t> GntdevFile::set_notify(std::uint32_t argument)
{
    auto q = TRY(UserPtr<ioctl_gntdev_unmap_notify>{argument}.read());
    for (auto m = maps_; m; m = m->next) {
        auto begin = std::uint64_t{m->index} << page_shift, bytes = std::uint64_t{m->count} << page_shift;
        if (q.index < begin || q.index - begin >= bytes)
            continue;
        auto notify = TRY(UnmapNotify::make(q.action, q.index - begin, bytes, q.event_channel_port));
        if (notify.clears() && m->in_window && !m->writable)
            return Error::inval;
        m->notify = notify;
        return 0;
    }
    return Error::noent;
}

Result<std::int32_t> GntdevFile::ioctl(unsigned command, std::uint32_t argument)
{
    switch (command) {
    case IOCTL_GNTDEV_MAP_GRANT_REF: return map(argument);
    case IOCTL_GNTDEV_UNMAP_GRANT_REF: return unmap(argument);
    case IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR: return offset_of(argument);
    case IOCTL_GNTDEV_SET_MAX_GRANTS:
        TRY(UserPtr<ioctl_gntdev_set_max_grants>{argument}.read());
        return 0;  // as many as there are
    case IOCTL_GNTDEV_SET_UNMAP_NOTIFY: return set_notify(argument);
    case IOCTL_GNTDEV_GRANT_COPY: TRY(copy_segments(argument)); return 0;
    default: return Error::notty;
    }
}

Result<Ref<File>> open_gntdev(unsigned flags) { return Ref<File>{TRY(kernel::make_ref<GntdevFile>(flags))}; }
}  // namespace xendev
