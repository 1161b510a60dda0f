// SPDX-License-Identifier: MIT
// Serves one front end's ring from a block device.
//
//   ring ---take, copy once---> decode, check ---> map pages ---> BlockDevice::submit
//     ^                                                                |
//     '--- response <--- unmap <--- thread <--- done list <--- done() -'  (interrupt)
//
// One thread for each disk does all of it but done(). It is one that write-back waits for (memory/write_back.hpp).
#pragma once
#include <drivers/blkback/mappings.hpp>
#include <drivers/blkback/request.hpp>
#include <kernel/block/block_device.hpp>
#include <pvlib/device/back_ring.hpp>
#include <pvlib/device/event_port.hpp>

namespace blkback {
// Sectors that a test wants to fail; none as a rule.
struct Faults {
    std::uint64_t first = 0, count = 0;
    bool meets(Request const &r) const { return r.sector < first + count && first < r.sector + r.sectors; }
};

class Server {
public:
    Faults fail_read, fail_write;  // set before start()
    Server(kernel::Ref<kernel::BlockDevice> disk, bool read_only) : disk_{std::move(disk)}, read_only_{read_only} {}
    ~Server() { stop(); }
    Server(Server const &) = delete;
    Server &operator=(Server const &) = delete;

    Result<> start(domid_t front, std::span<grant_ref_t const> ring, pv::Port, bool persistent, char const *name);
    void stop();  // waits for what is under way; nothing of the front end's is in use afterwards
    // Called on the thread when the front end breaks the rules; nothing is served any more.
    void (*on_broken)(void *) = nullptr;
    void *on_broken_context = nullptr;

private:
    static constexpr unsigned works = 64;  // requests under way
    static constexpr unsigned parts = 2;   // transfers for one: a device takes half of max_segments in one at least
    struct Work {
        Server *server = nullptr;
        Work *next = nullptr;
        Request request;
        Mapping *mapping[max_segments];
        unsigned mapped = 0;
        kernel::BlockSegment segment[max_segments];
        kernel::BlockIo io[parts];
        unsigned pending = 0;  // changed by interrupt handlers
        Error error = Error::none;
    };
    static void thread(void *);
    static void on_event(void *);
    static void transferred(kernel::BlockIo &);
    void serve();
    bool take_requests();
    bool answer_done();
    void begin(Work &);
    Result<> fetch_indirect(Request &);
    Result<> map(Work &);
    void submit_data(Work &, bool fua);
    void submit_plain(Work &, kernel::BlockOp);
    void barrier(Work &);
    void finish(Work &, Error);

    kernel::Ref<kernel::BlockDevice> disk_;
    bool read_only_;
    domid_t front_ = 0;
    pv::SharedBackRing<blkif_sring> ring_;
    pv::EventPort port_;
    Mappings mappings_;
    std::unique_ptr<Work[]> work_;
    Work *free_ = nullptr;
    Work *done_ = nullptr;  // a stack; interrupt handlers push
    unsigned under_way_ = 0;
    kernel::WaitQueue events_;
    bool event_ = false, stop_ = false, runs_ = false, broken_ = false;
};
}  // namespace blkback
