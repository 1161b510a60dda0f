// SPDX-License-Identifier: MIT
// Looking names up and listing them.
#include <kernel/fs/ext2/entries.hpp>
#include <kernel/fs/names.hpp>

namespace kernel::ext2 {
namespace {
class DirectoryFile final : public File {
public:
    DirectoryFile(Ref<Directory> d, unsigned open_flags) : File{open_flags}, directory_{std::move(d)} {}
    bool seekable() const override { return true; }
    Result<std::size_t> read(IoBuffer &, std::uint64_t &) override { return Error::isdir; }
    Result<std::uint64_t> end_position() override { return directory_->attributes.size; }
    Result<> sync(bool) override { return directory_->node.fs().sync(); }
    Result<> read_directory(DirectorySink &) override;

private:
    Result<bool> list_block(Entries &, std::uint32_t index, DirectorySink &);
    Ref<Directory> directory_;
};

// A position is that of a record. Records may have been joined since: the first one at or after the position goes on.
Result<bool> DirectoryFile::list_block(Entries &entries, std::uint32_t index, DirectorySink &sink)
{
    auto const &g = directory_->node.fs().geometry;
    auto const start = std::uint64_t{index} << g.block_shift;
    auto buffer = TRY(entries.block(index));
    for (std::uint32_t offset = 0; buffer && offset < g.block_bytes;) {
        auto const *e = TRY(entries.at(*buffer, offset));
        auto const next = offset + e->record;
        if (start + offset >= position) {
            // Types in records are those of getdents64(2) halved in number; without them nobody knows: 0.
            constexpr std::uint8_t types[] = {0, 8, 4, 2, 6, 1, 12, 10};
            auto const type = e->type < sizeof types ? types[e->type] : std::uint8_t{0};
            if (e->inode != 0 && !sink.add({e->name, e->name_bytes}, e->inode, type, start + next))
                return false;
            position = start + next;
        }
        offset = next;
    }
    position = start + g.block_bytes;
    return true;
}

Result<> DirectoryFile::read_directory(DirectorySink &sink)
{
    MutexGuard guard{directory_->mutex};
    Entries entries{*directory_};
    auto const shift = directory_->node.fs().geometry.block_shift;
    while (position < directory_->attributes.size)
        if (!TRY(list_block(entries, static_cast<std::uint32_t>(position >> shift), sink)))
            break;
    return {};
}
}  // namespace

Result<Ref<Inode>> Directory::lookup(std::string_view name)
{
    auto place = TRY(Entries{*this}.find(name));
    return node.fs().inode(place.entry()->inode);
}

Result<Ref<File>> Directory::open(unsigned flags) { return make_ref<DirectoryFile>(Ref<Directory>{this}, flags); }
}  // namespace kernel::ext2
