// SPDX-License-Identifier: MIT
// From the guest's transmit ring. Every request is copied out of the ring once, checked, and only then used.
#include <algorithm>
#include <cstring>
#include <drivers/netback/netback.hpp>

namespace netback {
using kernel::net::Checksum;

namespace {
// A train of tiny segments is many packets: what a guest may make others handle for one request is bounded.
constexpr std::uint16_t least_segment = 256;
constexpr unsigned train_cost_bytes = 4096;  // a turn's budget is spent by bytes too
}  // namespace

Result<> Gather::open(domid_t guest, grant_ref_t ring_ref, Pool pool)
{
    guest_ = guest;
    pool_ = std::move(pool);
    return ring.open(guest, {&ring_ref, 1});
}

// What follows a first slot with NETTXF_extra_info. False: hostile.
bool Gather::read_extras(Job &job)
{
    for (unsigned i = 0; i < XEN_NETIF_EXTRA_TYPE_MAX; ++i) {
        netif_tx_request r;
        if (ring->take(r) != pv::Taken::one)
            return false;
        netif_extra_info extra;
        std::memcpy(&extra, &r, sizeof extra);
        answers_[answer_count_++] = {r.id, true};
        if (extra.type == XEN_NETIF_EXTRA_TYPE_NONE || extra.type >= XEN_NETIF_EXTRA_TYPE_MAX)
            return false;
        if (extra.type == XEN_NETIF_EXTRA_TYPE_GSO) {
            job.train_bytes = extra.u.gso.size;
            job.train_type = extra.u.gso.type;
        }
        if (!(extra.flags & XEN_NETIF_EXTRA_FLAG_MORE))
            return true;
    }
    return false;
}

// One packet's requests. Its answers are noted in any case.
Gather::Found Gather::read_packet(Part *parts, unsigned &count, Job &job)
{
    netif_tx_request r;
    auto taken = ring->take(r);
    if (taken != pv::Taken::one)
        return taken == pv::Taken::nothing ? Found::nothing : Found::hostile;
    std::uint32_t const total = r.size;
    job.flags = r.flags;
    job.first_answer = static_cast<std::uint16_t>(answer_count_);
    answers_[answer_count_++] = {r.id, false};
    parts[0] = {r.gref, r.offset, 0, r.id};
    count = 1;
    if ((r.flags & NETTXF_extra_info) && !read_extras(job))
        return Found::hostile;
    std::uint32_t rest = 0;
    bool bad = total < kernel::net::ethernet_header_bytes;
    for (auto flags = r.flags; flags & NETTXF_more_data;) {
        if (count == most_slots)
            return Found::hostile;
        if (ring->take(r) != pv::Taken::one)
            return Found::hostile;  // a packet's slots are published together
        answers_[answer_count_++] = {r.id, false};
        parts[count++] = {r.gref, r.offset, r.size, r.id};
        bad |= r.size == 0 || r.offset + std::uint32_t{r.size} > page_size;
        rest += r.size;
        flags = r.flags;
    }
    bad |= rest >= total;
    if (!bad) {
        parts[0].bytes = static_cast<std::uint16_t>(total - rest);
        bad = parts[0].offset + std::uint32_t{parts[0].bytes} > page_size;
    }
    if (bad)
        return Found::bad_packet;
    return plan(parts, count, total, job) ? Found::packet : Found::bad_packet;
}

// Frames for the packet, without gaps, and the copies that fill them: one wherever a page ends on either side.
bool Gather::plan(Part const *parts, unsigned count, std::uint32_t total, Job &job)
{
    job.data = pool_->packet(total);
    if (!job.data)
        return false;
    auto to = job.data.get();
    std::uint32_t filled = 0;
    job.first_copy = copy_count_;
    for (unsigned i = 0; i < count; ++i)
        for (std::uint32_t done = 0; done < parts[i].bytes;) {
            auto n = std::min<std::uint32_t>(parts[i].bytes - done, page_size - filled);
            auto &c = copies_[copy_count_++];
            c = {};
            c.source.u.ref = parts[i].ref;
            c.source.domid = guest_;
            c.source.offset = static_cast<std::uint16_t>(parts[i].offset + done);
            c.dest.u.gmfn = arch::Mmu::to_machine(kernel::net::frame_of(*to)).raw();
            c.dest.domid = DOMID_SELF;
            c.dest.offset = static_cast<std::uint16_t>(filled);
            c.len = static_cast<std::uint16_t>(n);
            c.flags = GNTCOPY_source_gref;
            done += n;
            filled += n;
            if (filled == page_size) {
                filled = 0;
                to = to->next;
            }
        }
    job.copies = copy_count_ - job.first_copy;
    return true;
}

void Gather::copy_all()
{
    if (copy_count_ && !pv::grant_copy({copies_, copy_count_}).ok())
        for (unsigned i = 0; i < copy_count_; ++i)
            copies_[i].status = GNTST_general_error;
    for (unsigned i = 0; i < job_count_; ++i)
        for (unsigned c = 0; c < jobs_[i].copies; ++c)
            jobs_[i].bad |= copies_[jobs_[i].first_copy + c].status != GNTST_okay;
}

// What the guest says of its packet, as far as the packet agrees. Empty: it cannot be so.
Packet Gather::checked(Job &job)
{
    auto p = std::move(job.data);
    kernel::net::Headers h;
    bool known = kernel::net::parse_headers(p.get(), h);
    if (job.flags & NETTXF_csum_blank) {
        if (!known || !(h.is_tcp() || h.is_udp()))
            return {};
        p.set_checksum(Checksum::blank);
    } else if (job.flags & NETTXF_data_validated) {
        p.set_checksum(Checksum::good);
    }
    if (!job.train_bytes)
        return p;
    auto type = h.version == 6 ? XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4;
    if (!known || !h.is_tcp() || job.train_type != type || job.train_bytes < least_segment
        || p.checksum() != Checksum::blank)
        return {};
    if (p.bytes() - h.payload > job.train_bytes)
        p->segment_bytes = job.train_bytes;
    return p;
}

void Gather::finish(kernel::net::NetDevice &to, void (*each)(kernel::net::NetDevice &, Packet))
{
    copy_all();
    for (unsigned i = 0; i < job_count_; ++i) {
        auto &job = jobs_[i];
        Packet p = job.bad ? Packet{} : checked(job);
        if (p && pool_->held() > most_held)  // somebody here does not read: what he keeps is copied, to the byte
            p = kernel::net::with_own_headers(std::move(p), kernel::net::most_frame_bytes);
        bool good = static_cast<bool>(p);
        for (unsigned a = 0; a < job.answers; ++a) {
            auto const &answer = answers_[job.first_answer + a];
            std::int16_t status = answer.extra ? NETIF_RSP_NULL : good ? NETIF_RSP_OKAY : NETIF_RSP_ERROR;
            ring->put({answer.id, status});
        }
        job.data = Packet{};
        if (good)
            each(to, std::move(p));
        else
            ++to.counters.rx_errors;
    }
    job_count_ = copy_count_ = answer_count_ = 0;
}

bool Gather::take(unsigned budget, unsigned &spent, RateLimit &rate, kernel::net::NetDevice &to,
                  void (*each)(kernel::net::NetDevice &, Packet))
{
    bool hostile = false;
    auto now = arch::now_ns();
    for (spent = 0; spent < budget && !hostile && !rate.exhausted(now);) {
        constexpr unsigned most_of_one = 2 * most_slots;  // copies; answers with extras
        if (job_count_ == most_jobs || copy_count_ + most_of_one > most_copies
            || answer_count_ + most_of_one > most_answers)
            finish(to, each);
        auto &job = jobs_[job_count_];
        job = {};
        Part parts[most_slots];
        unsigned count = 0;
        auto const copies_before = copy_count_;
        auto found = read_packet(parts, count, job);
        if (found == Found::nothing)
            break;
        hostile = found == Found::hostile;
        job.bad = found != Found::packet;
        job.answers = static_cast<std::uint16_t>(answer_count_ - job.first_answer);
        if (hostile)
            break;
        if (job.bad) {
            job.copies = 0;
            copy_count_ = copies_before;
        }
        auto bytes = job.data ? job.data.bytes() : 0u;
        spent += 1 + bytes / train_cost_bytes;
        rate.charge(bytes);
        ++job_count_;
    }
    finish(to, each);
    return !hostile;
}
}  // namespace netback
