// SPDX-License-Identifier: MIT
#include <cstring>
#include <kernel/fs/ext2/buffers.hpp>

namespace kernel::ext2 {
Buffer::~Buffer() { unref_frame(frame_); }

// A dirty buffer has a reference of the dirty list's, so that this is a clean one.
void Buffer::last_reference_gone()
{
    if (forgotten_ || !valid_) {
        owner_->remove(*this);
        delete this;
        return;
    }
    owner_->unused_.push_back(*this);
    owner_->trim(owner_->unused_max_);
}

Buffers::~Buffers()
{
    for (auto &list : dirty_)
        while (!list.empty())
            cleaned(list.front());
    trim(0);
}

Ref<Buffer> Buffers::find(std::uint32_t block)
{
    for (auto *b = table_[block % buckets]; b; b = b->next_in_bucket)
        if (b->block_ == block) {
            if (b->unused_hook.is_linked())
                unused_.erase(unused_.iterator_to(*b));
            return Ref<Buffer>{b};
        }
    return nullptr;
}

void Buffers::remove(Buffer &b)
{
    for (auto **slot = &table_[b.block_ % buckets]; *slot; slot = &(*slot)->next_in_bucket)
        if (*slot == &b) {
            *slot = b.next_in_bucket;
            return;
        }
}

Result<Ref<Buffer>> Buffers::make(std::uint32_t block)
{
    auto frame = TRY(allocate_frame());
    if (auto other = find(block)) {
        unref_frame(frame);
        return other;
    }
    auto *b = new (std::nothrow) Buffer{*this, block, frame};
    if (!b) {
        unref_frame(frame);
        return Error::nomem;
    }
    b->next_in_bucket = std::exchange(table_[block % buckets], b);
    return Ref<Buffer>{b};
}

Result<Ref<Buffer>> Buffers::read(std::uint32_t block)
{
    auto b = find(block);
    if (b && b->valid_)
        return b;
    if (b) {  // somebody is reading it
        (void)wait_until(
            read_, [&] { return b->valid_ || b->forgotten_; }, Sleep::uninterruptible);
        return b->valid_ ? Result<Ref<Buffer>>{std::move(b)} : Result<Ref<Buffer>>{Error::io};
    }
    b = TRY(make(block));
    auto const sectors = block_bytes_ >> sector_shift;
    auto done = device_.transfer(BlockOp::read, std::uint64_t{block} * sectors, b->frame_, 0, block_bytes_);
    (done.ok() ? b->valid_ : b->forgotten_) = true;
    if (!done.ok())
        remove(*b);
    read_.wake_all();
    return done.ok() ? Result<Ref<Buffer>>{std::move(b)} : Result<Ref<Buffer>>{done.error()};
}

Result<Ref<Buffer>> Buffers::fresh(std::uint32_t block)
{
    auto b = find(block);
    if (!b)
        b = TRY(make(block));
    std::memset(b->at(), 0, page_size);
    b->valid_ = true;
    mark(*b, Stage::early);
    b->is_new = true;
    return b;
}

void Buffers::mark(Buffer &b, Stage stage)
{
    if (b.stage != Stage::clean)
        return;  // a new block stays one; all other blocks have one purpose
    b.stage = stage;
    b.ref();
    dirty(stage).push_back(b);
}

void Buffers::cleaned(Buffer &b)
{
    dirty(b.stage).erase(dirty(b.stage).iterator_to(b));
    b.stage = Stage::clean;
    b.is_new = b.precedes = false;
    b.level = 0;
    b.unref();
}

void Buffers::forget(std::uint32_t block)
{
    auto b = find(block);
    if (!b)
        return;
    b->forgotten_ = true;
    if (b->stage != Stage::clean)
        cleaned(*b);
}

bool Buffers::any_dirty() const
{
    for (auto const &list : dirty_)
        if (!list.empty())
            return true;
    return false;
}

void Buffers::submit(IoBatch &batch, Buffer &b)
{
    batch.add(b.frame_, 0, block_bytes_, std::uint64_t{b.block_} * (block_bytes_ >> sector_shift));
}

void Buffers::trim(unsigned keep)
{
    while (unused_.size() > keep) {
        auto &b = unused_.front();
        unused_.pop_front();
        remove(b);
        delete &b;
    }
}
}  // namespace kernel::ext2
