// SPDX-License-Identifier: MIT
// A mounted ext2: geometry, groups, inodes, and the batches in which changes reach the disk.
//
//   system call --> Operation (shared) --> changes inodes and buffers in memory
//                        ^ waits                       |  every 5 s, fsync, sync, no space
//                        '---------------- commit (exclusive): writes them in an order that leaves the disk mendable at each step
#pragma once
#include <kernel/block/block_device.hpp>
#include <kernel/fs/ext2/buffers.hpp>
#include <kernel/fs/ext2/node.hpp>
#include <kernel/process/process.hpp>

namespace kernel::ext2 {
// An operation that returned this did nothing: it is done again after a commit.
inline constexpr Error commit_first = Error::inprogress;

struct Geometry {
    std::uint32_t block_bytes = 0, block_shift = 0;
    std::uint32_t first_data_block = 0, blocks = 0, inodes = 0;
    std::uint32_t blocks_per_group = 0, inodes_per_group = 0, groups = 0;
    std::uint32_t inode_bytes = 0, inodes_per_block = 0, first_inode = 0;
    std::uint32_t descriptor_bytes = 32, descriptors_per_block = 0;
    std::uint32_t pointers_per_block = 0;
    std::uint32_t compatible = 0, incompatible = 0, read_only_compatible = 0;
    std::uint32_t sectors_per_block() const { return block_bytes >> sector_shift; }
    bool has_super_copy(std::uint32_t group) const;
    std::uint32_t overhead() const;  // blocks that can never hold data
};

// Where a group's bitmaps and inodes lie.
struct Group {
    std::uint32_t block_bitmap, inode_bitmap, inode_table;
};

using NodeDirtyList = boost::intrusive::list<
    Node, boost::intrusive::member_hook<Node, boost::intrusive::list_member_hook<>, &Node::dirty_hook>,
    boost::intrusive::constant_time_size<false>>;
using NodeUnusedList = boost::intrusive::list<
    Node, boost::intrusive::member_hook<Node, boost::intrusive::list_member_hook<>, &Node::unused_hook>,
    boost::intrusive::constant_time_size<true>>;
using NodeDoomedList = boost::intrusive::list<
    Node, boost::intrusive::member_hook<Node, boost::intrusive::list_member_hook<>, &Node::doomed_hook>,
    boost::intrusive::constant_time_size<false>>;

// Ranges of numbers that are free again once the batch that gave them up is on the disk.
class PendingFree {
public:
    ~PendingFree();
    void add(std::uint32_t first, std::uint32_t count);  // without memory for it, they stay taken until e2fsck finds them
    bool take(std::uint32_t &first, std::uint32_t &count);
    std::uint32_t total() const { return total_; }

private:
    struct Chunk;
    Chunk *top_ = nullptr;
    std::uint32_t total_ = 0;
};

class Super final : public SuperBlock {
public:
    static Result<Ref<SuperBlock>> mount(std::string_view source, unsigned flags, std::string_view options);
    static Result<Ref<Super>> open(Ref<BlockDevice>, bool read_only, std::string_view options);
    explicit Super(Ref<BlockDevice>);
    ~Super() override;
    Ref<Inode> root() override { return root_; }
    char const *type_name() const override { return "ext2"; }
    Statistics statistics() override;
    Result<> sync() override;
    Result<> remount(unsigned flags, std::string_view options) override;
    void options(char *out, std::size_t size) override;
    void unmounted() override;

    Geometry geometry;
    Buffers buffers;
    BlockDevice &disk() const { return *device_; }

    // --- inodes (inodes.cpp)
    Result<Ref<Inode>> inode(std::uint32_t number);
    Result<Ref<Inode>> new_inode(Node const *directory, Attributes const &);  // fresh, not dirty. In an Operation
    void mark_dirty(Node &);
    void last_user_gone(Node &);
    // The buffer of the inode table that holds it, and where in it.
    Result<Ref<Buffer>> inode_buffer(std::uint32_t number, DiskInode *&where);

    // --- allocation (blocks.cpp, inode_numbers.cpp). In an Operation
    Result<std::uint32_t> allocate_block(Node &, std::uint32_t goal);  // one, marked in its bitmap
    void free_blocks(std::uint32_t first, std::uint32_t count);
    Result<std::uint32_t> allocate_inode(Node const *parent, bool directory);
    void free_inode(std::uint32_t number, bool directory);
    bool is_data_block(std::uint32_t block) const;  // may an inode point to it?

    // --- batches (commit.cpp)
    void reap_now() { reap(); }  // deletes what has no name and no user; the thread does it otherwise
    Result<> commit();           // what was done until now is on the disk
    // Runs f() -> Result<T> as part of the batch; again after a commit when it says commit_first, or finds no space while
    // some will become free.
    template <class F>
    auto operation(F f) -> decltype(f());
    std::uint64_t batch() const { return batch_; }
    bool on_disk(std::uint64_t batch) const { return batch < batch_; }
    // A name of an inode that is on the disk goes from block `from` to block `to`: `to` is written before. commit_first: then
    // that cannot be promised.
    Result<> order_names(Buffer &from, Buffer &to);
    void replaced(Node &);  // rename put another inode in the place of its last name
    void hold(Node &);      // its name goes and comes in two blocks of which neither can be first
    bool is_fresh(std::uint32_t number) const
    {
        auto *n = find_node(number);
        return n && n->fresh;
    }
    void lay_to_rest(Node &);  // it has no name any more

    // Something on the disk is not what it must be: says so once, and stops writing.
    Error damaged(char const *what, std::uint64_t where);
    Error failed(Error, char const *what);  // an error of the disk while writing metadata

private:
    friend struct Commit;
    class Operation;
    void enter();
    void leave();
    Result<> load(bool read_only, std::string_view options);
    Result<> check_features(DiskSuper const &, bool &read_only) const;
    Result<> read_geometry(DiskSuper const &);
    Result<> check_groups();
    Result<> parse_options(std::string_view);
    DiskSuper &super() const { return *super_buffer_->at<DiskSuper>(super_at_); }
    DiskGroup &group_entry(std::uint32_t group) const;
    Group group(std::uint32_t) const;
    Result<> begin_writing();  // the super block says "in use"
    Result<> end_writing();    // and "clean" again
    Result<> start_thread();
    void stop_thread();
    static void thread(void *);
    void work();
    void reap();  // deletes doomed inodes
    void delete_inode(Node &);
    void release_attributes(Node &);
    void trim_inodes(unsigned keep);
    void recover_orphans();
    void adopt_orphan(std::uint32_t number, DiskInode const &);
    void write_data();
    void report_state(std::uint16_t state);
    void apply_pending_frees();
    bool frees_something() const
    {
        return pending_blocks_.total() + pending_inodes_.total() + pending_directories_.total() != 0
            || !doomed_nodes_.empty();
    }
    void count_free_blocks(std::uint32_t group, int change);
    Result<std::uint32_t> find_block(std::uint32_t goal);
    Result<std::uint32_t> take_block_in(std::uint32_t group, std::uint32_t from, bool wrap);
    std::uint32_t group_for_directory(std::uint32_t parent) const;
    bool may_use_reserve() const;
    Node *find_node(std::uint32_t number) const;
    void insert_node(Node &);
    void remove_node(Node &);
    void add_dirty();

    Ref<BlockDevice> device_;
    Ref<Buffer> super_buffer_;
    std::uint32_t super_at_ = 0;
    std::unique_ptr<Ref<Buffer>[]> descriptors_;
    Ref<Inode> root_;
    std::uint16_t on_error_ = errors_continue;
    bool claimed_ = false, writing_ = false, aborted_ = false, was_clean_ = true;
    std::uint32_t free_blocks_ = 0, free_inodes_ = 0, reserved_blocks_ = 0;
    PendingFree pending_blocks_, pending_inodes_, pending_directories_;

    static constexpr unsigned buckets = 512;
    Node *nodes_[buckets] = {};
    NodeDirtyList dirty_nodes_;
    NodeUnusedList unused_nodes_;  // oldest first
    NodeDoomedList doomed_nodes_;

    // Operations and commits exclude each other.
    unsigned operations_ = 0;
    bool committing_ = false;
    WaitQueue operations_changed_;
    Mutex commit_mutex_, reap_mutex_;
    std::uint64_t batch_ = 1;
    std::uint64_t dirty_since_ns_ = 0;  // 0: clean
    std::uint32_t lost_found_ = 0;      // where inodes between two names can hang; 0: there is no such directory
    unsigned hanging_ = 0, complaints_ = 0;

    Ref<Thread> thread_;
    WaitQueue work_;
    bool stop_ = false, thread_runs_ = false, reap_wanted_ = false;
};

class [[nodiscard]] Super::Operation {
public:
    explicit Operation(Super &s) : super_{s} { super_.enter(); }
    ~Operation() { super_.leave(); }
    Operation(Operation const &) = delete;
    Operation &operator=(Operation const &) = delete;

private:
    Super &super_;
};

template <class F>
auto Super::operation(F f) -> decltype(f())
{
    constexpr unsigned tries = 4;
    for (unsigned i = 0;; ++i) {
        {
            Operation operation{*this};
            if (read_only || aborted_)
                return Error::rofs;
            auto result = f();
            bool const room_soon = result.error() == Error::nospc && frees_something();
            if (result.ok() || i == tries || (result.error() != commit_first && !room_soon))
                return result;
        }
        reap();
        TRY(commit());
    }
}
}  // namespace kernel::ext2
