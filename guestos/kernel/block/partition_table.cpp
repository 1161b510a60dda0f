// SPDX-License-Identifier: MIT
// Partition tables. Every number in them may be wrong: what does not lie on the disk, or on another partition, is left out.
#include <algorithm>
#include <cstring>
#include <kernel/block/partition.hpp>
#include <lib/inflate.hpp>
#include <memory>

namespace kernel {
namespace {
struct MbrEntry {
    std::uint8_t boot, first_chs[3], type, last_chs[3];
    std::uint8_t first[4], count[4];  // little-endian, not aligned
};
static_assert(sizeof(MbrEntry) == 16);

std::uint32_t number(std::uint8_t const *p)
{
    return p[0] | std::uint32_t{p[1]} << 8 | std::uint32_t{p[2]} << 16 | std::uint32_t{p[3]} << 24;
}
std::uint64_t wide_number(std::uint8_t const *p) { return number(p) | std::uint64_t{number(p + 4)} << 32; }

bool is_extended(std::uint8_t type) { return type == 0x05 || type == 0x0f || type == 0x85; }

struct Table {
    PartitionSource &source;
    std::span<PartitionEntry> out;
    unsigned count = 0;
    void add(unsigned n, std::uint64_t first, std::uint64_t sectors)
    {
        if (count < out.size() && n <= partitions_max && sectors != 0 && first != 0 && first < source.sectors
            && sectors <= source.sectors - first)
            out[count++] = {n, first, sectors};
    }
    std::uint32_t scale() const { return source.logical_bytes / sector_bytes; }
};

bool valid_mbr(std::uint8_t const *sector, MbrEntry *entries)
{
    if (sector[510] != 0x55 || sector[511] != 0xaa)
        return false;
    std::memcpy(entries, sector + 446, 4 * sizeof(MbrEntry));
    return std::all_of(entries, entries + 4, [](auto const &e) { return (e.boot & 0x7f) == 0; });
}

// Logical partitions: each table in the chain has one of its own and a link to the next, relative to the extended one.
void read_extended(Table &t, std::uint64_t start, std::uint8_t *sector)
{
    auto at = start;
    for (unsigned n = 5; n <= partitions_max; ++n) {
        MbrEntry e[4];
        if (at >= t.source.sectors || !t.source.read(at, sector).ok() || !valid_mbr(sector, e))
            return;
        if (e[0].type != 0)
            t.add(n, at + std::uint64_t{number(e[0].first)} * t.scale(), std::uint64_t{number(e[0].count)} * t.scale());
        if (!is_extended(e[1].type) || number(e[1].first) == 0)
            return;
        at = start + std::uint64_t{number(e[1].first)} * t.scale();
    }
}

constexpr std::uint32_t gpt_entry_bytes_max = 512, gpt_entries_max = 128;

struct GptHeader {
    std::uint64_t entries_at;
    std::uint32_t count, entry_bytes, entries_crc;
};

bool read_gpt_header(Table &t, std::uint64_t block, std::uint8_t *sector, GptHeader &h)
{
    if (!t.source.read(block * t.scale(), sector).ok() || std::memcmp(sector, "EFI PART", 8) != 0)
        return false;
    auto const bytes = number(sector + 12), crc = number(sector + 16);
    if (bytes < 92 || bytes > sector_bytes || wide_number(sector + 24) != block)
        return false;
    std::memset(sector + 16, 0, 4);
    if (crc32(0, {sector, bytes}) != crc)
        return false;
    h = {wide_number(sector + 72), number(sector + 80), number(sector + 84), number(sector + 88)};
    return h.count <= gpt_entries_max && h.entry_bytes >= 128 && h.entry_bytes <= gpt_entry_bytes_max
        && sector_bytes % h.entry_bytes == 0;
}

// Twice over the entries: first their checksum, then what they say.
bool read_gpt(Table &t, std::uint64_t header_block, std::uint8_t *sector)
{
    GptHeader h;
    if (!read_gpt_header(t, header_block, sector, h))
        return false;
    auto const per_sector = sector_bytes / h.entry_bytes, sectors = (h.count + per_sector - 1) / per_sector;
    std::uint32_t crc = 0;
    for (bool counts : {false, true}) {
        for (std::uint32_t s = 0; s < sectors; ++s) {
            if (!t.source.read(h.entries_at * t.scale() + s, sector).ok())
                return false;
            auto const here = std::min(per_sector, h.count - s * per_sector);
            if (!counts)
                crc = crc32(crc, {sector, std::size_t{here} * h.entry_bytes});
            for (std::uint32_t i = 0; counts && i < here; ++i) {
                auto const *e = sector + i * h.entry_bytes;
                auto const first = wide_number(e + 32), last = wide_number(e + 40);
                bool const used = std::any_of(e, e + 16, [](auto b) { return b != 0; });
                if (used && first <= last)
                    t.add(s * per_sector + i + 1, first * t.scale(), (last - first + 1) * t.scale());
            }
        }
        if (!counts && crc != h.entries_crc)
            return false;
    }
    return true;
}
}  // namespace

unsigned read_partition_table(PartitionSource &source, std::span<PartitionEntry> out)
{
    std::unique_ptr<std::uint8_t[]> sector{new (std::nothrow) std::uint8_t[sector_bytes]};
    Table t{source, out};
    MbrEntry e[4];
    if (!sector || source.sectors < 2 || !source.read(0, sector.get()).ok() || !valid_mbr(sector.get(), e))
        return 0;
    if (std::any_of(e, e + 4, [](auto const &x) { return x.type == 0xee; })) {  // "protective": see the GPT
        if (!read_gpt(t, 1, sector.get())) {
            t.count = 0;
            if (!read_gpt(t, source.sectors / t.scale() - 1, sector.get()))
                t.count = 0;
        }
        return t.count;
    }
    // Of an extended partition only its table can be seen, so that nobody formats what the logical ones lie in.
    for (unsigned i = 0; i < 4; ++i)
        if (e[i].type != 0)
            t.add(i + 1, std::uint64_t{number(e[i].first)} * t.scale(),
                  is_extended(e[i].type) ? 2 : std::uint64_t{number(e[i].count)} * t.scale());
    for (auto const &x : e)
        if (is_extended(x.type) && number(x.first) != 0) {
            read_extended(t, std::uint64_t{number(x.first)} * t.scale(), sector.get());
            break;
        }
    return t.count;
}
}  // namespace kernel
