// SPDX-License-Identifier: MIT
#include <cstring>
#include <drivers/blkback/request.hpp>

namespace blkback {
namespace {
Result<> decode_discard(blkif_request const &q, Request &out)
{
    blkif_request_discard d;
    std::memcpy(&d, &q, sizeof d);
    out.kind = Kind::discard;
    out.id = d.id;
    out.sector = d.sector_number;
    out.sectors = d.nr_sectors;
    out.secure = (d.flag & BLKIF_DISCARD_SECURE) != 0;
    bool const wraps = d.sector_number + d.nr_sectors < d.sector_number;
    return d.nr_sectors == 0 || wraps ? Result<>{Error::inval} : Result<>{};
}

Result<> decode_indirect(blkif_request const &q, Request &out)
{
    blkif_request_indirect d;
    std::memcpy(&d, &q, sizeof d);
    out.indirect = true;
    out.id = d.id;
    out.sector = d.sector_number;
    out.segments = d.nr_segments;
    out.indirect_ref = d.indirect_grefs[0];
    if (d.indirect_op != BLKIF_OP_READ && d.indirect_op != BLKIF_OP_WRITE)
        return Error::opnotsupp;
    out.operation = d.indirect_op;  // what the answer repeats
    out.kind = d.indirect_op == BLKIF_OP_READ ? Kind::read : Kind::write;
    return d.nr_segments == 0 || d.nr_segments > max_segments ? Result<>{Error::inval} : Result<>{};
}
}  // namespace

Result<> decode(blkif_request const &q, Request &out)
{
    out.indirect = out.secure = false;
    out.operation = q.operation;
    out.id = q.id;
    out.sectors = 0;
    out.segments = 0;
    switch (q.operation) {
    case BLKIF_OP_READ: out.kind = Kind::read; break;
    case BLKIF_OP_WRITE: out.kind = Kind::write; break;
    case BLKIF_OP_WRITE_BARRIER: out.kind = Kind::barrier; break;
    case BLKIF_OP_FLUSH_DISKCACHE: out.kind = Kind::flush; break;
    case BLKIF_OP_DISCARD: return decode_discard(q, out);
    case BLKIF_OP_INDIRECT: return decode_indirect(q, out);
    default: return Error::opnotsupp;
    }
    out.sector = q.sector_number;
    out.segments = q.nr_segments;
    if (q.nr_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST)
        return Error::inval;
    bool const needs_data = out.kind == Kind::read || out.kind == Kind::write;
    if (q.nr_segments == 0)
        return needs_data ? Result<>{Error::inval} : Result<>{};
    std::memcpy(out.segment, q.seg, sizeof q.seg);
    return check_segments(out);
}

Result<> check_segments(Request &r)
{
    r.sectors = 0;
    for (unsigned i = 0; i < r.segments; ++i) {
        auto const &s = r.segment[i];
        if (s.first_sect > s.last_sect || s.last_sect > 7)
            return Error::inval;
        r.sectors += s.last_sect - s.first_sect + 1u;
    }
    return r.sector + r.sectors < r.sector ? Result<>{Error::inval} : Result<>{};
}
}  // namespace blkback
