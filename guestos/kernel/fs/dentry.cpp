// SPDX-License-Identifier: MIT
#include <cstring>
#include <kernel/fs/dentry.hpp>
#include <kernel/lazy.hpp>

namespace kernel {
struct DentryCache {
    static constexpr unsigned buckets = 1024;
    static constexpr unsigned unused_max = 2048;
    using LruList = boost::intrusive::list<Dentry, boost::intrusive::member_hook<Dentry, Dentry::Hook, &Dentry::lru_hook>,
                                           boost::intrusive::constant_time_size<true>>;
    Dentry *table[buckets] = {};
    Lazy<LruList> unused;  // oldest first

    // FNV-1a, seeded with the directory.
    static std::uint32_t hash(Dentry const &dir, std::string_view name)
    {
        auto h = 2166136261u ^ static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&dir) >> 4);
        for (char c : name)
            h = (h ^ static_cast<std::uint8_t>(c)) * 16777619u;
        return h;
    }
    Dentry *find(Dentry const &dir, std::string_view name)
    {
        auto h = hash(dir, name);
        for (auto *d = table[h % buckets]; d; d = d->next_in_bucket_)
            if (d->hash_ == h && d->parent.get() == &dir && d->name() == name)
                return d;
        return nullptr;
    }
    void insert(Dentry &d)
    {
        ASSERT(!d.hashed_ && d.parent);
        d.hash_ = hash(*d.parent, d.name());
        d.next_in_bucket_ = std::exchange(table[d.hash_ % buckets], &d);
        d.hashed_ = true;
    }
    void remove(Dentry &d)
    {
        if (!d.hashed_)
            return;
        auto *slot = &table[d.hash_ % buckets];
        while (*slot != &d)
            slot = &(*slot)->next_in_bucket_;
        *slot = d.next_in_bucket_;
        d.hashed_ = false;
    }
    void leave_unused(Dentry &d)
    {
        if (d.lru_hook.is_linked())
            unused->erase(unused->iterator_to(d));
    }
    // Takes an unused dentry out of the cache for good. Its parent may become unused in turn: it goes to the list, so that
    // a deep tree is not freed recursively.
    void drop(Dentry &d)
    {
        leave_unused(d);
        remove(d);
        delete &d;
    }
    void trim()
    {
        if (std::exchange(trimming, true))
            return;
        while (unused->size() > unused_max)
            drop(unused->front());
        trimming = false;
    }
    bool trimming = false;
};
static constinit DentryCache cache;

Result<Ref<Dentry>> Dentry::make(Ref<Dentry> parent, std::string_view name, Ref<Inode> inode)
{
    std::unique_ptr<char[]> text{new (std::nothrow) char[name.size() + 1]};
    auto *d = text ? new (std::nothrow) Dentry : nullptr;
    if (!d)
        return Error::nomem;
    std::memcpy(text.get(), name.data(), name.size());
    text[name.size()] = 0;
    d->name_ = std::move(text);
    d->length_ = static_cast<std::uint32_t>(name.size());
    d->parent = std::move(parent);
    d->inode = std::move(inode);
    return Ref<Dentry>{d};
}

Dentry::~Dentry()
{
    cache.leave_unused(*this);
    cache.remove(*this);
}

void Dentry::last_reference_gone()
{
    if (!hashed_) {
        delete this;
        return;
    }
    cache.unused->push_back(*this);
    cache.trim();
}

static Ref<Dentry> find_cached(Dentry &dir, std::string_view name)
{
    auto *d = cache.find(dir, name);
    if (d)
        cache.leave_unused(*d);
    return Ref<Dentry>{d};
}

Result<Ref<Dentry>> Dentry::lookup(Dentry &dir, std::string_view name)
{
    if (auto d = find_cached(dir, name))
        return d;
    MutexGuard guard{dir.inode->mutex};
    return lookup_locked(dir, name);
}

Result<Ref<Dentry>> Dentry::lookup_locked(Dentry &dir, std::string_view name)
{
    if (auto d = find_cached(dir, name))
        return d;
    Ref<Inode> inode;
    if (!dir.deleted) {
        auto found = dir.inode->lookup(name);
        if (found.ok())
            inode = found.take();
        else if (found.error() != Error::noent)
            return found.error();
    }
    auto d = TRY(make(Ref<Dentry>{&dir}, name, std::move(inode)));
    if (dir.inode->cacheable() && !dir.deleted)
        cache.insert(*d);
    return d;
}

void Dentry::created(Ref<Inode> made) { inode = std::move(made); }

void Dentry::unlinked()
{
    cache.remove(*this);
    deleted = true;
}

void Dentry::moved(Dentry &target)
{
    bool cached = hashed_ || target.hashed_;
    cache.remove(*this);
    cache.remove(target);
    if (target.inode)
        target.deleted = true;
    std::unique_ptr<char[]> kept{new (std::nothrow) char[target.length_ + 1]};
    if (kept) {  // a replaced file is still "NAME (deleted)" to those who have it open
        std::memcpy(kept.get(), target.name_.get(), target.length_ + 1);
        parent = target.parent;
        name_ = std::exchange(target.name_, std::move(kept));
        length_ = target.length_;
    } else {
        std::swap(parent, target.parent);
        std::swap(name_, target.name_);
        std::swap(length_, target.length_);
    }
    if (cached)
        cache.insert(*this);
}

void Dentry::exchanged(Dentry &a, Dentry &b)
{
    bool cached = a.hashed_ && b.hashed_;
    cache.remove(a);
    cache.remove(b);
    std::swap(a.parent, b.parent);
    std::swap(a.name_, b.name_);
    std::swap(a.length_, b.length_);
    if (cached) {
        cache.insert(a);
        cache.insert(b);
    }
}

void Dentry::pin()
{
    if (!hashed_ && !deleted && parent)
        cache.insert(*this);
}

void Dentry::invalidate(Dentry &dir, std::string_view name)
{
    if (auto d = find_cached(dir, name))
        d->unlinked();
}

void Dentry::forget_unused(SuperBlock const &super)
{
    // A negative dentry belongs to its parent's file system. Dropping one may put its parent on the list: start over.
    for (bool again = true; again;) {
        again = false;
        for (auto &d : *cache.unused) {
            auto const *inode = d.inode ? d.inode.get() : d.parent ? d.parent->inode.get() : nullptr;
            if (!inode || &inode->super != &super)
                continue;
            cache.drop(d);
            again = true;
            break;
        }
    }
}

unsigned Dentry::shrink(unsigned count)
{
    unsigned dropped = 0;
    for (; dropped < count && !cache.unused->empty(); ++dropped)
        cache.drop(cache.unused->front());
    return dropped;
}

bool Dentry::is_below(Dentry const &ancestor) const
{
    for (auto *d = this; d; d = d->parent.get())
        if (d == &ancestor)
            return true;
    return false;
}
}  // namespace kernel
