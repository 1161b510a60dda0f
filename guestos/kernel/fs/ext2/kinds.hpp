// SPDX-License-Identifier: MIT
// The four kinds of ext2 inode.
#pragma once
#include <kernel/block/disk_pages.hpp>
#include <kernel/fs/ext2/super.hpp>
#include <kernel/fs/regular_file.hpp>

namespace kernel::ext2 {
class RegularNode;
class FilePages final : public DiskPages {
public:
    explicit FilePages(RegularNode &file) : file_{file} {}
    std::uint64_t size() const override;
    std::uint64_t identity_device() const override;
    std::uint64_t identity_inode() const override;
    BlockDevice &disk() const override;
    Result<Place> locate(std::uint64_t offset, std::uint32_t bytes) override;
    bool in_use() const { return use_count() > 1; }  // by a page fault or by write-back, besides the inode

protected:
    Result<> prepare(std::uint32_t index, std::uint32_t from, std::uint32_t to, bool mapped) override;
    void write_copied(std::uint64_t end) override;

private:
    RegularNode &file_;  // which owns us
};

class RegularNode final : public RegularInode {
public:
    RegularNode(Super &fs, std::uint32_t number, Ref<FilePages> pages);
    static Result<Ref<Inode>> make(Super &, std::uint32_t number);
    PageCache &pages() override { return *pages_; }
    DiskPages *disk_pages() override { return pages_.get(); }
    FilePages &file_pages() { return *pages_; }
    Result<> grow(std::uint64_t size) override;
    Result<> before_write() override;
    void set_size(std::uint64_t) override;
    std::uint64_t size_limit() const override;
    Result<> allocate(unsigned mode, std::uint64_t start, std::uint64_t bytes) override;
    std::uint64_t next_boundary(std::uint64_t from, bool hole) override;
    Result<> sync_data(bool data_only) override;
    void write_ended() override;
    Result<> set_attributes(Attributes const &, unsigned which) override;
    Node node;
    std::uint64_t prepared_end = 0;  // blocks were allocated up to here, perhaps beyond the size

protected:
    void last_reference_gone() override { node.fs().last_user_gone(node); }

private:
    void shrink(std::uint64_t from);
    Result<> punch(std::uint64_t start, std::uint64_t end);
    Ref<FilePages> pages_;
};

class Directory final : public Inode {
public:
    Directory(Super &fs, std::uint32_t number) : Inode{fs}, node{fs, *this, number} {}
    Result<Ref<Inode>> lookup(std::string_view) override;
    Result<Ref<Inode>> create(std::string_view, Attributes const &) override;
    Result<Ref<Inode>> make_directory(std::string_view, Attributes const &) override;
    Result<Ref<Inode>> symlink(std::string_view, std::string_view target, Attributes const &) override;
    Result<> link(std::string_view, Inode &) override;
    Result<> unlink(std::string_view, Inode &) override;
    Result<> remove_directory(std::string_view, Inode &) override;
    Result<> rename(std::string_view, Inode &, Inode &new_directory, std::string_view new_name, Inode *target,
                    unsigned flags) override;
    Result<Ref<Inode>> temporary(Attributes const &) override;
    Result<Ref<File>> open(unsigned flags) override;
    Result<> set_attributes(Attributes const &, unsigned which) override;
    Node node;
    std::uint32_t insert_hint = 0;  // the block in which the last name found room
    std::uint64_t changes = 0;      // names were removed or moved: positions inside blocks have to be looked for again

protected:
    void last_reference_gone() override { node.fs().last_user_gone(node); }
};

class Symlink final : public Inode {
public:
    Symlink(Super &fs, std::uint32_t number) : Inode{fs}, node{fs, *this, number} {}
    static constexpr std::size_t fast_max = block_pointers * 4 - 1;
    bool is_fast() const { return !node.has_block_of_its_own(); }
    Result<std::size_t> read_link(char *, std::size_t) override;
    Result<Ref<File>> open(unsigned) override { return Error::loop; }
    Result<> set_attributes(Attributes const &, unsigned which) override;
    Node node;

protected:
    void last_reference_gone() override { node.fs().last_user_gone(node); }
};

class Special final : public Inode {
public:
    Special(Super &fs, std::uint32_t number) : Inode{fs}, node{fs, *this, number} {}
    Result<Ref<File>> open(unsigned) override { return Error::nxio; }
    Result<> set_attributes(Attributes const &, unsigned which) override;
    Node node;

protected:
    void last_reference_gone() override { node.fs().last_user_gone(node); }
};
}  // namespace kernel::ext2
