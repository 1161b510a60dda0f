// SPDX-License-Identifier: MIT
// eventfd(2): a counter that can be waited for.
#include <kernel/ipc/anonymous.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/syscall.hpp>
#include <lib/format.hpp>
#include <linux/poll.h>

namespace kernel {
namespace {
constexpr unsigned efd_semaphore = 1, efd_nonblock = 04000, efd_cloexec = 02000000, o_rdwr = 2;
constexpr std::uint64_t most = ~std::uint64_t{0} - 1;

class EventFile final : public File {
public:
    EventFile(std::uint64_t count, bool semaphore, unsigned open_flags)
        : File{open_flags}, count_{count}, semaphore_{semaphore}
    {
    }
    Result<std::size_t> read(IoBuffer &to, std::uint64_t &) override
    {
        if (to.left() < sizeof count_)
            return Error::inval;
        if (!count_) {
            if (nonblocking())
                return Error::again;
            TRY(wait_until(changed_, [this] { return count_ != 0; }));
        }
        std::uint64_t value = semaphore_ ? 1 : count_;
        count_ -= value;
        changed_.wake_all();
        return to.put(&value, sizeof value);
    }
    Result<std::size_t> write(IoBuffer &from, std::uint64_t &) override
    {
        std::uint64_t value;
        if (from.left() < sizeof value)
            return Error::inval;
        if (TRY(from.get(&value, sizeof value)) < sizeof value)
            return Error::fault;
        if (value > most)
            return Error::inval;
        if (value > most - count_) {
            if (nonblocking())
                return Error::again;
            TRY(wait_until(changed_, [this, value] { return value <= most - count_; }));
        }
        count_ += value;
        changed_.wake_all();
        return sizeof value;
    }
    unsigned poll(PollTable *table) override
    {
        if (table)
            table->add(changed_);
        return (count_ ? POLLIN | POLLRDNORM : 0) | (count_ < most ? POLLOUT | POLLWRNORM : 0);
    }
    void describe(char *out, std::size_t size) override { format(out, size, "anon_inode:[eventfd]"); }

private:
    std::uint64_t count_;
    bool const semaphore_;
    WaitQueue changed_;
};

Result<std::int32_t> sys_eventfd2(std::uint32_t initial, unsigned flags)
{
    if (flags & ~(efd_semaphore | efd_nonblock | efd_cloexec))
        return Error::inval;
    auto file = TRY(make_ref<EventFile>(initial, (flags & efd_semaphore) != 0, o_rdwr | (flags & efd_nonblock)));
    return install_anonymous(Ref<File>{file}, flags);
}
Result<std::int32_t> sys_eventfd(std::uint32_t initial) { return sys_eventfd2(initial, 0); }

SYSCALL(eventfd, 323, sys_eventfd);
SYSCALL(eventfd2, 328, sys_eventfd2);
}  // namespace
}  // namespace kernel
