// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <drivers/blkback/server.hpp>
#include <kernel/log.hpp>
#include <kernel/process/process.hpp>

namespace blkback {
using kernel::BlockOp;

Result<> Server::start(domid_t front, std::span<grant_ref_t const> ring, pv::Port port, bool persistent, char const *name)
{
    front_ = front;
    mappings_.open(front, persistent);
    work_.reset(new (std::nothrow) Work[works]);
    if (!work_)
        return Error::nomem;
    free_ = done_ = nullptr;
    for (unsigned i = 0; i < works; ++i) {
        work_[i].server = this;
        work_[i].next = std::exchange(free_, &work_[i]);
    }
    TRY(ring_.open(front, ring));
    port_ = TRY(pv::EventPort::interdomain(front, port));
    event_ = true;  // there may be requests already
    stop_ = broken_ = false;
    TRY(port_.on_event(on_event, this));
    runs_ = true;
    auto started = kernel::start_kernel_thread(name, thread, this);
    runs_ = started.ok();
    return started.ok() ? Result<>{} : Result<>{started.error()};
}

void Server::stop()
{
    {
        arch::IrqGuard guard;
        stop_ = true;
        events_.wake_all();
    }
    (void)kernel::wait_until(
        events_, [this] { return !runs_; }, kernel::Sleep::uninterruptible);
    port_.release();
    mappings_.clear();
    ring_.close();
    work_ = nullptr;
}

void Server::on_event(void *context)
{
    auto &s = *static_cast<Server *>(context);
    s.event_ = true;
    s.events_.wake_all();
}

// In interrupt handlers.
void Server::transferred(kernel::BlockIo &io)
{
    auto &w = *static_cast<Work *>(io.context);
    auto &s = *w.server;
    arch::IrqGuard guard;
    if (io.result != Error::none)
        w.error = io.result;
    if (--w.pending != 0)
        return;
    w.next = std::exchange(s.done_, &w);
    s.events_.wake_all();
}

void Server::thread(void *argument)
{
    auto &s = *static_cast<Server *>(argument);
    kernel::current().serves_write_back = true;
    s.serve();
    arch::IrqGuard guard;
    s.runs_ = false;
    s.events_.wake_all();
}

void Server::serve()
{
    for (;;) {
        (void)kernel::wait_until(
            events_, [this] { return done_ || (stop_ ? under_way_ == 0 : !broken_ && free_ && event_); },
            kernel::Sleep::uninterruptible);
        bool any = answer_done();
        if (stop_ && under_way_ == 0)
            return;
        if (!stop_ && !broken_ && free_) {
            event_ = false;
            any |= take_requests();
        }
        if (any && !broken_ && ring_->push())
            port_.notify();
    }
}

// The requests that are there, as far as there is room to work on them. True: some were answered at once.
bool Server::take_requests()
{
    auto const before = under_way_;
    unsigned begun = 0;
    do {
        while (free_) {
            blkif_request q;
            auto const taken = ring_->take(q);
            if (taken == pv::Taken::nothing)
                break;
            if (taken == pv::Taken::overrun) {
                broken_ = true;
                on_broken(on_broken_context);
                return false;
            }
            auto &w = *free_;
            free_ = w.next;
            ++under_way_;
            ++begun;
            auto decoded = decode(q, w.request);
            w.mapped = 0;
            w.error = Error::none;
            if (decoded.ok())
                begin(w);
            else
                finish(w, decoded.error());
        }
        if (!free_) {
            event_ = true;  // more may be there; answers make room
            break;
        }
    } while (ring_->more());
    return under_way_ < before + begun;
}

bool Server::answer_done()
{
    bool any = false;
    for (;;) {
        Work *w = nullptr;
        {
            arch::IrqGuard guard;
            w = done_;
            if (w)
                done_ = w->next;
        }
        if (!w)
            return any;
        any = true;
        finish(*w, w->error);
    }
}

void Server::finish(Work &w, Error error)
{
    for (unsigned i = 0; i < w.mapped; ++i)
        mappings_.release(*w.mapping[i]);
    w.mapped = 0;
    auto const status = error == Error::none ? BLKIF_RSP_OKAY
        : error == Error::opnotsupp          ? BLKIF_RSP_EOPNOTSUPP
                                             : BLKIF_RSP_ERROR;
    if (!broken_)
        ring_->put({w.request.id, w.request.operation, static_cast<std::int16_t>(status)});
    w.next = std::exchange(free_, &w);
    --under_way_;
}

void Server::begin(Work &w)
{
    auto &r = w.request;
    bool const writes = r.kind != Kind::read && r.kind != Kind::flush;
    Result<> ready{};
    if (writes && read_only_)
        ready = Error::rofs;
    else if (r.indirect)
        ready = fetch_indirect(r);
    if (ready.ok() && (writes ? fail_write : fail_read).meets(r))
        ready = Error::io;
    if (ready.ok() && r.kind == Kind::discard && (r.secure || r.sectors > ~0u || !disk_->limits().discard))
        ready = r.secure || !disk_->limits().discard ? Error::opnotsupp : Error::inval;
    if (ready.ok() && r.kind != Kind::flush && r.kind != Kind::discard)
        ready = map(w);
    if (!ready.ok())
        return finish(w, ready.error());
    switch (r.kind) {
    case Kind::read:
    case Kind::write: return submit_data(w, false);
    case Kind::barrier: return barrier(w);
    case Kind::flush: return submit_plain(w, BlockOp::flush);
    case Kind::discard: return submit_plain(w, BlockOp::discard);
    }
}

// The segments are copied once, then checked. Of a front end with persistent grants that page, too, stays mapped.
Result<> Server::fetch_indirect(Request &r)
{
    auto *page = TRY(mappings_.map(r.indirect_ref, false));
    std::memcpy(r.segment, page->page.address(), r.segments * sizeof r.segment[0]);
    asm volatile("" : : : "memory");  // nothing is read from the page again
    mappings_.release(*page);
    return check_segments(r);
}

Result<> Server::map(Work &w)
{
    bool const writable = w.request.kind == Kind::read;
    for (; w.mapped < w.request.segments; ++w.mapped) {
        auto const &s = w.request.segment[w.mapped];
        auto *m = TRY(mappings_.map(s.gref, writable));
        w.mapping[w.mapped] = m;
        w.segment[w.mapped] = {m->page.frame(), static_cast<std::uint16_t>(s.first_sect * kernel::sector_bytes),
                               static_cast<std::uint16_t>((s.last_sect - s.first_sect + 1) * kernel::sector_bytes)};
    }
    return {};
}

void Server::submit_data(Work &w, bool fua)
{
    constexpr unsigned each = max_segments / parts;
    static_assert(each <= kernel::PooledIo::room);
    auto sector = w.request.sector;
    auto const count = (w.request.segments + each - 1) / each;
    w.pending = count;
    for (unsigned i = 0; i < count; ++i) {
        auto &io = w.io[i];
        io.op = w.request.kind == Kind::read ? BlockOp::read : BlockOp::write;
        io.fua = fua;
        io.sector = sector;
        io.segments = w.segment + i * each;
        io.segment_count = std::min(each, w.request.segments - i * each);
        io.sectors = 0;
        for (unsigned k = 0; k < io.segment_count; ++k)
            io.sectors += io.segments[k].bytes >> kernel::sector_shift;
        sector += io.sectors;
        io.done = transferred;
        io.context = &w;
    }
    for (unsigned i = 0; i < count; ++i)
        disk_->submit(w.io[i]);
}

void Server::submit_plain(Work &w, BlockOp op)
{
    auto &io = w.io[0];
    w.pending = 1;
    io.op = op;
    io.fua = false;
    io.sector = op == BlockOp::discard ? w.request.sector : 0;
    io.sectors = op == BlockOp::discard ? static_cast<std::uint32_t>(w.request.sectors) : 0;
    io.segments = nullptr;
    io.segment_count = 0;
    io.done = transferred;
    io.context = &w;
    disk_->submit(io);
}

// All before it, then it, then all after it: the old way of being sure.
void Server::barrier(Work &w)
{
    auto wait_for = [this](auto condition) {
        while (!condition()) {
            (void)kernel::wait_until(
                events_, [this] { return done_ != nullptr; }, kernel::Sleep::uninterruptible);
            (void)answer_done();
        }
    };
    wait_for([this] { return under_way_ == 1; });
    auto flushed = disk_->flush();
    if (!flushed.ok() || w.request.segments == 0)
        return finish(w, flushed.ok() ? Error::none : flushed.error());
    submit_data(w, true);
    wait_for([this] { return under_way_ == 0; });
}
}  // namespace blkback
