// SPDX-License-Identifier: MIT
// A file system in use: statistics, errors, its thread, writing everything out.
#include <arch/clock.hpp>
#include <cstring>
#include <kernel/block/block_pages.hpp>
#include <kernel/fs/ext2/kinds.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/log.hpp>
#include <lib/format.hpp>
#include <linux/magic.h>
#include <linux/mount.h>

namespace kernel::ext2 {
namespace {
constexpr std::uint64_t second = 1'000'000'000, commit_interval_ns = 5 * second;
}

Super::Super(Ref<BlockDevice> d) : buffers{*d}, device_{std::move(d)}
{
    device = device_->major << 20 | device_->minor;
}

Super::~Super()
{
    stop_thread();
    root_ = nullptr;
    aborted_ = true;  // whatever is left was given up by unmounted(), or never came to be
    reap();
    trim_inodes(0);
    super_buffer_ = nullptr;
    descriptors_ = nullptr;
    if (claimed_)
        device_->release(this);
}

DiskGroup &Super::group_entry(std::uint32_t n) const
{
    auto const &buffer = *descriptors_[n / geometry.descriptors_per_block];
    return *buffer.at<DiskGroup>(n % geometry.descriptors_per_block * geometry.descriptor_bytes);
}

Group Super::group(std::uint32_t n) const
{
    auto const &e = group_entry(n);
    return {e.block_bitmap, e.inode_bitmap, e.inode_table};
}

Error Super::damaged(char const *what, std::uint64_t where)
{
    constexpr unsigned most = 10;
    if (complaints_++ < most)
        log("<3>ext2 %s: %s %llu: run e2fsck on it", device_->name(), what, static_cast<unsigned long long>(where));
    if (read_only || aborted_)
        return Error::io;
    if (on_error_ == errors_panic)
        panic("ext2 %s: %s %llu, and its super block says to stop", device_->name(), what,
              static_cast<unsigned long long>(where));
    report_state(static_cast<std::uint16_t>((super().state & ~state_clean) | state_errors));
    aborted_ = read_only = true;
    log("<3>ext2 %s: from now on it is only read", device_->name());
    return Error::io;
}

Error Super::failed(Error e, char const *what)
{
    if (!aborted_)
        log("<3>ext2 %s: %s (error %d): from now on it is only read; what was not saved is lost", device_->name(), what,
            static_cast<int>(e));
    aborted_ = read_only = true;
    return e;
}

// The super block alone, now.
void Super::report_state(std::uint16_t state)
{
    super().state = state;
    super().write_time = static_cast<std::uint32_t>(now().seconds);
    (void)device_->transfer(BlockOp::write, std::uint64_t{super_buffer_->block()} * geometry.sectors_per_block(),
                            super_buffer_->frame(), 0, geometry.block_bytes);
    (void)device_->flush();
}

SuperBlock::Statistics Super::statistics()
{
    std::uint64_t free = free_blocks_ + std::uint64_t{pending_blocks_.total()};
    for (auto const &n : doomed_nodes_)  // is going to be free
        free += n.inode().attributes.nlink == 0 ? n.sectors / geometry.sectors_per_block() : 0;
    auto const inodes = std::uint64_t{free_inodes_} + pending_inodes_.total() + pending_directories_.total();
    return {EXT2_SUPER_MAGIC,
            geometry.block_bytes,
            geometry.blocks - geometry.overhead(),
            free,
            free > reserved_blocks_ ? free - reserved_blocks_ : 0,
            geometry.inodes,
            inodes,
            255};
}

void Super::options(char *out, std::size_t size)
{
    char const *text = on_error_ == errors_panic ? ",errors=panic" : "";
    format(out, size, "%s", text);
}

// Calls f(pages) for the pages of each file; they stay while it sleeps.
template <class F>
static void for_each_pages(Node *const *nodes, unsigned buckets, F f)
{
    constexpr unsigned most = 32;
    for (unsigned bucket = 0; bucket < buckets; ++bucket) {
        Ref<FilePages> held[most];
        unsigned count = 0;
        for (auto *n = nodes[bucket]; n && count < most; n = n->next_in_bucket)
            if (n->inode().type() == s_ifreg)
                if (auto &p = static_cast<RegularNode &>(n->inode()).file_pages(); p.any_dirty() || !p.idle())
                    held[count++] = Ref<FilePages>{&p};
        for (unsigned i = 0; i < count; ++i)
            f(*held[i]);
    }
}

Result<> Super::sync()
{
    reap();
    for_each_pages(nodes_, buckets, [](FilePages &p) { (void)p.write_out(); });
    for_each_pages(nodes_, buckets, [](FilePages &p) { (void)p.write_and_wait(); });
    if (read_only)
        return aborted_ ? Result<>{Error::io} : Result<>{};
    return commit();
}

Result<> Super::begin_writing()
{
    auto &s = super();
    was_clean_ = (s.state & state_clean) != 0;
    s.state &= static_cast<std::uint16_t>(~state_clean);
    ++s.mount_count;
    s.mount_time = s.write_time = static_cast<std::uint32_t>(now().seconds);
    TRY(device_->transfer(BlockOp::write, std::uint64_t{super_buffer_->block()} * geometry.sectors_per_block(),
                          super_buffer_->frame(), 0, geometry.block_bytes));
    TRY(device_->flush());
    writing_ = true;
    return {};
}

// Everything is on the disk, and says so. An uncleanly left file system stays one until e2fsck has seen it.
Result<> Super::end_writing()
{
    constexpr unsigned rounds = 4;
    for (unsigned i = 0; i < rounds; ++i) {
        reap();
        TRY(sync());
    }
    reap();
    if (was_clean_)
        report_state(static_cast<std::uint16_t>(super().state | state_clean));
    writing_ = false;
    return {};
}

Result<> Super::remount(unsigned flags, std::string_view text)
{
    TRY(parse_options(text));
    bool const wanted = (flags & MS_RDONLY) != 0;
    if (wanted == read_only)
        return {};
    if (!wanted) {
        bool only_readable = false;
        TRY(check_features(super(), only_readable));
        if (aborted_ || only_readable || device_->read_only())
            return Error::rofs;
        TRY(begin_writing());
        return start_thread();
    }
    for (auto *n : nodes_)
        for (; n; n = n->next_in_bucket)
            if (n->inode().writers > 0)
                return Error::busy;
    TRY(end_writing());
    stop_thread();
    return {};
}

void Super::unmounted()
{
    stop_thread();
    root_ = nullptr;
    if (writing_ && !aborted_ && !end_writing().ok())
        log("<3>ext2 %s: not everything could be saved", device_->name());
    trim_inodes(0);
    device_->pages().invalidate(0, ~0u);  // they may be older than what we wrote
    if (std::exchange(claimed_, false))
        device_->release(this);
}

Result<> Super::start_thread()
{
    stop_ = false;
    thread_runs_ = true;
    char name[16];
    format(name, sizeof name, "ext2/%s", device_->name());
    auto started = start_kernel_thread(name, thread, this);
    if (!started.ok()) {
        thread_runs_ = false;
        return started.error();
    }
    started.value()->serves_write_back = true;
    return {};
}

void Super::stop_thread()
{
    stop_ = true;
    work_.wake_all();
    (void)wait_until(
        work_, [this] { return !thread_runs_; }, Sleep::uninterruptible);
}

void Super::thread(void *argument)
{
    auto &fs = *static_cast<Super *>(argument);
    current().serves_write_back = true;
    fs.work();
    fs.thread_runs_ = false;
    fs.work_.wake_all();
}

void Super::work()
{
    while (!stop_) {
        bool const dirty = dirty_since_ns_ != 0;
        auto deadline = dirty ? dirty_since_ns_ + commit_interval_ns : arch::no_deadline;
        if (!doomed_nodes_.empty())
            deadline = std::min(deadline, arch::now_ns() + second);
        (void)wait_until(
            work_, [&] { return stop_ || reap_wanted_ || (dirty_since_ns_ != 0) != dirty; }, Sleep::uninterruptible,
            deadline);
        if (stop_)
            return;
        if (reap_wanted_ || !doomed_nodes_.empty())
            reap();
        if (dirty_since_ns_ != 0 && arch::now_ns() - dirty_since_ns_ >= commit_interval_ns && !aborted_) {
            (void)commit();
            reap();
        }
    }
}
}  // namespace kernel::ext2
