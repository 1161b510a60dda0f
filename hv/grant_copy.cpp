// SPDX-License-Identifier: MIT
// GNTTABOP_copy: up to a page from one domain's frame to another's, without mapping either. Each side is a grant of somebody's to the
// caller, or a frame of the caller's own. While it copies, each side holds the references and the pin that a mapping would.
#include <hv/frames.hpp>
#include <hv/grant.hpp>
#include <hv/map.hpp>

namespace hv {
namespace {

class Side {
public:
    explicit Side(bool writable) : writable_{writable} {}
    ~Side();
    Side(Side const &) = delete;
    Side &operator=(Side const &) = delete;

    Result<> open(gnttab_copy_ptr const &, bool by_reference);
    Mfn frame() const { return mfn_of(*frame_); }

private:
    Result<> hold(Mfn, Domain &);
    bool writable_;
    Domain *granter_ = nullptr;
    ActiveGrant *pin_ = nullptr;
    Frame *frame_ = nullptr;
};

Result<> Side::hold(Mfn mfn, Domain &owner)
{
    auto got = writable_ ? get_frame_and_type(mfn, &owner, FrameType::writable) : get_frame(mfn, &owner);
    if (!got.ok())
        return Error::inval;
    frame_ = got.value();
    return {};
}

Result<> Side::open(gnttab_copy_ptr const &p, bool by_reference)
{
    Domain &self = current_domain();
    if (!by_reference)
        return p.domid == DOMID_SELF ? hold(Mfn{p.u.gmfn}, self) : Result<>{Error::perm};
    granter_ = p.domid == DOMID_SELF ? &self : p.domid < DOMID_FIRST_RESERVED ? find_domain(p.domid) : nullptr;
    if (!granter_ || granter_->dying || !granter_->grants)
        return Error::srch;
    pin_ = TRY(pin_grant(*granter_, p.u.ref, self, writable_));
    return hold(pin_->frame, *granter_);
}

Side::~Side()
{
    if (pin_)
        unpin_grant(*granter_, *pin_, writable_);
    if (frame_ && writable_)
        static_cast<void>(put_frame_and_type(*frame_));
    else if (frame_)
        put_frame(*frame_);
}

}  // namespace

Result<> copy_grant(gnttab_copy const &op)
{
    if (op.len == 0)
        return {};
    if (op.source.offset + op.len > page_size || op.dest.offset + op.len > page_size)
        return Error::range;
    Side source{false}, dest{true};
    TRY(source.open(op.source, op.flags & GNTCOPY_source_gref));
    TRY(dest.open(op.dest, op.flags & GNTCOPY_dest_gref));
    Mapped<char> from{source.frame()}, to{dest.frame()};
    __builtin_memmove(to.get() + op.dest.offset, from.get() + op.source.offset, op.len);  // it may be one frame
    return {};
}

}  // namespace hv
