// SPDX-License-Identifier: MIT
// What a TCP connection has been given to send and the other end has not acknowledged: pages in a row, which lwIP's segments refer to.
//
//      pages:  [.....xxxxxxxx][xxxxxxxxxxxxx][xxxxxx-------]
//                    ^acknowledged up to here       ^written by the program up to here; room behind it
//                         ^handed to lwIP up to here (unsent() is what lies behind)
//
// A page is given up when all of it is acknowledged; what still refers to it (a packet in an interface's queue, or at a receiver
// on this machine) holds the frame itself.
#pragma once
#include <kernel/memory/frames.hpp>
#include <memory>
#include <new>

namespace kernel::net {
class SendBuffer {
public:
    SendBuffer() = default;
    ~SendBuffer() { clear(); }
    SendBuffer(SendBuffer const &) = delete;
    SendBuffer &operator=(SendBuffer const &) = delete;

    std::uint32_t bytes() const { return bytes_; }    // not acknowledged
    std::uint32_t unsent() const { return unsent_; }  // not handed to lwIP
    struct Room {
        char *at;
        std::uint32_t bytes;
    };
    // Behind what was written. A page that will not be filled at once is zeroed behind that: the whole page may be shown to
    // another domain. Error::nobufs
    Result<Room> room(std::uint32_t expected);
    void wrote(std::uint32_t n);
    struct Piece {
        char const *at;
        std::uint32_t bytes;  // in one page
    };
    Piece next_unsent() const;
    void handed_over(std::uint32_t n);
    void acknowledged(std::uint32_t n);
    void clear();

private:
    struct Page {
        Pfn frame;
        std::uint32_t end;
    };
    bool grow();
    Page &page(std::uint32_t i) const { return pages_[(first_ + i) & (capacity_ - 1)]; }
    std::unique_ptr<Page[]> pages_;
    std::uint32_t first_ = 0, count_ = 0, capacity_ = 0;
    std::uint32_t start_ = 0;                 // acknowledged up to here in the first page
    std::uint32_t next_page_ = 0, next_ = 0;  // handed over up to here
    std::uint32_t bytes_ = 0, unsent_ = 0;
};
}  // namespace kernel::net
