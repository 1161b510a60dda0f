// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <kernel/fs/fd_table.hpp>
#include <kernel/ipc/anonymous.hpp>
#include <kernel/process/process.hpp>
#include <kernel/time/timer.hpp>

namespace kernel {
namespace {
constexpr std::uint64_t ns_per_second = 1'000'000'000;
constinit std::uint64_t last_ino = 0;
}

std::uint64_t next_anonymous_ino() { return ++last_ino; }

Attributes anonymous_file_attributes(std::uint32_t mode, std::uint64_t ino)
{
    Attributes a;
    a.mode = mode;
    a.ino = ino;
    a.uid = current().credentials.fsuid;
    a.gid = current().credentials.fsgid;
    auto now = realtime_ns();
    a.atime = a.mtime = a.ctime = {static_cast<std::int64_t>(now / ns_per_second),
                                   static_cast<std::uint32_t>(now % ns_per_second)};
    return a;
}

Result<std::int32_t> install_anonymous(Ref<File> file, unsigned flags)
{
    return TRY(current().files->install(std::move(file), (flags & O_CLOEXEC) != 0));
}
}  // namespace kernel
