// SPDX-License-Identifier: MIT
// A disk as the guest's root: root=/dev/NAME on the kernel's command line. For `lodger run` we stay where we are and the program
// gets the disk as its root; without a program to run we hand the machine over to the disk's own init.
#include "init.hpp"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <linux/reboot.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace init {
namespace {
constexpr char const *new_root = "/newroot";

std::string option(std::string const &key, bool &found)
{
    std::ifstream file("/proc/cmdline");
    std::string word;
    found = false;
    while (file >> word) {
        if (word == "--")
            break;
        if (word == key || word.starts_with(key + "=")) {
            found = true;
            return word.size() > key.size() ? word.substr(key.size() + 1) : "";
        }
    }
    return {};
}

[[noreturn]] void give_up(std::string const &what)
{
    std::fprintf(stderr, "init: %s: %s\n", what.c_str(), std::strerror(errno));
    end_machine(LINUX_REBOOT_CMD_POWER_OFF);
}

void mount_inside(char const *type, std::string const &where, char const *options)
{
    auto path = new_root + where;
    if (mount(type, path.c_str(), type, 0, options) != 0)
        std::fprintf(stderr, "init: cannot mount %s in the root: %s\n", where.c_str(), std::strerror(errno));
}

// What --file put into the first file system belongs into the root that the program will see.
void copy_files()
{
    std::ifstream file("/etc/lodger/files", std::ios::binary);
    std::string const text{std::istreambuf_iterator<char>{file}, {}};
    namespace fs = std::filesystem;
    for (std::size_t at = 0; at < text.size();) {
        auto end = text.find('\0', at);
        auto name = text.substr(at, end - at);
        at = end == std::string::npos ? text.size() : end + 1;
        std::error_code error;
        fs::path const target = new_root + name;
        fs::create_directories(target.parent_path(), error);
        fs::copy(name, target, fs::copy_options::recursive | fs::copy_options::overwrite_existing, error);
        if (error)
            std::fprintf(stderr, "init: %s cannot be copied into the root: %s\n", name.c_str(), error.message().c_str());
    }
}
}  // namespace

bool mount_root()
{
    bool wanted = false, writable = false, ignored = false;
    auto const device = option("root", wanted);
    if (!wanted || device.empty())
        return false;
    (void)option("rw", writable);
    auto type = option("rootfstype", ignored);
    mkdir(new_root, 0755);
    if (mount(device.c_str(), new_root, type.empty() ? "ext2" : type.c_str(),
              writable ? 0ul : static_cast<unsigned long>(MS_RDONLY), "")
        != 0)
        give_up("the root " + device + " cannot be mounted (dmesg says why)");
    return true;
}

void prepare_root(RunRequest &request)
{
    mount_inside("devtmpfs", "/dev", "");
    mount_inside("proc", "/proc", "");
    struct stat s;
    if (stat("/newroot/dev/pts", &s) == 0)
        mount_inside("devpts", "/dev/pts", "mode=620,ptmxmode=666");
    mount_inside("tmpfs", "/dev/shm", "mode=1777");
    copy_files();
    request.root = new_root;
}

void hand_over()
{
    bool given = false;
    auto program = option("init", given);  // while /proc is still here
    for (char const *where : {"/dev", "/proc", "/sys", "/run"}) {
        auto to = std::string{new_root} + where;
        if (mount(where, to.c_str(), nullptr, MS_MOVE, nullptr) != 0)
            umount2(where, MNT_DETACH);
    }
    if (chdir(new_root) != 0 || mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 || chroot(".") != 0 || chdir("/") != 0)
        give_up("the machine cannot be handed over to the root");
    std::vector<std::string> candidates{"/sbin/init", "/etc/init", "/bin/init", "/bin/sh"};
    if (given)
        candidates = {program};
    for (auto const &path : candidates) {
        char *const arguments[] = {const_cast<char *>(path.c_str()), nullptr};
        execv(path.c_str(), arguments);
    }
    give_up("the root has no program to start (init=PATH names one)");
}
}  // namespace init
