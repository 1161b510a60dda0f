// SPDX-License-Identifier: MIT
// The dentry cache: one node for each name that was looked up, positive (has an inode) or negative (the name does not exist).
//
//   parent <---- Dentry "etc" ----> Inode          A Dentry keeps its parent alive, so a path can always be spelt out.
//                   ^                              Unused ones stay hashed on a least-recently-used list until there are
//   hash(parent, name)                             too many; unlinked ones leave the hash and die with their last user.
//
// A directory has exactly one Dentry per super block, because directories have no hard links. Whoever looks a name up in order
// to create, remove or rename it holds the directory inode's mutex from the lookup to the change.
#pragma once
#include <boost/intrusive/list.hpp>
#include <kernel/fs/inode.hpp>
#include <memory>

namespace kernel {
class Dentry : public RefCounted {
public:
    // A dentry outside the cache: parent may be null (a super block's root, a nameless file).
    static Result<Ref<Dentry>> make(Ref<Dentry> parent, std::string_view name, Ref<Inode> inode);
    ~Dentry() override;

    Ref<Dentry> parent;
    Ref<Inode> inode;  // null: negative
    std::string_view name() const { return {name_.get(), length_}; }
    bool deleted = false;  // unlinked or replaced; stays usable for those who have it
    unsigned mounts = 0;   // how many mounts sit on it

    // The name below `dir`: from the cache, else from the file system. Negative if there is none.
    static Result<Ref<Dentry>> lookup(Dentry &dir, std::string_view name);
    static Result<Ref<Dentry>> lookup_locked(Dentry &dir, std::string_view name);
    // What a change of the directory does to its names; the directories' mutexes are held.
    void created(Ref<Inode>);    // negative -> positive
    void unlinked();             // -> deleted
    void moved(Dentry &target);  // rename: takes target's place; target becomes deleted or stays negative
    static void exchanged(Dentry &, Dentry &);
    // A mount point stays in the cache even where the directory's names are not cached (procfs).
    void pin();
    // The file system changed a name by itself: forget what we believed.
    static void invalidate(Dentry &dir, std::string_view name);
    static void forget_unused(SuperBlock const &);  // unmount
    static unsigned shrink(unsigned count);         // memory is short: drops up to `count` unused ones
    bool is_below(Dentry const &ancestor) const;    // or is it

    using Hook = boost::intrusive::list_member_hook<>;
    Hook lru_hook;

protected:
    void last_reference_gone() override;

private:
    friend struct DentryCache;
    Dentry() = default;
    std::unique_ptr<char[]> name_;
    std::uint32_t length_ = 0, hash_ = 0;
    Dentry *next_in_bucket_ = nullptr;
    bool hashed_ = false;
};
inline constexpr std::size_t name_max = 255;
}  // namespace kernel
