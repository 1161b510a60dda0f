// SPDX-License-Identifier: MIT
// The disk behind a ring to another domain. It stays when the back end goes and comes: what was under way is asked for again.
//
//   BlockRequest --issue()--> one or more ring requests ("parts"), each with pages from the pool ----> back end
//        ^                      Shadow[id]: what was asked                                              |
//        '--- all parts answered <--- response: id, operation, status; checked against the Shadow <-----'
//
// Data are copied through pages of our own that stay granted: the back end sees no other memory, and a page that it keeps mapped
// for ever is never anything else. (They are "persistent" grants: a back end that can keep them mapped saves its hypercalls.)
#pragma once
#include <kernel/block/queued_disk.hpp>
#include <pv/io/blkif.h>
#include <pvlib/device/event_port.hpp>
#include <pvlib/device/free_numbers.hpp>
#include <pvlib/device/front_ring.hpp>
#include <pvlib/device/granted_frames.hpp>

namespace blkfront {
using kernel::BlockOp;
using kernel::BlockRequest;

struct Features {
    std::uint64_t sectors = 0;
    std::uint32_t sector_bytes = 512, physical_bytes = 512;
    bool read_only = false, flush = false, barrier = false, discard = false;
    std::uint32_t discard_granularity = 0;
    unsigned indirect_segments = 0;  // 0: the back end takes no indirect requests
};

class FrontDisk final : public kernel::QueuedDisk {
public:
    static constexpr unsigned segments_most = 64;  // of a merged request
    static constexpr unsigned shadows = 256;       // parts under way, as far as the ring has slots
    static constexpr unsigned pages_most = 256;    // that are granted
    using QueuedDisk::QueuedDisk;

    // All but attach() and the handler run on the bus's thread.
    Result<> open(domid_t other, unsigned ring_pages);
    void use(Features const &);  // requests flow from here on
    // Nothing flows any more; what was under way waits for the next use(), or fails with the error.
    void close(Error e = Error::none);
    pv::GrantedPages const &ring_pages() const { return ring_.pages(); }
    pv::Port port() const { return port_.raw(); }
    bool broken() const { return broken_; }  // the back end broke the rules
    // Called from the handler when that happens: it has to be told to somebody who may sleep.
    void (*on_broken)(void *) = nullptr;
    void *on_broken_context = nullptr;

protected:
    void start(kernel::BlockIo &) override;
    bool issue(BlockRequest &) override;
    void issued() override;

private:
    struct Shadow {
        BlockRequest *request = nullptr;  // null: free
        std::uint8_t operation = 0;
        std::uint16_t generation = 0;  // part of the id: an answer counts once
        std::uint16_t pages = 0, bytes_in_last = 0;
        std::uint32_t offset = 0;  // of this part in the request's data; of a flush: the writes that it covers
        std::int16_t indirect_page = -1;
        std::uint16_t page[segments_most];
    };
    static void on_event(void *);
    void take_responses();
    bool answer(blkif_response const &);
    void give_up_on(char const *what);
    unsigned parts_of(BlockRequest const &) const;
    void put_data(BlockRequest &, std::uint32_t offset, std::uint32_t bytes);
    void put_plain(BlockRequest &);
    Shadow &new_shadow(BlockRequest &, std::uint8_t operation, std::uint64_t &id);
    void release(Shadow &);
    void copy(Shadow const &, bool to_pages);
    void part_ended(BlockRequest &, Error);
    unsigned segments_per_part() const;

    pv::SharedFrontRing<blkif_sring> ring_;
    pv::EventPort port_;
    pv::GrantedFrames pages_;
    pv::FreeNumbers<pages_most> free_pages_{0};
    Features features_;
    std::unique_ptr<Shadow[]> shadow_;
    pv::FreeNumbers<shadows> free_shadows_;
    std::uint32_t writes_done_ = 0, writes_flushed_ = 0;  // counted, modulo 2^32
    bool flowing_ = false, broken_ = false;
};
}  // namespace blkfront
