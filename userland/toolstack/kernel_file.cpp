// SPDX-License-Identifier: MIT
#include <bzlib.h>
#include <cstring>
#include <fcntl.h>
#include <lib/inflate.hpp>
#include <memory>
#include <sys/stat.h>
#include <userland/common/fd.hpp>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/kernel_file.hpp>

namespace {
using Bytes = std::span<std::uint8_t const>;
constexpr std::size_t largest = 256u << 20;

bool begins(Bytes bytes, std::string_view magic)
{
    return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

class Collector final : public InflateSink {
public:
    explicit Collector(std::vector<std::uint8_t> &to) : to_{to} {}
    Result<> write(Bytes piece) override
    {
        if (to_.size() + piece.size() > largest)
            return Error::fbig;
        to_.insert(to_.end(), piece.begin(), piece.end());
        return {};
    }

private:
    std::vector<std::uint8_t> &to_;
};

std::vector<std::uint8_t> gunzip(Bytes packed, std::string const &path)
{
    std::vector<std::uint8_t> out;
    Collector collector{out};
    auto result = std::make_unique<Inflate>()->run_gzip(packed, collector);
    if (!result.ok())
        throw Failure{path + ": its gzip data " + (result.error() == Error::nodata ? "ends too early" : "is damaged")};
    return out;
}

std::vector<std::uint8_t> bunzip2(Bytes packed, std::string const &path)
{
    std::vector<std::uint8_t> out;
    bz_stream stream{};
    if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK)
        throw Failure{path + ": no memory to unpack its bzip2 data"};
    stream.next_in = const_cast<char *>(reinterpret_cast<char const *>(packed.data()));
    stream.avail_in = static_cast<unsigned>(packed.size());
    int status = BZ_OK;
    while (status == BZ_OK && out.size() < largest) {
        char piece[65536];
        stream.next_out = piece;
        stream.avail_out = sizeof piece;
        auto before = stream.avail_in;
        status = BZ2_bzDecompress(&stream);
        out.insert(out.end(), piece, piece + sizeof piece - stream.avail_out);
        if (status == BZ_OK && stream.avail_out == sizeof piece && before == stream.avail_in)
            break;  // it wants more than there is
    }
    BZ2_bzDecompressEnd(&stream);
    if (status != BZ_STREAM_END)
        throw Failure{path + ": its bzip2 data " + (status == BZ_OK ? "ends too early" : "is damaged")};
    return out;
}

std::uint32_t word_at(Bytes bytes, std::size_t at)
{
    std::uint32_t word = 0;
    if (at + sizeof word <= bytes.size())
        std::memcpy(&word, bytes.data() + at, sizeof word);
    return word;
}

// What a bzImage has in it; the bytes themselves if they are none. Linux, Documentation/arch/x86/boot.rst: "HdrS" at 0x202,
// version 2.08: payload_offset from the protected-mode part, which follows the setup sectors.
Bytes payload_of(Bytes bytes, std::string const &path)
{
    if (bytes.size() < 0x250 || word_at(bytes, 0x202) != 0x53726448)
        return bytes;
    std::size_t setup = bytes[0x1f1] ? bytes[0x1f1] : 4, offset = word_at(bytes, 0x248), length = word_at(bytes, 0x24c);
    std::size_t start = (setup + 1) * 512 + offset;
    if ((word_at(bytes, 0x206) & 0xffff) < 0x208 || start > bytes.size() || length > bytes.size() - start)
        throw Failure{path + ": a bzImage that is cut short, or too old to name its payload"};
    return bytes.subspan(start, length);
}

char const *unknown_packing(Bytes bytes)
{
    using namespace std::string_view_literals;
    if (begins(bytes,
               "\xfd"
               "7zXZ"sv))
        return "xz";
    if (begins(bytes, "\x28\xb5\x2f\xfd"sv))
        return "zstd";
    if (begins(bytes, "\x02\x21\x4c\x18"sv))
        return "lz4";
    if (begins(bytes, "\x5d\0\0"sv))
        return "lzma";
    return nullptr;
}
}  // namespace

Mapping map_file(std::string const &path)
{
    Fd file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat info {};
    if (!file || fstat(file.get(), &info) != 0)
        fail(path + ": cannot be read", last_error());
    if (!S_ISREG(info.st_mode))
        throw Failure{path + ": is not a file"};
    if (info.st_size == 0)
        throw Failure{path + ": is empty"};
    if (static_cast<std::uint64_t>(info.st_size) > (1u << 30))
        throw Failure{path + ": is larger than a gigabyte"};
    auto bytes = static_cast<std::size_t>(info.st_size);
    void *at = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (at == MAP_FAILED)
        fail(path + ": cannot be mapped", last_error());
    return Mapping{at, bytes};
}

KernelFile::KernelFile(std::string const &path) : file_{map_file(path)}
{
    bytes_ = payload_of({file_.as<std::uint8_t>(), file_.bytes()}, path);
    if (begins(bytes_, "\x1f\x8b"))
        bytes_ = unpacked_ = gunzip(bytes_, path);
    else if (begins(bytes_, "BZh"))
        bytes_ = unpacked_ = bunzip2(bytes_, path);
    else if (auto packing = unknown_packing(bytes_))
        throw Failure{path + ": is packed with " + packing + "; unpack it, or pack it with gzip or bzip2"};
}

bool KernelFile::read(void *to, std::uint64_t offset, std::uint32_t bytes) const
{
    if (offset > bytes_.size() || bytes > bytes_.size() - offset)
        return false;
    std::memcpy(to, bytes_.data() + offset, bytes);
    return true;
}
