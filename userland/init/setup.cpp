// SPDX-License-Identifier: MIT
#include "init.hpp"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace init {
namespace {
struct MountPoint {
    char const *type, *where, *options;
    unsigned mode;
    bool required;
};
constexpr MountPoint mount_points[] = {
    {"proc", "/proc", "", 0555, true},
    {"sysfs", "/sys", "", 0555, false},
    {"devpts", "/dev/pts", "mode=620,ptmxmode=666", 0755, false},
    {"tmpfs", "/dev/shm", "mode=1777", 01777, false},
    {"tmpfs", "/tmp", "mode=1777", 01777, false},
    {"tmpfs", "/run", "mode=755", 0755, false},
};

void link_missing(char const *target, char const *name)
{
    if (symlink(target, name) != 0 && errno != EEXIST)
        std::fprintf(stderr, "init: cannot link %s: %s\n", name, std::strerror(errno));
}
}  // namespace

void prepare_machine()
{
    umask(022);
    for (auto const &m : mount_points) {
        mkdir(m.where, m.mode);
        if (mount(m.type, m.where, m.type, 0, m.options) != 0 && errno != EBUSY && m.required)
            std::fprintf(stderr, "init: cannot mount %s on %s: %s\n", m.type, m.where, std::strerror(errno));
    }
    link_missing("/proc/self/fd", "/dev/fd");
    link_missing("/proc/self/fd/0", "/dev/stdin");
    link_missing("/proc/self/fd/1", "/dev/stdout");
    link_missing("/proc/self/fd/2", "/dev/stderr");

    char name[65] = "lodger";
    if (auto file = std::fopen("/etc/hostname", "r")) {
        if (std::fgets(name, sizeof name, file))
            name[std::strcspn(name, "\n")] = 0;
        std::fclose(file);
    }
    if (sethostname(name, std::strlen(name)) != 0)
        std::fprintf(stderr, "init: cannot set the host name: %s\n", std::strerror(errno));
}
}  // namespace init
