// SPDX-License-Identifier: MIT
// Both ends of a shared ring (ring.h), for C++. Each end keeps its own indices in private memory
// and trusts of the other's only what it has checked: an index that is out of range is reported, a
// message is copied once and then used from the copy.
//
//     FrontRing<blkif_sring>                      BackRing<blkif_sring>
//     put(request)* -> push() -> notify?   ===>   while (more()) take(request)
//     while (more()) take(response)        <===   put(response)* -> push() -> notify?
//
// `more()` asks to be notified before it says no, so a reader may sleep when it has.
#ifndef PV_IO_RING_HPP
#define PV_IO_RING_HPP

#include "ring.h"
#include <stddef.h>

namespace pv {

/// What one take() found.
enum class Taken {
    nothing,  ///< the other end has published no more
    one,      ///< a message was copied
    overrun,  ///< the other end's index makes no sense: give the connection up
};

namespace ring_detail {

inline RING_IDX load(const RING_IDX &shared) { return __atomic_load_n(&shared, __ATOMIC_ACQUIRE); }

inline void store(RING_IDX &shared, RING_IDX value) { __atomic_store_n(&shared, value, __ATOMIC_RELEASE); }

/// Publishes `next`; true if the other end's event index lies in what was published.
inline bool publish(RING_IDX &shared_prod, const RING_IDX &shared_event, RING_IDX previous, RING_IDX next)
{
    store(shared_prod, next);
    // The index must be visible before the event is read: the other end does the reverse.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return next - load(shared_event) < next - previous;
}

/// One fetch of shared memory: the compiler may not go back to the original afterwards.
template <class Message>
inline void copy_once(Message &to, const Message &from)
{
    __builtin_memcpy(&to, &from, sizeof to);
    asm volatile("" : "+m"(to) : : "memory");
}

}  // namespace ring_detail

/// Slots of a ring in so many bytes: PV_RING_SLOTS for a type parameter.
template <class Sring>
constexpr uint32_t ring_slots(uint32_t bytes)
{
    auto n = static_cast<uint32_t>((bytes - offsetof(Sring, ring)) / sizeof(Sring::ring[0]));
    return PV_RING_FLOOR2(n);
}

/// Makes the page(s) at `shared` an empty ring. The front end does this before it grants them.
template <class Sring>
void init_shared_ring(Sring &shared)
{
    __builtin_memset(&shared, 0, sizeof shared);
    shared.req_event = shared.rsp_event = 1;
}

/// The end that sends requests and reads responses. `slots` is PV_RING_SLOTS(name, bytes).
template <class Sring>
class FrontRing {
public:
    using Request = decltype(Sring::ring[0].req);
    using Response = decltype(Sring::ring[0].rsp);

    FrontRing() = default;
    FrontRing(Sring &shared, uint32_t slots, RING_IDX index = 0)
        : shared_{&shared}, slots_{slots}, req_prod_{index}, pushed_{index}, rsp_cons_{index}
    {
    }

    uint32_t slots() const { return slots_; }
    /// Requests that may be put before a response must be taken.
    uint32_t free() const { return slots_ - in_flight(); }
    /// Requests put whose response has not been taken.
    uint32_t in_flight() const { return req_prod_ - rsp_cons_; }

    /// Writes a request to the next slot; the other end does not see it yet. Needs free() > 0.
    void put(const Request &request) { shared_->ring[req_prod_++ & (slots_ - 1)].req = request; }

    /// Shows the other end all that was put; true if it wants to be notified.
    bool push()
    {
        const RING_IDX previous = pushed_;
        pushed_ = req_prod_;
        return ring_detail::publish(shared_->req_prod, shared_->req_event, previous, pushed_);
    }

    /// Copies the next response out.
    Taken take(Response &response)
    {
        const RING_IDX waiting = ring_detail::load(shared_->rsp_prod) - rsp_cons_;
        if (waiting == 0)
            return Taken::nothing;
        if (waiting > pushed_ - rsp_cons_)  // more answers than questions
            return Taken::overrun;
        ring_detail::copy_once(response, shared_->ring[rsp_cons_++ & (slots_ - 1)].rsp);
        return Taken::one;
    }

    /// True if there are responses to take; if not, the next one will be notified.
    bool more()
    {
        if (ring_detail::load(shared_->rsp_prod) != rsp_cons_)
            return true;
        ring_detail::store(shared_->rsp_event, rsp_cons_ + 1);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        return ring_detail::load(shared_->rsp_prod) != rsp_cons_;
    }

private:
    Sring *shared_ = nullptr;
    uint32_t slots_ = 0;
    RING_IDX req_prod_ = 0, pushed_ = 0, rsp_cons_ = 0;
};

/// The end that reads requests and sends responses.
template <class Sring>
class BackRing {
public:
    using Request = decltype(Sring::ring[0].req);
    using Response = decltype(Sring::ring[0].rsp);

    BackRing() = default;
    BackRing(Sring &shared, uint32_t slots, RING_IDX index = 0)
        : shared_{&shared}, slots_{slots}, rsp_prod_{index}, pushed_{index}, req_cons_{index}
    {
    }

    uint32_t slots() const { return slots_; }
    /// Requests taken and not answered.
    uint32_t in_flight() const { return req_cons_ - rsp_prod_; }

    /// Copies the next request out.
    Taken take(Request &request)
    {
        const RING_IDX produced = ring_detail::load(shared_->req_prod);
        if (produced == req_cons_)
            return Taken::nothing;
        if (produced - rsp_prod_ > slots_)  // requests over slots that are not free
            return Taken::overrun;
        ring_detail::copy_once(request, shared_->ring[req_cons_++ & (slots_ - 1)].req);
        return Taken::one;
    }

    /// Writes a response, in any order of the requests. Needs in_flight() > 0.
    void put(const Response &response) { shared_->ring[rsp_prod_++ & (slots_ - 1)].rsp = response; }

    /// Shows the other end all that was put; true if it wants to be notified.
    bool push()
    {
        const RING_IDX previous = pushed_;
        pushed_ = rsp_prod_;
        return ring_detail::publish(shared_->rsp_prod, shared_->rsp_event, previous, pushed_);
    }

    /// True if there are requests to take; if not, the next one will be notified.
    bool more()
    {
        if (ring_detail::load(shared_->req_prod) != req_cons_)
            return true;
        ring_detail::store(shared_->req_event, req_cons_ + 1);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        return ring_detail::load(shared_->req_prod) != req_cons_;
    }

private:
    Sring *shared_ = nullptr;
    uint32_t slots_ = 0;
    RING_IDX rsp_prod_ = 0, pushed_ = 0, req_cons_ = 0;
};

}  // namespace pv

#endif  // PV_IO_RING_HPP
