// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <drivers/blkfront/front_disk.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>

namespace blkfront {
namespace {
constexpr std::uint32_t id_bits = 8;
static_assert(FrontDisk::shadows == 1u << id_bits);
}  // namespace

Result<> FrontDisk::open(domid_t other, unsigned ring_pages)
{
    if (!shadow_)
        shadow_.reset(new (std::nothrow) Shadow[shadows]);
    if (!shadow_)
        return Error::nomem;
    if (!has_pool())
        TRY(make_pool(128));
    free_shadows_ = {};
    broken_ = false;
    TRY(ring_.open(other, ring_pages));
    auto const pages = std::clamp(kernel::frame_counts().total / 64, segments_most + 2, pages_most);
    pages_ = TRY(pv::GrantedFrames::make(other, pv::Access::writable, pages, segments_most + 1));
    free_pages_ = pv::FreeNumbers<pages_most>{pages_.count()};
    port_ = TRY(pv::EventPort::unbound(other));
    return port_.on_event(on_event, this);
}

void FrontDisk::use(Features const &f)
{
    arch::IrqGuard guard;
    features_ = f;
    auto &l = limits_;
    l.logical_bytes = f.sector_bytes;
    l.physical_bytes = f.physical_bytes;
    l.write_cache = f.flush || f.barrier;
    l.discard = f.discard;
    l.discard_granularity = f.discard_granularity;
    l.max_segments = f.indirect_segments != 0 ? segments_most : kernel::PooledIo::room;
    l.max_sectors = l.max_segments << (page_shift - kernel::sector_shift);
    l.depth = shadows;
    read_only_ = f.read_only;
    set_sectors(f.sectors);
    gone = false;
    flowing_ = true;
    room();
}

void FrontDisk::close(Error e)
{
    unsigned taken_back = 0;
    {
        arch::IrqGuard guard;
        flowing_ = false;
        gone = e != Error::none;
        for (unsigned i = 0; shadow_ && i < shadows; ++i) {
            auto *r = shadow_[i].request;
            if (!r)
                continue;
            release(shadow_[i]);
            if (--r->parts != 0)
                continue;
            if (e != Error::none) {
                ended(*r, e);
                continue;
            }
            take_back(*r);
            ++taken_back;
        }
        if (e != Error::none)
            fail_waiting(e);
    }
    if (taken_back != 0)
        kernel::log("%s: %u requests under way wait for the back end to return", name(), taken_back);
    port_.release();
    pages_ = {};
    ring_.close();
}

unsigned FrontDisk::segments_per_part() const
{
    return features_.indirect_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST
        ? std::min(features_.indirect_segments, segments_most)
        : BLKIF_MAX_SEGMENTS_PER_REQUEST;
}

unsigned FrontDisk::parts_of(BlockRequest const &r) const
{
    if (r.op != BlockOp::read && r.op != BlockOp::write)
        return 1;
    auto const bytes = segments_per_part() << page_shift;
    return ((r.sectors << kernel::sector_shift) + bytes - 1) / bytes;
}

// A flush while the back end is away, with nothing done since the last one, has nothing to wait for: a guest can power off.
void FrontDisk::start(kernel::BlockIo &io)
{
    if (io.op == BlockOp::flush && !flowing_ && writes_done_ == writes_flushed_)
        return finish(io, Error::none);
    QueuedDisk::start(io);
}

// All parts of a request or none.
bool FrontDisk::issue(BlockRequest &r)
{
    if (!flowing_)
        return false;
    auto const parts = parts_of(r);
    auto const bytes = r.sectors << kernel::sector_shift;
    bool const moves = r.op == BlockOp::read || r.op == BlockOp::write;
    auto const pages = moves ? pages_for(bytes) + parts : 0;  // and one each for indirect segments
    if (ring_->free() < parts || free_shadows_.count() < parts || free_pages_.count() < pages)
        return false;
    r.parts = parts;
    r.error = Error::none;
    if (!moves) {
        put_plain(r);
        return true;
    }
    auto const per_part = segments_per_part() << page_shift;
    for (std::uint32_t offset = 0; offset < bytes; offset += per_part)
        put_data(r, offset, std::min(per_part, bytes - offset));
    return true;
}

void FrontDisk::issued()
{
    if (flowing_ && ring_->push())
        port_.notify();
}

FrontDisk::Shadow &FrontDisk::new_shadow(BlockRequest &r, std::uint8_t operation, std::uint64_t &id)
{
    auto const i = free_shadows_.take();
    auto &s = shadow_[i];
    s.request = &r;
    s.operation = operation;
    s.pages = 0;
    s.indirect_page = -1;
    id = i | std::uint64_t{++s.generation} << id_bits;
    return s;
}

void FrontDisk::put_plain(BlockRequest &r)
{
    blkif_request q{};
    if (r.op == BlockOp::discard) {
        blkif_request_discard d{};
        d.operation = BLKIF_OP_DISCARD;
        d.sector_number = r.sector;
        d.nr_sectors = r.sectors;
        std::uint64_t id = 0;
        (void)new_shadow(r, d.operation, id);
        d.id = id;
        static_assert(sizeof d <= sizeof q);
        std::memcpy(&q, &d, sizeof d);
    } else {
        q.operation = features_.flush ? BLKIF_OP_FLUSH_DISKCACHE : BLKIF_OP_WRITE_BARRIER;
        std::uint64_t id = 0;
        new_shadow(r, q.operation, id).offset = writes_done_;
        q.id = id;
    }
    ring_->put(q);
}

void FrontDisk::put_data(BlockRequest &r, std::uint32_t offset, std::uint32_t bytes)
{
    std::uint8_t const operation = r.op == BlockOp::read ? BLKIF_OP_READ : BLKIF_OP_WRITE;
    auto const count = static_cast<std::uint16_t>(pages_for(bytes));
    bool const indirect = count > BLKIF_MAX_SEGMENTS_PER_REQUEST;
    blkif_request q{};
    std::uint64_t id = 0;
    auto &s = new_shadow(r, operation, id);  // which the answer repeats, of an indirect request too
    s.offset = offset;
    s.pages = count;
    s.bytes_in_last = static_cast<std::uint16_t>(bytes - ((count - 1u) << page_shift));
    auto *segments = q.seg;
    if (indirect) {
        s.indirect_page = static_cast<std::int16_t>(free_pages_.take());
        segments = reinterpret_cast<blkif_request_segment *>(pages_.address(static_cast<unsigned>(s.indirect_page)));
    }
    for (unsigned i = 0; i < count; ++i) {
        s.page[i] = free_pages_.take();
        auto const last = (i + 1u < count ? page_size : s.bytes_in_last) / kernel::sector_bytes - 1;
        segments[i] = {pages_.ref(s.page[i]), 0, static_cast<std::uint8_t>(last)};
    }
    if (r.op == BlockOp::write)
        copy(s, true);
    auto const sector = r.sector + (offset >> kernel::sector_shift);
    if (indirect) {
        blkif_request_indirect d{};
        d.operation = BLKIF_OP_INDIRECT;
        d.indirect_op = operation;
        d.nr_segments = count;
        d.id = id;
        d.sector_number = sector;
        d.indirect_grefs[0] = pages_.ref(static_cast<unsigned>(s.indirect_page));
        static_assert(sizeof d <= sizeof q && segments_most <= page_size / sizeof(blkif_request_segment));
        std::memcpy(&q, &d, sizeof d);
    } else {
        q.operation = operation;
        q.nr_segments = static_cast<std::uint8_t>(count);
        q.id = id;
        q.sector_number = sector;
    }
    ring_->put(q);
}

// Between the request's segments, of any size, and this part's pages, in one walk over the segments.
void FrontDisk::copy(Shadow const &s, bool to_pages)
{
    auto const end = s.offset + ((s.pages - 1u) << page_shift) + s.bytes_in_last;
    std::uint32_t at = 0;  // of the segment in the request
    s.request->for_each_segment([&](kernel::BlockSegment const &segment) {
        auto const stop = std::min(at + segment.bytes, end);
        for (auto from = std::max(at, s.offset); from < stop;) {
            auto const place = from - s.offset, inside = place & (page_size - 1);
            auto const n = std::min(stop - from, page_size - inside);
            auto *theirs = static_cast<char *>(kernel::frame_address(segment.frame)) + segment.offset + (from - at);
            auto *ours = pages_.address(s.page[place >> page_shift]) + inside;
            to_pages ? std::memcpy(ours, theirs, n) : std::memcpy(theirs, ours, n);
            from += n;
        }
        at += segment.bytes;
    });
}

void FrontDisk::release(Shadow &s)
{
    for (unsigned i = 0; i < s.pages; ++i)
        free_pages_.put(s.page[i]);
    if (s.indirect_page >= 0)
        free_pages_.put(static_cast<unsigned>(s.indirect_page));
    s.request = nullptr;
    s.pages = 0;
    s.indirect_page = -1;
    free_shadows_.put(static_cast<unsigned>(&s - shadow_.get()));
}

void FrontDisk::on_event(void *context) { static_cast<FrontDisk *>(context)->take_responses(); }

void FrontDisk::take_responses()
{
    if (!ring_.is_open() || broken_)
        return;
    plug();  // what the answers make room for goes out together
    do {
        blkif_response answered;
        for (;;) {
            auto const taken = ring_->take(answered);
            if (taken == pv::Taken::nothing)
                break;
            if (taken == pv::Taken::overrun)
                give_up_on("answers more than it was asked");
            else if (!answer(answered))
                give_up_on("answers what it was not asked");
            if (broken_)
                break;
        }
    } while (!broken_ && ring_->more());
    unplug();
}

// False: there is no such request under way.
bool FrontDisk::answer(blkif_response const &a)
{
    auto const i = static_cast<std::uint32_t>(a.id & (shadows - 1));
    auto &s = shadow_[i];
    if (!s.request || a.id >> id_bits != s.generation || a.operation != s.operation)
        return false;
    auto &r = *s.request;
    auto error = a.status == BLKIF_RSP_OKAY ? Error::none : Error::io;
    if (a.status == BLKIF_RSP_EOPNOTSUPP) {
        error = Error::opnotsupp;
        if (r.op == BlockOp::flush) {  // it never could: what is done is as durable as it will be
            features_.flush = features_.barrier = limits_.write_cache = false;
            error = Error::none;
        } else if (r.op == BlockOp::discard) {
            features_.discard = limits_.discard = false;
        }
    }
    if (error == Error::none && r.op == BlockOp::read)
        copy(s, false);
    else if (error == Error::none && r.op == BlockOp::flush)
        writes_flushed_ = s.offset;
    else if (r.op != BlockOp::read)
        ++writes_done_;  // or partly
    release(s);
    part_ended(r, error);
    return true;
}

void FrontDisk::part_ended(BlockRequest &r, Error e)
{
    if (e != Error::none)
        r.error = e;
    if (--r.parts == 0)
        ended(r, r.error);
}

void FrontDisk::give_up_on(char const *what)
{
    broken_ = true;
    flowing_ = false;
    kernel::log("<3>%s: the back end %s: no longer used", name(), what);
    if (on_broken)
        on_broken(on_broken_context);
}
}  // namespace blkfront
