// SPDX-License-Identifier: MIT
// The registered types of file systems: the linker collects them in the section `filesystems`.
#include <kernel/fs/mount.hpp>
#include <lib/format.hpp>

extern "C" {
extern kernel::FileSystemType const __start_filesystems[], __stop_filesystems[];
}

namespace kernel {
FileSystemType const *file_system_at(unsigned index)
{
    auto count = static_cast<unsigned>(__stop_filesystems - __start_filesystems);
    return index < count ? &__start_filesystems[index] : nullptr;
}

FileSystemType const *find_file_system(std::string_view name)
{
    for (auto *t = __start_filesystems; t != __stop_filesystems; ++t)
        if (name == t->name)
            return t;
    return nullptr;
}

std::size_t describe_file_systems(char *out, std::size_t size)
{
    std::size_t n = 0;
    for (auto *t = __start_filesystems; t != __stop_filesystems && n < size; ++t)
        n += static_cast<std::size_t>(format(out + n, size - n, "%s\t%s\n", t->needs_device ? "" : "nodev", t->name));
    return n < size ? n : size;
}
}  // namespace kernel
