// SPDX-License-Identifier: MIT
// A front end's request, taken apart and checked. Only memory: no ring, no grant, so that it runs on the host against all that a
// hostile front end can write.
//
// Everything that is looked at here is a private copy. What is not refused is: a known operation; at most max_segments segments; each
// of them 1 to 8 sectors of one page; a range that does not wrap. Whether it lies on the disk is the disk's to say.
#pragma once
#include <cstdint>
#include <lib/result.hpp>
#include <pv/io/blkif.h>
#include <span>

namespace blkback {
inline constexpr unsigned max_segments = 64;       // of an indirect request: what "feature-max-indirect-segments" says
inline constexpr unsigned max_indirect_pages = 1;  // which hold them

enum class Kind : std::uint8_t { read, write, barrier, flush, discard };

struct Request {
    std::uint64_t id = 0;
    std::uint8_t operation = 0;  // echoed in the response
    Kind kind = Kind::read;
    bool secure = false;  // discard
    std::uint64_t sector = 0, sectors = 0;
    unsigned segments = 0;
    blkif_request_segment segment[max_segments];
    // Indirect: the page that has the segments; it is to be copied into `segment` before check_segments().
    bool indirect = false;
    grant_ref_t indirect_ref = 0;
};

// Error::opnotsupp: an operation we do not know; Error::inval: one that makes no sense. id and operation are valid in any case.
Result<> decode(blkif_request const &, Request &out);
Result<> check_segments(Request &);  // also sums up `sectors`
}  // namespace blkback
