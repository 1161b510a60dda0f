// SPDX-License-Identifier: MIT
// /proc/mounts and /proc/N/mountinfo, a line at a time: proc(5).
#include <kernel/fs/mount.hpp>
#include <lib/format.hpp>
#include <linux/mount.h>
#include <memory>

namespace kernel {
namespace {
// Names with spaces, tabs, newlines or backslashes are written in octal: fstab(5).
void escape(char const *from, char *to, std::size_t size)
{
    std::size_t n = 0;
    for (; *from && n + 5 < size; ++from) {
        if (*from == ' ' || *from == '\t' || *from == '\n' || *from == '\\')
            n += static_cast<std::size_t>(format(to + n, size - n, "\\%03o", static_cast<unsigned>(*from)));
        else
            to[n++] = *from;
    }
    to[n] = 0;
}

void flag_text(Mount const &m, char *out, std::size_t size)
{
    char const *atime = (m.flags & MS_NOATIME) != 0 ? ",noatime" : (m.flags & MS_STRICTATIME) != 0 ? "" : ",relatime";
    format(out, size, "%s%s%s%s%s%s", m.read_only() ? "ro" : "rw", (m.flags & MS_NOSUID) != 0 ? ",nosuid" : "",
           (m.flags & MS_NODEV) != 0 ? ",nodev" : "", (m.flags & MS_NOEXEC) != 0 ? ",noexec" : "",
           (m.flags & MS_NODIRATIME) != 0 ? ",nodiratime" : "", atime);
}

struct Texts {
    char place[path_max], place_escaped[path_max], source[256], flags[96], options[160], inner_root[256];
};

bool reachable(Mount const &m, Path const &root)
{
    for (auto *up = &m; up; up = up->parent.get())
        if (up == root.mount().get() || (up->parent == root.mount() && up->mountpoint->is_below(*root.dentry())))
            return true;
    return false;
}

void write_line(Mount &m, MountFormat form, Path const &root, Texts &t, char *line, std::size_t size)
{
    line[0] = 0;
    // The root itself is listed although it may be a folder inside the mount.
    bool const top = &m == root.mount().get();
    Path const place = top || !m.parent ? root : Path{m.parent, m.mountpoint};
    if (!reachable(m, root) || !place.format(root, t.place, sizeof t.place).ok())
        return;
    escape(t.place, t.place_escaped, sizeof t.place_escaped);
    escape(m.source(), t.source, sizeof t.source);
    flag_text(m, t.flags, sizeof t.flags);
    m.super->options(t.options, sizeof t.options);
    auto *type = m.super->type_name();
    if (form == MountFormat::mounts) {
        format(line, size, "%s %s %s %s%s 0 0\n", t.source, t.place_escaped, type, t.flags, t.options);
        return;
    }
    format(t.inner_root, sizeof t.inner_root, "/");
    if (m.root->parent) {  // a bind mount of a folder: its place inside the file system
        t.place[0] = 0;
        char *end = t.place + sizeof t.place - 1;
        *end = 0;
        for (auto *d = m.root.get(); d->parent && end - t.place > 256; d = d->parent.get()) {
            end -= d->name().size();
            d->name().copy(end, d->name().size());
            *--end = '/';
        }
        escape(end, t.inner_root, sizeof t.inner_root);
    }
    format(line, size, "%u %u %u:%u %s %s %s - %s %s %s%s\n", m.id, m.parent ? m.parent->id : m.id,
           m.super->device >> 20, m.super->device & 0xfffff, t.inner_root, t.place_escaped, t.flags, type, t.source,
           m.read_only() ? "ro" : "rw", t.options);
}
}  // namespace

bool describe_mount(unsigned index, MountFormat form, Path const &root, char *line, std::size_t size)
{
    struct Search {
        unsigned left;
        Ref<Mount> found;
    } search{index, nullptr};
    for_each_mount(
        [](void *context, Mount &m) {
            auto &s = *static_cast<Search *>(context);
            if (s.left-- == 0)
                s.found = Ref<Mount>{&m};
            return !s.found;
        },
        &search);
    if (!search.found || size == 0)
        return false;
    std::unique_ptr<Texts> texts{new (std::nothrow) Texts};
    if (!texts)
        return false;
    write_line(*search.found, form, root, *texts, line, size);
    return true;
}
}  // namespace kernel
