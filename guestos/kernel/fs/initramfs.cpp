// SPDX-License-Identifier: MIT
#include <algorithm>
#include <kernel/fs/cpio.hpp>
#include <kernel/fs/file.hpp>
#include <kernel/fs/initramfs.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/fs/open.hpp>
#include <lib/inflate.hpp>
#include <linux/fcntl.h>

namespace kernel {
namespace {
// Makes what the archive holds. Several names of one file share its inode number: the data comes with any of them.
class Unpacker final : public CpioReceiver {
public:
    explicit Unpacker(InitramfsReport &report) : report_{report} {}
    ~Unpacker()
    {
        while (links_)
            links_ = std::move(links_->next);
    }
    Result<> begin(CpioEntry const &) override;
    Result<> data(std::span<std::uint8_t const>) override;
    Result<> end() override;

private:
    struct Link {
        std::uint32_t ino, dev_major, dev_minor;
        Path path;
        std::unique_ptr<Link> next;
    };
    Result<> make(CpioEntry const &);
    Result<> make_file(CpioEntry const &);
    Result<> remember(Path);
    Path const *first_link() const;
    Result<> set_attributes();

    InitramfsReport &report_;
    std::unique_ptr<Link> links_;
    CpioEntry entry_{};  // its name is valid until end()
    Path made_;
    Ref<File> file_;
    std::unique_ptr<char[]> target_;  // of a symbolic link, collected
    std::uint32_t target_bytes_ = 0;
};

Path const *Unpacker::first_link() const
{
    for (auto *l = links_.get(); l; l = l->next.get())
        if (l->ino == entry_.ino && l->dev_major == entry_.dev_major && l->dev_minor == entry_.dev_minor)
            return &l->path;
    return nullptr;
}

Result<> Unpacker::remember(Path path)
{
    std::unique_ptr<Link> link{new (std::nothrow) Link};
    if (!link)
        return Error::nomem;
    link->ino = entry_.ino;
    link->dev_major = entry_.dev_major;
    link->dev_minor = entry_.dev_minor;
    link->path = std::move(path);
    link->next = std::move(links_);
    links_ = std::move(link);
    return {};
}

Result<> Unpacker::make_file(CpioEntry const &e)
{
    auto *first = e.nlink > 1 ? first_link() : nullptr;
    if (first)
        TRY(create_link(*first, at_fdcwd, e.name));
    file_ = TRY(open_path_kernel(e.name, O_CREAT | O_WRONLY | (first && e.bytes == 0 ? 0u : unsigned{O_TRUNC}), 0600));
    made_ = file_->path;
    return e.nlink > 1 && !first ? remember(made_) : Result<>{};
}

Result<> Unpacker::make(CpioEntry const &e)
{
    auto const type = e.mode & s_ifmt;
    auto existing = resolve(at_fdcwd, e.name, 0);
    if (existing.ok() && type == s_ifdir && existing.value().inode()->is_directory()) {
        made_ = existing.take();
        return {};
    }
    if (existing.ok())
        TRY(remove_name(at_fdcwd, e.name));
    switch (type) {
    case s_ifdir: made_ = TRY(create_directory(at_fdcwd, e.name, e.mode)); return {};
    case s_ifreg: return make_file(e);
    case s_iflnk:
        target_.reset(new (std::nothrow) char[path_max]);
        target_bytes_ = 0;
        return e.bytes >= path_max ? Result<>{Error::badmsg} : target_ ? Result<>{} : Result<>{Error::nomem};
    default: made_ = TRY(create_node(at_fdcwd, e.name, e.mode, e.rdev_major, e.rdev_minor)); return {};
    }
}

Result<> Unpacker::begin(CpioEntry const &e)
{
    entry_ = e;
    made_ = {};
    file_ = nullptr;
    return make(e);
}

Result<> Unpacker::data(std::span<std::uint8_t const> bytes)
{
    if (target_) {
        for (auto b : bytes)
            target_[target_bytes_++] = static_cast<char>(b);
        return {};
    }
    auto buffer = IoBuffer::kernel(const_cast<std::uint8_t *>(bytes.data()), bytes.size());
    while (file_ && buffer.left() != 0)
        if (TRY(file_->write(buffer, file_->position)) == 0)
            return Error::nospc;
    report_.bytes += bytes.size();
    return {};
}

Result<> Unpacker::set_attributes()
{
    auto inode = made_.inode();
    auto a = inode->attributes;
    a.mode = entry_.mode;
    a.uid = entry_.uid;
    a.gid = entry_.gid;
    a.atime = a.mtime = {entry_.mtime, 0};
    return inode->set_attributes(a, set_mode | set_uid | set_gid | set_atime | set_mtime);
}

Result<> Unpacker::end()
{
    if (target_)
        made_ = TRY(create_symlink(at_fdcwd, entry_.name, {target_.get(), target_bytes_}));
    target_ = nullptr;
    file_ = nullptr;
    ++report_.files;
    return made_.empty() ? Result<>{} : set_attributes();
}

// What comes out of a gzip member goes into the archive reader.
class ReaderSink final : public InflateSink {
public:
    explicit ReaderSink(CpioReader &reader) : reader_{reader} {}
    Result<> write(std::span<std::uint8_t const> bytes) override
    {
        while (!bytes.empty()) {
            bytes = bytes.subspan(TRY(reader_.feed(bytes)));
            if (!bytes.empty())
                reader_.next_archive();
        }
        return {};
    }

private:
    CpioReader &reader_;
};

char const *known_format(std::span<std::uint8_t const> b)
{
    struct Magic {
        std::uint8_t bytes[4];
        char const *name;
    };
    constexpr Magic magics[] = {{{0xfd, '7', 'z', 'X'}, "xz"},   {{0x28, 0xb5, 0x2f, 0xfd}, "zstd"},
                                {{'B', 'Z', 'h', '9'}, "bzip2"}, {{0x02, 0x21, 0x4c, 0x18}, "lz4"},
                                {{0x5d, 0, 0, 0x80}, "lzma"},    {{0x89, 'L', 'Z', 'O'}, "lzo"}};
    for (auto const &m : magics)
        if (b.size() >= 4 && std::equal(std::begin(m.bytes), std::end(m.bytes), b.begin()))
            return m.name;
    return nullptr;
}

Result<std::size_t> unpack_segment(std::span<std::uint8_t const> image, CpioReader &reader, Inflate &inflate)
{
    reader.next_archive();
    if (image.size() >= 2 && image[0] == 0x1f && image[1] == 0x8b) {
        ReaderSink sink{reader};
        return inflate.run_gzip(image, sink);
    }
    return reader.feed(image);
}
}  // namespace

Result<> unpack_initramfs(std::span<std::uint8_t const> image, InitramfsReport &report)
{
    std::unique_ptr<Inflate> inflate{new (std::nothrow) Inflate};
    if (!inflate)
        return Error::nomem;
    Unpacker unpacker{report};
    CpioReader reader{unpacker};
    while (report.at < image.size()) {
        if (image[report.at] == 0) {  // padding between segments
            ++report.at;
            continue;
        }
        report.format = known_format(image.subspan(report.at));
        if (report.format)
            return Error::opnotsupp;
        report.at += TRY(unpack_segment(image.subspan(report.at), reader, *inflate));
        if (!reader.complete())
            return Error::nodata;
    }
    return {};
}
}  // namespace kernel
