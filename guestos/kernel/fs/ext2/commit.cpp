// SPDX-License-Identifier: MIT
// How a batch of changes reaches the disk, so that `e2fsck -p` can mend it whenever the machine stops.
//
// ext2 has no journal. But of all the states a disk can be in, e2fsck mends some without asking: free blocks or inodes that are
// marked used, wrong counts, names of inodes that are not in use. It does not mend, unasked: an inode in use without a name, a
// block in two files, pointers to rubbish. So the batch is written in steps, each waited for, and flushed where the next relies
// on it; between any two of them the disk is in a state of the first kind:
//
//   1 data of files that got blocks; new blocks of pointers and of directories, bitmaps     nothing refers to the new ones
//   2 inodes that were there and their blocks of pointers; deleted files become unused      a name of an unused inode: mended
//   3 deleted directories, from the inside out                                              none is gone while something is in it
//   4 blocks of directories: a name's new place before its old one                          two names for one link: mended
//   5 files whose name rename(2) gave to another: become unused                             see below
//   6 new inodes, a directory before what is in it                                          until then names of unused inodes
//
// What the batch freed is marked free only in the next one, so that nothing is used for something else before the disk has
// forgotten what it was. Step 4 has an order among blocks (Buffer::level). Where it would be a circle, an operation asks for a commit
// first; likewise where a directory that is new, or about to go, would have to be at hand too early or too late.
//
// rename(2) over an existing file: the old file may not die before its name is the new one's (or there would be a moment without
// either), nor have no name while it lives. In between it hangs in lost+found: only on the disk, only from step 1 to step 5. The same
// holds for two files that exchange their names.
//
// Not mended unasked is the moment in which a directory gets another parent, or a name in another block: its two names and its ".."
// are three blocks, written in one go, but not at once (docs/limits.md).
#include <algorithm>
#include <arch/clock.hpp>
#include <cstring>
#include <kernel/fs/ext2/entries.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/memory/write_back.hpp>
#include <lib/format.hpp>

namespace kernel::ext2 {
namespace {
constexpr unsigned level_max = 250;

bool is_dead(Node const &n) { return n.inode().attributes.nlink == 0; }
bool is_dead_directory(Node const &n) { return is_dead(n) && n.inode().is_directory(); }
bool dies_late(Node const &n) { return is_dead(n) && n.replaced; }
}  // namespace

Result<> Super::order_names(Buffer &from, Buffer &to)
{
    if (&from == &to || to.is_new)  // new blocks are written before all others
        return {};
    if (from.is_new)
        return commit_first;
    if (from.level <= to.level) {
        if (from.precedes || to.level >= level_max)
            return commit_first;
        from.level = static_cast<std::uint8_t>(to.level + 1);
    }
    to.precedes = true;
    return {};
}

void Super::replaced(Node &n)
{
    if (n.fresh || lost_found_ == 0)
        return;
    n.replaced = true;
    ++hanging_;
}

void Super::hold(Node &n)
{
    if (n.fresh || lost_found_ == 0 || n.inode().is_directory())
        return;
    n.held = true;
    ++hanging_;
}

void Super::enter()
{
    (void)wait_until(
        operations_changed_, [this] { return !committing_; }, Sleep::uninterruptible);
    ++operations_;
}

void Super::leave()
{
    if (--operations_ == 0)
        operations_changed_.wake_all();
}

struct Commit {
    Super &fs;
    NodeDirtyList batch{};
    Pfn hanging_image = no_pfn;  // the block of lost+found in which inodes hang, with their names
    Ref<Buffer> hanging_block{};
    bool unflushed = false;

    Result<> run();
    void take_nodes();
    void write_data();
    Result<> write(Stage, unsigned level = ~0u);
    Result<> barrier();
    template <class Wanted>
    Result<> write_nodes(Wanted);
    Result<> write_dead_directories();
    Result<> write_names();
    Result<> write_new_nodes();
    Result<> hang_up();
    Result<> take_down();
    bool hang(Node const &);
    void end(bool ok);
};

// The list of this batch. What is marked dirty from now on (only times and owners can be) belongs to the next.
void Commit::take_nodes()
{
    batch.swap(fs.dirty_nodes_);
    for (auto i = batch.begin(); i != batch.end();) {
        auto &n = *i++;
        if (n.fresh && is_dead(n)) {  // the disk never heard of it, and need not
            batch.erase(batch.iterator_to(n));
            n.dirty = false;
        }
    }
}

// Ahead of a commit, so that operations have to wait less for it. Writing may sleep, and another commit take the list meanwhile: so it is
// not looked at then.
void Super::write_data()
{
    constexpr unsigned most = 32;
    Ref<FilePages> held[most];
    unsigned count = 0;
    for (auto &n : dirty_nodes_)
        if (count < most && n.data_first && n.inode().type() == s_ifreg)
            if (auto &p = static_cast<RegularNode &>(n.inode()).file_pages(); p.any_dirty())
                held[count++] = Ref<FilePages>{&p};
    for (unsigned i = 0; i < count; ++i)
        (void)held[i]->write_out();
}

void Commit::write_data()
{
    auto each = [this](auto f) {
        for (auto &n : batch)
            if (n.data_first && n.inode().type() == s_ifreg)
                f(static_cast<RegularNode &>(n.inode()).file_pages());
    };
    // Pages that are being written may have been dirtied again: those are written in a second round.
    each([](FilePages &p) { p.wait_written(); });
    each([](FilePages &p) { (void)p.write_out(); });
    each([](FilePages &p) { p.wait_written(); });
}

// The dirty buffers of a stage, or of one level of it, in one go.
Result<> Commit::write(Stage stage, unsigned level)
{
    auto &list = fs.buffers.dirty(stage);
    auto chosen = [level](Buffer const &b) { return level == ~0u || b.level == level; };
    IoWait wait;
    {
        IoBatch writes{fs.disk(), BlockOp::write, tell_wait, &wait};
        for (auto &b : list)
            if (chosen(b))
                fs.buffers.submit(writes, b);
    }
    auto written = wait.wait();
    for (auto i = list.begin(); i != list.end();) {
        auto &b = *i++;
        if (chosen(b))
            fs.buffers.cleaned(b);
        unflushed = true;
    }
    return written;
}

Result<> Commit::barrier() { return std::exchange(unflushed, false) ? fs.disk().flush() : Result<>{}; }

template <class Wanted>
Result<> Commit::write_nodes(Wanted wanted)
{
    Result<> result{};
    for (auto i = batch.begin(); i != batch.end() && result.ok();) {
        auto &n = *i++;
        if (!wanted(n))
            continue;
        DiskInode *disk = nullptr;
        auto buffer = fs.inode_buffer(n.number(), disk);
        if (!buffer.ok()) {
            result = buffer.error();
            break;
        }
        if (n.fresh)
            std::memset(static_cast<void *>(disk), 0, fs.geometry.inode_bytes);
        n.encode(*disk, fs.geometry.inode_bytes);
        fs.buffers.mark(*buffer.value(), Stage::inodes);
        batch.erase(batch.iterator_to(n));
        n.dirty = n.fresh = n.data_first = n.size_changed = n.replaced = n.held = false;
        n.death_round = 0;
        n.written_in = fs.batch_;
    }
    auto written = write(Stage::inodes);
    return result.ok() ? written : result;
}

Result<> Commit::write_dead_directories()
{
    for (;;) {
        unsigned round = ~0u;
        for (auto const &n : batch)
            if (is_dead_directory(n))
                round = std::min(round, n.death_round);
        if (round == ~0u)
            return {};
        TRY(barrier());
        TRY(write_nodes([round](Node const &n) { return is_dead_directory(n) && n.death_round == round; }));
    }
}

Result<> Commit::write_names()
{
    while (!fs.buffers.dirty(Stage::names).empty()) {
        unsigned level = ~0u;
        for (auto const &b : fs.buffers.dirty(Stage::names))
            level = std::min<unsigned>(level, b.level);
        TRY(barrier());
        TRY(write(Stage::names, level));
    }
    return {};
}

// New inodes: those whose directory is there, then what is in these, and so on.
Result<> Commit::write_new_nodes()
{
    while (!batch.empty()) {
        TRY(barrier());
        bool any = false;
        for (auto &n : batch) {
            n.appears = !fs.is_fresh(n.home);
            any |= n.appears;
        }
        TRY(write_nodes([any](Node const &n) { return n.appears || !any; }));
    }
    return {};
}

// One more name into the copy of lost+found's block: "#" and the number. False: no room.
bool Commit::hang(Node const &n)
{
    char name[16];
    auto const length = static_cast<unsigned>(format(name, sizeof name, "#%u", n.number()));
    auto const wanted = DiskEntry::needed(length);
    auto *image = static_cast<char *>(frame_address(hanging_image));
    for (std::uint32_t offset = 0; offset < fs.geometry.block_bytes;) {
        auto *e = reinterpret_cast<DiskEntry *>(image + offset);
        auto const used = e->inode == 0 ? 0u : DiskEntry::needed(e->name_bytes);
        if (e->record < used + wanted) {
            offset += e->record;
            continue;
        }
        auto const record = static_cast<std::uint16_t>(e->record - used);
        if (used != 0) {
            e->record = static_cast<std::uint16_t>(used);
            e = reinterpret_cast<DiskEntry *>(image + offset + used);
        } else if (record >= wanted + DiskEntry::header) {
            // The rest of a free record stays one.
            auto *rest = reinterpret_cast<DiskEntry *>(image + offset + wanted);
            *rest = {0, static_cast<std::uint16_t>(record - wanted), 0, 0, {}};
        }
        bool const split = used == 0 && record >= wanted + DiskEntry::header;
        e->record = split ? static_cast<std::uint16_t>(wanted) : record;
        e->inode = n.number();
        e->name_bytes = static_cast<std::uint8_t>(length);
        e->type = (fs.geometry.incompatible & filetype) != 0 ? entry_type(n.inode().attributes.mode) : std::uint8_t{0};
        std::memcpy(e->name, name, length);
        return true;
    }
    return false;
}

// A block of lost+found that nobody has changed lately, with the names of those who are about to lose theirs.
Result<> Commit::hang_up()
{
    if (std::exchange(fs.hanging_, 0u) == 0 || fs.lost_found_ == 0)
        return {};
    auto found = fs.inode(fs.lost_found_);
    if (!found.ok() || !found.value()->is_directory())
        return {};
    auto &directory = static_cast<Directory &>(*found.value());
    Entries entries{directory};
    for (std::uint32_t i = entries.blocks(); i-- != 0 && !hanging_block;) {
        auto block = TRY(entries.block(i));
        bool good = block && block->stage == Stage::clean;
        for (std::uint32_t offset = 0; good && offset < fs.geometry.block_bytes;)
            offset += TRY(entries.at(*block, offset))->record;
        if (good)
            hanging_block = std::move(block);
    }
    if (!hanging_block)
        return {};
    hanging_image = TRY(allocate_frame());
    std::memcpy(frame_address(hanging_image), hanging_block->at(), fs.geometry.block_bytes);
    for (auto &n : batch)
        if ((n.held || dies_late(n)) && !hang(n))
            n.replaced = n.held = false;  // it takes its chance
    unflushed = true;
    return fs.disk().transfer(BlockOp::write, std::uint64_t{hanging_block->block()} * fs.geometry.sectors_per_block(),
                              hanging_image, 0, fs.geometry.block_bytes);
}

Result<> Commit::take_down()
{
    if (!hanging_block)
        return {};
    TRY(barrier());
    unflushed = true;
    return fs.disk().transfer(BlockOp::write, std::uint64_t{hanging_block->block()} * fs.geometry.sectors_per_block(),
                              hanging_block->frame(), 0, fs.geometry.block_bytes);
}

Result<> Commit::run()
{
    take_nodes();
    write_data();
    bool new_blocks = false;
    for (auto const &b : fs.buffers.dirty(Stage::early))
        new_blocks |= b.is_new;
    TRY(write(Stage::early));
    TRY(hang_up());
    if (new_blocks || hanging_block)
        TRY(barrier());
    TRY(write(Stage::mapping));
    bool deaths = false;
    TRY(write_nodes([&deaths](Node const &n) {
        bool const now = !n.fresh && !dies_late(n) && !is_dead_directory(n);
        deaths |= is_dead(n);
        return now;
    }));
    TRY(write_dead_directories());
    if (!deaths)
        unflushed = false;  // names rely on deaths only; the last flush is for all
    TRY(write_names());
    if (hanging_block) {
        TRY(barrier());
        TRY(write_nodes(dies_late));
        TRY(take_down());
    }
    TRY(write_new_nodes());
    return fs.disk().flush();
}

void Commit::end(bool ok)
{
    if (hanging_image != no_pfn)
        unref_frame(hanging_image);
    fs.dirty_nodes_.splice(fs.dirty_nodes_.begin(), batch);  // only after an error
    fs.dirty_since_ns_ = 0;
    ++fs.batch_;
    if (!ok)
        return;
    if (!fs.dirty_nodes_.empty())
        fs.add_dirty();
    fs.apply_pending_frees();
}

Result<> Super::commit()
{
    auto const wanted = batch_;
    write_data();
    MutexGuard guard{commit_mutex_};
    if (aborted_)
        return Error::io;
    if (on_disk(wanted))
        return {};
    committing_ = true;
    (void)wait_until(
        operations_changed_, [this] { return operations_ == 0; }, Sleep::uninterruptible);
    super().write_time = static_cast<std::uint32_t>(now().seconds);
    WriteBackScope others_wait;
    Commit commit{*this};
    auto done = commit.run();
    commit.end(done.ok());
    committing_ = false;
    operations_changed_.wake_all();
    return done.ok() ? done : Result<>{failed(done.error(), "a change cannot be written")};
}
}  // namespace kernel::ext2
