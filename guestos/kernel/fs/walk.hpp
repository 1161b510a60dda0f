// SPDX-License-Identifier: MIT
// The walk from a path string to a place in the tree of names, one component at a time, symbolic links expanded without recursion.
//
//   Walk w;  w.start(dirfd, "/a/link/c");
//   w.to_last()      at = /a/link's target, last = "c": everything but the last component is resolved, and it is a directory
//   w.child()        the last component as a Path, negative if it is missing
//   w.follow(path)   it is a symbolic link to be followed: queue its text, then to_last() again
#pragma once
#include <kernel/fs/dentry.hpp>
#include <kernel/fs/path.hpp>
#include <memory>

namespace kernel {
class Walk {
public:
    enum class Last { normal, dot, dotdot, root };
    static constexpr unsigned links_max = 40;  // path_resolution(7)

    Path root, at;
    std::string_view last;  // lives as long as the Walk and the path given to start()
    Last last_kind = Last::root;
    bool trailing_slash = false;  // the path, or a link on the way, ended in '/'
    unsigned resolve = 0;         // RESOLVE_* of openat2(2)

    Walk() = default;
    ~Walk();
    Walk(Walk const &) = delete;
    Walk &operator=(Walk const &) = delete;

    Result<> start(int dirfd, std::string_view path);
    Result<> start_at(Path root, Path from, std::string_view path);
    Result<> to_last();
    Result<Path> child();                             // may be negative
    Result<> follow(Path const &link, bool &jumped);  // jumped: `at` is already the final object (a magic link)
    // All of it: to_last(), child(), follow() until done.
    Result<Path> finish(bool follow_last, bool allow_missing);
    Ref<Inode> nameless;  // a magic link led to an object without a path: this link

private:
    struct Pending {  // the rest of a path whose component was a link
        std::unique_ptr<Pending> outer;
        std::unique_ptr<char[]> text;  // of the link that is being walked now
        std::string_view outer_rest;
    };
    bool next_component(std::string_view &name, bool &is_last);
    Result<> step(std::string_view name);
    Result<> step_up();
    Result<> queue_text(Inode &link);

    std::string_view rest_;
    std::unique_ptr<Pending> pending_;
    unsigned links_ = 0;
    Path beneath_;  // RESOLVE_BENEATH: where the walk began
};
}  // namespace kernel
