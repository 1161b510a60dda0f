// SPDX-License-Identifier: MIT
// The metadata blocks of one file system, one frame each. Nobody but commit.cpp writes them: the order in which they reach the disk
// is what keeps it mendable.
#pragma once
#include <boost/intrusive/list.hpp>
#include <kernel/block/disk_pages.hpp>
#include <kernel/memory/frames.hpp>

namespace kernel::ext2 {
// When a dirty buffer may be written: commit.cpp has the reasons.
enum class Stage : std::uint8_t {
    clean,
    early,  // nothing on the disk refers to it yet, or what refers to it is only a hint: bitmaps, descriptors, new blocks
    mapping,  // a block of pointers that was there before
    names,    // a block of a directory that was there before
    inodes,   // of the inode table: written when commit says which of its inodes may appear
};

class Buffers;
class Buffer : public RefCounted {
public:
    ~Buffer() override;
    std::uint32_t block() const { return block_; }
    template <class T = char>
    T *at(std::uint32_t offset = 0) const
    {
        return reinterpret_cast<T *>(static_cast<char *>(frame_address(frame_)) + offset);
    }
    Pfn frame() const { return frame_; }
    Stage stage = Stage::clean;
    bool is_new = false;     // Stage::early of a block allocated in this batch
    std::uint8_t level = 0;  // Stage::names: lower ones are written before
    bool precedes = false;   // some block of a higher level waits for this one
    boost::intrusive::list_member_hook<> dirty_hook, unused_hook;
    Buffer *next_in_bucket = nullptr;

protected:
    void last_reference_gone() override;

private:
    friend class Buffers;
    Buffer(Buffers &owner, std::uint32_t block, Pfn frame) : owner_{&owner}, block_{block}, frame_{frame} {}
    Buffers *owner_;
    std::uint32_t block_;
    Pfn frame_;
    bool valid_ = false, forgotten_ = false;
};
using BufferList = boost::intrusive::list<
    Buffer, boost::intrusive::member_hook<Buffer, boost::intrusive::list_member_hook<>, &Buffer::dirty_hook>,
    boost::intrusive::constant_time_size<false>>;

class Buffers {
public:
    Buffers(BlockDevice &device) : device_{device} {}
    ~Buffers();
    Buffers(Buffers const &) = delete;
    Buffers &operator=(Buffers const &) = delete;
    void set_block_size(std::uint32_t bytes) { block_bytes_ = bytes; }
    std::uint32_t block_size() const { return block_bytes_; }

    Result<Ref<Buffer>> read(std::uint32_t block);
    // A block that was just allocated: zeroes, dirty, is_new.
    Result<Ref<Buffer>> fresh(std::uint32_t block);
    void mark(Buffer &, Stage);        // dirty; a block that is new stays so
    void forget(std::uint32_t block);  // it was freed: what is here of it is not written
    // The dirty ones of a stage, for commit.cpp, which takes them out.
    BufferList &dirty(Stage s) { return dirty_[static_cast<unsigned>(s)]; }
    void cleaned(Buffer &);
    bool any_dirty() const;

    // Writing: submit() what is to be written, then wait().
    void submit(IoBatch &, Buffer &);
    void trim(unsigned keep);  // drops clean ones that nobody uses
    unsigned unused() const { return static_cast<unsigned>(unused_.size()); }

private:
    friend class Buffer;
    using Unused = boost::intrusive::list<
        Buffer, boost::intrusive::member_hook<Buffer, boost::intrusive::list_member_hook<>, &Buffer::unused_hook>,
        boost::intrusive::constant_time_size<true>>;
    static constexpr unsigned buckets = 512;
    static constexpr unsigned stages = 5;
    Ref<Buffer> find(std::uint32_t block);
    Result<Ref<Buffer>> make(std::uint32_t block);
    void remove(Buffer &);
    BlockDevice &device_;
    std::uint32_t block_bytes_ = 1024;
    Buffer *table_[buckets] = {};
    BufferList dirty_[stages];
    Unused unused_;  // oldest first
    WaitQueue read_;
    unsigned unused_max_ = frame_counts().total / 32;
};
}  // namespace kernel::ext2
