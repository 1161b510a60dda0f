// SPDX-License-Identifier: MIT
// What a guest's disk lies on: a block device of ours, or a file through a loop device that is bound for it.
//
// Two writers of one disk ruin it: who writes claims it, as mount(2) does. Readers may share.
#pragma once
#include <kernel/block/loop.hpp>

namespace blkback {
class Backing {
public:
    ~Backing() { close(); }
    // A path of this domain's.
    Result<> open(std::string_view path, bool read_only);
    // "MAJOR:MINOR" in hexadecimal, as hotplug scripts write it.
    Result<> open_number(std::string_view number, bool read_only);
    void close();  // also what was half opened; flushes it
    // A sentence for an error of open(), as far as it is one that a user can do something about.
    static char const *explain(Error);

    kernel::Ref<kernel::BlockDevice> const &device() const { return device_; }
    bool read_only() const { return read_only_; }

private:
    Result<> bind_loop(kernel::Ref<kernel::File>, std::string_view path);
    Result<> claim();
    kernel::Ref<kernel::BlockDevice> device_;
    kernel::Ref<kernel::LoopDevice> loop_;  // ours to give up again
    bool read_only_ = false, claimed_ = false;
};
}  // namespace blkback
