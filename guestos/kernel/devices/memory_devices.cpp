// SPDX-License-Identifier: MIT
// null(4), zero(4), full(4), random(4). /dev/mem, /dev/kmem and /dev/port do not exist here.
#include <asm/ioctls.h>
#include <kernel/fs/device.hpp>
#include <kernel/memory/address_space.hpp>
#include <kernel/process/process.hpp>
#include <kernel/random.hpp>
#include <linux/random.h>

namespace kernel {
namespace {
constexpr unsigned memory_major = 1;
constexpr std::uint32_t mapping_pages = 0xc0000;  // no mapping is larger: 3 GiB
enum Minor : unsigned { null_minor = 3, zero_minor = 5, full_minor = 7, random_minor = 8, urandom_minor = 9 };

std::size_t skip(IoBuffer &from)  // write(2) takes it all, unread
{
    return from.left();
}

class CharacterFile : public File {
public:
    using File::File;
    bool seekable() const override { return true; }
    Result<std::uint64_t> end_position() override { return std::uint64_t{0}; }
};

class NullFile final : public CharacterFile {
public:
    using CharacterFile::CharacterFile;
    Result<std::size_t> read(IoBuffer &, std::uint64_t &) override { return std::size_t{0}; }
    Result<std::size_t> write(IoBuffer &from, std::uint64_t &) override { return skip(from); }
};

class ZeroFile : public CharacterFile {
public:
    using CharacterFile::CharacterFile;
    Result<std::size_t> read(IoBuffer &to, std::uint64_t &) override
    {
        std::size_t total = 0;
        while (to.left()) {
            auto n = to.zero(to.left() < page_size ? to.left() : page_size);
            if (!n.ok())
                return total ? Result<std::size_t>{total} : n;
            if (!n.value())
                break;
            total += n.value();
            if (signal_pending(current()))
                break;
        }
        return total;
    }
    Result<std::size_t> write(IoBuffer &from, std::uint64_t &) override { return skip(from); }
    // mmap(2): memory of its own for each mapping.
    Result<Ref<MemoryObject>> memory_object() override { return make_shared_memory(mapping_pages, "/dev/zero"); }
};

class FullFile final : public ZeroFile {
public:
    using ZeroFile::ZeroFile;
    Result<std::size_t> write(IoBuffer &, std::uint64_t &) override { return Error::nospc; }
    Result<Ref<MemoryObject>> memory_object() override { return Error::nodev; }
};

class RandomFile final : public CharacterFile {
public:
    using CharacterFile::CharacterFile;
    Result<std::size_t> read(IoBuffer &to, std::uint64_t &) override;
    Result<std::size_t> write(IoBuffer &from, std::uint64_t &) override;
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override;
};

Result<std::size_t> RandomFile::read(IoBuffer &to, std::uint64_t &)
{
    char chunk[256];
    std::size_t total = 0;
    while (to.left()) {
        std::size_t n = to.left() < sizeof chunk ? to.left() : sizeof chunk;
        random_bytes(chunk, n);
        auto put = to.put(chunk, n);
        if (!put.ok())
            return total ? Result<std::size_t>{total} : put;
        total += put.value();
        if (put.value() < n || signal_pending(current()))
            break;
    }
    return total;
}

Result<std::size_t> RandomFile::write(IoBuffer &from, std::uint64_t &)
{
    char chunk[256];
    std::size_t total = 0;
    while (from.left()) {
        auto n = from.get(chunk, sizeof chunk);
        if (!n.ok())
            return total ? Result<std::size_t>{total} : n;
        if (!n.value())
            break;
        stir_random(chunk, n.value());
        total += n.value();
    }
    return total;
}

Result<std::int32_t> RandomFile::ioctl(unsigned command, std::uint32_t argument)
{
    constexpr unsigned cap_sys_admin = 21;
    switch (command) {
    case RNDGETENTCNT: TRY(UserPtr<std::int32_t>{argument}.write(256)); return 0;
    case RNDADDTOENTCNT:
    case RNDADDENTROPY:
    case RNDZAPENTCNT:
    case RNDCLEARPOOL:
    case RNDRESEEDCRNG:
        if (!current().credentials.has_cap(cap_sys_admin))
            return Error::perm;
        return 0;  // the pool never runs dry and credits nobody
    default: return Error::inval;
    }
}

template <class Kind>
Result<Ref<File>> open_kind(Inode &, unsigned, unsigned flags)
{
    return Ref<File>{TRY(make_ref<Kind>(flags))};
}

REGISTER_DEVICE(null_device, "null", false, memory_major, null_minor, 1, 0666, open_kind<NullFile>);
REGISTER_DEVICE(zero_device, "zero", false, memory_major, zero_minor, 1, 0666, open_kind<ZeroFile>);
REGISTER_DEVICE(full_device, "full", false, memory_major, full_minor, 1, 0666, open_kind<FullFile>);
REGISTER_DEVICE(random_device, "random", false, memory_major, random_minor, 1, 0666, open_kind<RandomFile>);
REGISTER_DEVICE(urandom_device, "urandom", false, memory_major, urandom_minor, 1, 0666, open_kind<RandomFile>);
}  // namespace
}  // namespace kernel
