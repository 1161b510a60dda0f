// SPDX-License-Identifier: MIT
// Zeroed frames, anywhere, each granted as long as the object lives: what data are copied through, so that the other end sees no
// other memory. A frame that it still has mapped then stays with its grant until it lets go.
#pragma once
#include <kernel/memory/frames.hpp>
#include <pvlib/device/grant.hpp>

namespace pv {
class GrantedFrames {
public:
    GrantedFrames() = default;
    // As many of those wanted as there is memory for. Error::nomem: fewer than `least`.
    static Result<GrantedFrames> make(domid_t other, Access access, unsigned wanted, unsigned least)
    {
        GrantedFrames made;
        made.frames_.reset(new (std::nothrow) Frame[wanted]);
        while (made.frames_ && made.count_ < wanted && made.frames_[made.count_].make(other, access).ok())
            ++made.count_;
        if (!made.frames_ || made.count_ < least)
            return Error::nomem;
        return made;
    }
    unsigned count() const { return count_; }
    grant_ref_t ref(unsigned i) const { return frames_[i].grant.raw(); }
    char *address(unsigned i) const { return static_cast<char *>(kernel::frame_address(frames_[i].frame)); }

private:
    struct Frame {
        Pfn frame = no_pfn;
        GrantRef grant;
        Result<> make(domid_t other, Access access)
        {
            frame = TRY(kernel::allocate_zeroed_frame());
            grant = TRY(GrantRef::to(other, frame, access));
            return {};
        }
        ~Frame()
        {
            grant.end();
            if (frame != no_pfn)
                kernel::unref_frame(frame);
        }
    };
    std::unique_ptr<Frame[]> frames_;
    unsigned count_ = 0;
};
}  // namespace pv
