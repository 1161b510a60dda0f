// SPDX-License-Identifier: MIT
// XENMEM_exchange: gives memory back and takes as much in return, in extents of another size: how a driver gets machine-contiguous memory.
//
// It goes by chunks of the larger of the two extent sizes. The new memory of a chunk is allocated before anything is given back, so
// a chunk is exchanged as a whole or not at all:
//
//   check that every input frame can go -> allocate the output -> give the input back -> publish the output
#include <hv/cpu.hpp>
#include <hv/frames.hpp>
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/memory.hpp>
#include <hv/memory_op.hpp>
#include <hv/mmu.hpp>

namespace hv {
namespace {

constexpr unsigned max_chunk_order = 9;

struct Exchange {
    Reservation in, out;
    std::uint32_t done;  // input extents
    unsigned chunk_order;
    std::uint32_t in_per_chunk() const { return 1u << (chunk_order - in.extent_order); }
    std::uint32_t out_per_chunk() const { return 1u << (chunk_order - out.extent_order); }
};

Result<Exchange> read_exchange(xen_memory_exchange const &arg)
{
    Exchange e{};
    e.in = TRY(check_reservation(arg.in));
    e.out = TRY(check_reservation(arg.out));
    e.done = arg.nr_exchanged;
    unsigned larger = e.in.extent_order > e.out.extent_order ? e.in.extent_order : e.out.extent_order;
    if (larger > max_chunk_order)
        return current_domain().privileged ? Error::inval : Error::perm;
    e.chunk_order = larger;
    bool same_size = std::uint64_t{e.in.extents} << e.in.extent_order
        == std::uint64_t{e.out.extents} << e.out.extent_order;
    if (!same_size || arg.in.domid != arg.out.domid || e.done > e.in.extents || e.in.extents % e.in_per_chunk()
        || e.done % e.in_per_chunk())
        return Error::inval;
    return e;
}

struct Chunk {
    std::uint32_t in[1u << max_chunk_order], in_count;    // frames, one by one; each holds a reference of ours
    std::uint32_t out[1u << max_chunk_order], out_count;  // first frames of extents
    std::uint32_t gpfn[1u << max_chunk_order];
};
Chunk chunk;  // too large for the stack; mmu_lock guards it

// A frame can go when its allocation is the only reference: nothing maps it, no table, no pin. Our own reference makes a frame that is
// named twice fail the second time.
Result<> hold_input(std::uint32_t mfn, Domain &d)
{
    Frame &f = *TRY(get_frame(Mfn{mfn}, &d));
    if (f.count != (Frame::allocated | 2) || f.type_count() != 0 || f.is(Frame::partial) || (f.owner & frame_is_special)) {
        put_frame(f);
        return Error::inval;
    }
    chunk.in[chunk.in_count++] = mfn;
    return {};
}

Result<> collect_input(Exchange const &e)
{
    for (std::uint32_t x = 0; x < e.in_per_chunk(); ++x) {
        std::uint32_t mfn;
        if (!read_guest(mfn, e.in.list + (e.done + x) * 4))
            return Error::fault;
        for (std::uint32_t i = 0; i < 1u << e.in.extent_order; ++i)
            TRY(hold_input(mfn + i, *e.in.owner));
    }
    return {};
}

std::uint32_t first_output(Exchange const &e) { return e.done / e.in_per_chunk() * e.out_per_chunk(); }

Result<> allocate_output(Exchange const &e)
{
    Domain &d = *e.out.owner;
    std::uint32_t slots = e.out.list + first_output(e) * 4;
    if (copy_from_guest(chunk.gpfn, slots, e.out_per_chunk() * 4))
        return Error::fault;
    // The two amounts are equal and both are there only until we are done: the new one alone counts against the limit.
    d.total_pages -= chunk.in_count;
    Result<> r;
    while (r.ok() && chunk.out_count < e.out_per_chunk()) {
        auto first = allocate_extent(e.out);
        if (first.ok())
            chunk.out[chunk.out_count++] = first.value().raw();
        else
            r = first.error();
    }
    d.total_pages += chunk.in_count;
    return r;
}

void drop_input(Exchange const &e, bool exchanged)
{
    for (std::uint32_t i = 0; i < chunk.in_count; ++i) {
        if (exchanged)
            static_cast<void>(release_frame(Mfn{chunk.in[i]}, *e.in.owner));
        put_frame(frame_of(Mfn{chunk.in[i]}));
    }
}

void drop_output(Exchange const &e)
{
    for (std::uint32_t i = 0; i < chunk.out_count; ++i)
        for (std::uint32_t k = 0; k < 1u << e.out.extent_order; ++k)
            static_cast<void>(release_frame(Mfn{chunk.out[i] + k}, *e.out.owner));
}

Result<> publish_output(Exchange const &e)
{
    for (std::uint32_t i = 0; i < chunk.out_count; ++i)
        for (std::uint32_t k = 0; k < 1u << e.out.extent_order; ++k)
            set_m2p(Mfn{chunk.out[i] + k}, chunk.gpfn[i] + k);
    if (copy_to_guest(e.out.list + first_output(e) * 4, chunk.out, chunk.out_count * 4))
        return Error::fault;
    return {};
}

Result<> exchange_chunk(Exchange &e)
{
    chunk.in_count = chunk.out_count = 0;
    Result<> r = collect_input(e);
    if (r.ok())
        r = allocate_output(e);
    drop_input(e, r.ok());
    if (!r.ok()) {
        drop_output(e);
        return r;
    }
    r = publish_output(e);
    e.done += e.in_per_chunk();
    return r;
}

}  // namespace

std::int32_t exchange_memory(std::uint32_t arg)
{
    xen_memory_exchange in;
    if (!read_guest(in, arg))
        return to_errno(Result<>{Error::fault});
    auto parsed = read_exchange(in);
    if (!parsed.ok())
        return to_errno(Result<>{parsed.error() == Error::nomem ? Error::inval : parsed.error()});
    Exchange e = parsed.value();
    std::uint32_t start = e.done;
    Result<> r;
    bool preempted = false;
    while (r.ok() && !preempted && e.done < e.in.extents) {
        preempted = e.done != start && preempt_requested();
        if (preempted)
            break;
        r = exchange_chunk(e);
        count_work(1u << e.chunk_order);
    }
    if (!write_guest(arg + offsetof(xen_memory_exchange, nr_exchanged), e.done))
        return to_errno(Result<>{Error::fault});
    return preempted ? continue_hypercall({}) : to_errno(r);
}

}  // namespace hv
