// SPDX-License-Identifier: MIT
#include <cstring>
#include <kernel/block/block_device.hpp>
#include <kernel/fs/inotify.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/lazy.hpp>
#include <linux/mount.h>

namespace kernel {
namespace {
using MountList = boost::intrusive::list<Mount, boost::intrusive::member_hook<Mount, Mount::Hook, &Mount::hook>,
                                         boost::intrusive::constant_time_size<false>>;
constinit Lazy<MountList> mounts;
constinit Lazy<Path> first_root;
constinit unsigned next_mount_id = 1;
constinit std::uint32_t next_anonymous_minor = 1;
}  // namespace

std::uint32_t allocate_anonymous_device() { return next_anonymous_minor++; }

Result<Ref<Mount>> Mount::make(Ref<SuperBlock> super, Ref<Dentry> root, std::string_view source, unsigned flags)
{
    auto *raw = new (std::nothrow) Mount;
    if (!raw)
        return Error::nomem;
    Ref<Mount> m{raw};
    m->super = super;
    m->flags = flags;
    m->id = next_mount_id++;
    ++super->mount_count;
    m->source_.reset(new (std::nothrow) char[source.size() + 1]);
    if (!m->source_)
        return Error::nomem;
    std::memcpy(m->source_.get(), source.data(), source.size());
    m->source_[source.size()] = 0;
    if (super->device == 0)
        super->device = allocate_anonymous_device();
    if (!super->root_dentry)
        super->root_dentry = TRY(Dentry::make(nullptr, "", super->root()));
    m->root = root ? std::move(root) : Ref<Dentry>{static_cast<Dentry *>(super->root_dentry.get())};
    return m;
}

Mount::~Mount()
{
    root = nullptr;
    if (--super->mount_count != 0)
        return;
    forget_watches(*super);
    Dentry::forget_unused(*super);
    super->root_dentry = nullptr;
    super->unmounted();
}

bool Mount::read_only() const { return (flags & MS_RDONLY) != 0 || super->read_only; }

void attach_mount(Ref<Mount> m, Path const &where)
{
    ASSERT(!m->attached);
    if (!where.empty()) {
        m->parent = where.mount();
        m->mountpoint = where.dentry();
        m->mountpoint->pin();
        ++m->mountpoint->mounts;
        ++m->parent->children;
    }
    m->attached = true;
    mounts->push_back(*m.release());  // the table's reference
}

void detach_mount(Mount &m)
{
    ASSERT(m.attached);
    if (m.mountpoint) {
        --m.mountpoint->mounts;
        --m.parent->children;
    }
    m.attached = false;
    mounts->erase(mounts->iterator_to(m));
    Ref<Mount> parent = std::move(m.parent);
    Ref<Dentry> mountpoint = std::move(m.mountpoint);
    m.unref();
}

Ref<Mount> mount_at(Mount &parent, Dentry &mountpoint)
{
    for (auto m = mounts->rbegin(); m != mounts->rend(); ++m)
        if (m->mountpoint.get() == &mountpoint && m->parent.get() == &parent)
            return Ref<Mount>{&*m};
    return nullptr;
}

Path topmost(Path p)
{
    while (p.dentry()->mounts != 0) {
        auto m = mount_at(*p.mount(), *p.dentry());
        if (!m)
            break;
        auto root = m->root;
        p = Path{std::move(m), std::move(root)};
    }
    return p;
}

Path const &root_path() { return *first_root; }

void set_root_path(Path p) { *first_root = std::move(p); }

void for_each_mount(bool (*f)(void *, Mount &), void *context)
{
    for (auto m = mounts->begin(); m != mounts->end();) {
        Ref<Mount> keep{&*m++};
        if (!f(context, *keep))
            return;
    }
}

void sync_all()
{
    for_each_mount(
        [](void *, Mount &m) {
            if (!m.super->read_only)
                (void)m.super->sync();
            return true;
        },
        nullptr);
    sync_block_devices();
}
}  // namespace kernel
