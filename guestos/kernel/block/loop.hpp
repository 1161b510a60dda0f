// SPDX-License-Identifier: MIT
// Loop devices: a file as a block device, loop(4). Also what serves a guest's disk from a file.
//
//   /dev/loop0 --submit--> queue --> thread "loop0" --> File::read, write, sync, allocate(PUNCH_HOLE)
//
// The thread is one that write-back waits for: it takes memory from the reserve and is not throttled as a writer, for the pages that it
// makes dirty in the file are the ones that were clean the moment before.
#pragma once
#include <kernel/block/block_device.hpp>
#include <kernel/fs/file.hpp>
#include <linux/loop.h>

namespace kernel {
class BlockFile;

class LoopDevice final : public BlockDevice {
public:
    explicit LoopDevice(unsigned number);
    LoopDevice *as_loop() override { return this; }
    unsigned number() const { return number_; }
    bool bound() const { return static_cast<bool>(file_); }
    File const *file() const { return file_.get(); }

    // Error::busy: it has a file. Error::inval: not a regular file or block device, or one that lies on this very device.
    Result<> bind(Ref<File>, loop_info64 const &, std::uint32_t block_bytes, bool read_only);
    Result<> unbind();  // in use by others: when they are done
    Result<> change_file(Ref<File>);
    Result<> set_info(loop_info64 const &);
    loop_info64 info() const;
    Result<> update_size();
    Result<> set_block_bytes(std::uint32_t);
    void unused() override;

protected:
    void start(BlockIo &) override;

private:
    static void thread(void *);
    void serve(BlockIo &);
    Result<> move(BlockIo const &);
    void stop();
    std::uint64_t file_bytes() const;

    unsigned number_;
    Ref<File> file_;
    loop_info64 info_{};
    BlockIo *first_ = nullptr, *last_ = nullptr;  // the queue; changed with interrupts off
    WaitQueue changed_;
    bool running_ = false, stop_ = false;
};

Result<std::int32_t> loop_ioctl(LoopDevice &, BlockFile &, unsigned command, std::uint32_t argument);
Result<Ref<LoopDevice>> loop_device(unsigned number);  // makes it if it does not exist
void loop_init();
}  // namespace kernel
