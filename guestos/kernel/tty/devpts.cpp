// SPDX-License-Identifier: MIT
// devpts: the file system at /dev/pts with a device node for each pseudo terminal, and "ptmx" as a second way to open the master.
// All mounts show the same terminals.
#include <kernel/fs/mount.hpp>
#include <kernel/process/process.hpp>
#include <kernel/time/timer.hpp>
#include <kernel/tty/pty.hpp>
#include <lib/format.hpp>

namespace kernel {
namespace {
constexpr std::uint64_t root_ino = 1, ptmx_ino = 2, first_slave_ino = 3;
constexpr unsigned dt_char = 2, dt_dir = 4;

std::uint32_t number(std::string_view s, unsigned base)
{
    std::uint32_t n = 0;
    for (char c : s)
        n = n * base + static_cast<std::uint32_t>(c - '0');
    return n;
}

struct PtsOptions {
    std::uint32_t mode = 0600, ptmx_mode = 0, gid = 0, uid = 0;
    bool has_gid = false, has_uid = false;
    void parse(std::string_view text)  // what is not known is ignored, as nothing depends on it
    {
        while (!text.empty()) {
            auto word = text.substr(0, text.find(','));
            text.remove_prefix(word.size() < text.size() ? word.size() + 1 : word.size());
            auto equals = word.find('=');
            if (equals == word.npos)
                continue;
            auto key = word.substr(0, equals), value = word.substr(equals + 1);
            if (key == "mode")
                mode = number(value, 8) & 07777;
            if (key == "ptmxmode")
                ptmx_mode = number(value, 8) & 07777;
            if (key == "gid")
                gid = number(value, 10), has_gid = true;
            if (key == "uid")
                uid = number(value, 10), has_uid = true;
        }
    }
};

class PtsSuper final : public SuperBlock {
public:
    Ref<Inode> root() override;
    char const *type_name() const override { return "devpts"; }
    Statistics statistics() override { return {0x1cd1, 4096, 0, 0, 0, 0, 0, 255}; }
    Result<> remount(unsigned, std::string_view text) override
    {
        settings.parse(text);
        return {};
    }
    void options(char *out, std::size_t size) override
    {
        if (settings.has_gid)
            format(out, size, ",gid=%u,mode=%03o,ptmxmode=%03o", settings.gid, settings.mode, settings.ptmx_mode);
        else
            format(out, size, ",mode=%03o,ptmxmode=%03o", settings.mode, settings.ptmx_mode);
    }
    void unmounted() override { root_ = nullptr; }
    PtsOptions settings;

private:
    Ref<Inode> root_;
};

TimeSpec time_now()
{
    auto ns = realtime_ns();
    return {static_cast<std::int64_t>(ns / 1'000'000'000), static_cast<std::uint32_t>(ns % 1'000'000'000)};
}

class PtsNode final : public Inode {  // open.cpp opens it by its device number
public:
    PtsNode(SuperBlock &sb, unsigned major, unsigned minor, std::uint64_t ino, std::uint32_t mode) : Inode{sb}
    {
        attributes.mode = s_ifchr | mode;
        attributes.rdev_major = major;
        attributes.rdev_minor = minor;
        attributes.ino = ino;
        attributes.block_size = 1024;
        attributes.atime = attributes.mtime = attributes.ctime = time_now();
    }
    bool cacheable() const override { return false; }
    Result<Ref<File>> open(unsigned) override { return Error::nxio; }
};

class PtsRoot final : public Inode {
public:
    explicit PtsRoot(PtsSuper &sb) : Inode{sb}, pts_{sb}
    {
        attributes.mode = s_ifdir | 0755;
        attributes.ino = root_ino;
        attributes.nlink = 2;
        attributes.atime = attributes.mtime = attributes.ctime = time_now();
    }
    bool cacheable() const override { return false; }
    Result<Ref<Inode>> lookup(std::string_view name) override;
    Result<Ref<File>> open(unsigned flags) override;

private:
    // Owner and mode can be changed as long as the terminal exists, so its node hangs at the terminal.
    Result<Ref<Inode>> node_of(PtySlave &);
    PtsSuper &pts_;
};

Result<Ref<Inode>> PtsRoot::node_of(PtySlave &slave)
{
    if (slave.node && &static_cast<PtsNode *>(slave.node.get())->super == &super)
        return Ref<Inode>{static_cast<PtsNode *>(slave.node.get())};
    auto node = TRY(make_ref<PtsNode>(super, pty_slave_major, slave.minor_number, first_slave_ino + slave.minor_number,
                                      pts_.settings.mode));
    node->attributes.uid = pts_.settings.has_uid ? pts_.settings.uid : slave.uid;
    node->attributes.gid = pts_.settings.has_gid ? pts_.settings.gid : slave.gid;
    slave.node = Ref<RefCounted>{node.get()};
    return Ref<Inode>{node};
}

Result<Ref<Inode>> PtsRoot::lookup(std::string_view name)
{
    if (name == "ptmx")
        return Ref<Inode>{TRY(make_ref<PtsNode>(super, 5, 2, ptmx_ino, pts_.settings.ptmx_mode))};
    if (name.empty() || name.size() > 4 || (name[0] == '0' && name.size() > 1))
        return Error::noent;
    for (char c : name)
        if (c < '0' || c > '9')
            return Error::noent;
    auto slave = find_pty(number(name, 10));
    if (!slave)
        return Error::noent;
    return node_of(*slave);
}

class PtsDirectoryFile final : public File {
public:
    using File::File;
    bool seekable() const override { return true; }
    Result<std::size_t> read(IoBuffer &, std::uint64_t &) override { return Error::isdir; }
    Result<> read_directory(DirectorySink &sink) override
    {
        for (; position < 2; ++position)
            if (!sink.add(position == 0 ? "." : "..", root_ino, dt_dir, position + 1))
                return {};
        if (position == 2) {
            if (!sink.add("ptmx", ptmx_ino, dt_char, 3))
                return {};
            ++position;
        }
        for (; position - first_slave_ino < max_ptys; ++position) {
            auto n = static_cast<unsigned>(position - first_slave_ino);
            if (!find_pty(n))
                continue;
            char name[8];
            format(name, sizeof name, "%u", n);
            if (!sink.add(name, first_slave_ino + n, dt_char, position + 1))
                return {};
        }
        return {};
    }
};

Result<Ref<File>> PtsRoot::open(unsigned flags) { return Ref<File>{TRY(make_ref<PtsDirectoryFile>(flags))}; }

Ref<Inode> PtsSuper::root()
{
    if (!root_) {
        auto made = make_ref<PtsRoot>(*this);
        if (made.ok())
            root_ = made.value();
    }
    return root_;
}

Result<Ref<SuperBlock>> mount_devpts(std::string_view, unsigned, std::string_view options)
{
    auto super = TRY(make_ref<PtsSuper>());
    super->settings.parse(options);
    if (!super->root())
        return Error::nomem;
    return Ref<SuperBlock>{super};
}
REGISTER_FILE_SYSTEM(devpts_file_system, "devpts", false, mount_devpts);
}  // namespace
}  // namespace kernel
