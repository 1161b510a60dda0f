// SPDX-License-Identifier: MIT
// send(2), recv(2) and their message forms.
#include <kernel/ipc/socket_calls.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/syscall.hpp>
#include <kernel/time/clock.hpp>
#include <memory>

namespace kernel {
namespace {
constexpr std::uint32_t iov_max = 1024, control_max = 65536;
constexpr std::uint32_t most_bytes = 0x7fff'f000;  // as read(2)

// A kernel copy of a message header's iovec.
struct Vector {
    std::unique_ptr<IoBuffer::Segment[]> segments;
    std::size_t total = 0;
    Result<> load(abi_msghdr const &h)
    {
        if (h.iov_count > iov_max)
            return Error::msgsize;
        segments.reset(new (std::nothrow) IoBuffer::Segment[h.iov_count + 1]);
        if (!segments)
            return Error::nomem;
        TRY(copy_in(segments.get(), Vaddr{h.iov}, h.iov_count * sizeof(IoBuffer::Segment)));
        for (std::uint32_t i = 0; i < h.iov_count; ++i) {
            if (segments[i].length > most_bytes - total)
                return Error::inval;
            total += segments[i].length;
        }
        return {};
    }
    IoBuffer buffer(abi_msghdr const &h) const { return IoBuffer::vector(segments.get(), h.iov_count, total); }
};

Result<std::int32_t> send_one(SocketHandle &socket, abi_msghdr const &h, unsigned flags)
{
    Vector v;
    TRY(v.load(h));
    auto data = v.buffer(h);
    TRY(data.check());
    SendRequest request{data, flags};
    SocketAddress to;
    if (h.name && h.name_bytes) {
        to = TRY(read_address(h.name, h.name_bytes));
        request.to = &to;
    }
    std::unique_ptr<char[]> control;
    if (h.control_bytes) {
        if (h.control_bytes > control_max)
            return Error::nobufs;
        control.reset(new (std::nothrow) char[h.control_bytes]);
        if (!control)
            return Error::nobufs;
        TRY(copy_in(control.get(), Vaddr{h.control}, h.control_bytes));
        request.control = {control.get(), h.control_bytes};
    }
    return static_cast<std::int32_t>(TRY(socket->send(request)));
}

// Writes name, control and flags back into the user's header.
Result<std::int32_t> receive_one(SocketHandle &socket, UserPtr<abi_msghdr> user, unsigned flags)
{
    auto h = TRY(user.read());
    Vector v;
    TRY(v.load(h));
    auto data = v.buffer(h);
    TRY(data.check());
    SocketAddress from;
    std::uint32_t room = h.control_bytes < control_max ? h.control_bytes : control_max;
    std::unique_ptr<char[]> bytes{new (std::nothrow) char[room + 1]};
    if (!bytes)
        return Error::nobufs;
    ControlWriter control{bytes.get(), h.control ? room : 0};
    ReceiveRequest request{data, flags, h.name ? &from : nullptr, &control};
    auto n = TRY(socket->receive(request));
    if (h.name) {
        auto fits = h.name_bytes < 0 ? 0u : static_cast<std::uint32_t>(h.name_bytes);
        TRY(copy_out(Vaddr{h.name}, from.data, fits < from.bytes ? fits : from.bytes));
    }
    h.name_bytes = static_cast<std::int32_t>(from.bytes);
    TRY(copy_out(Vaddr{h.control}, bytes.get(), control.used()));
    h.control_bytes = control.used();
    h.flags = request.out_flags | (control.truncated ? unsigned{abi_msg_ctrunc} : 0) | (flags & abi_msg_cmsg_cloexec);
    TRY(user.write(h));
    return static_cast<std::int32_t>(n);
}
}  // namespace

Result<std::int32_t> sys_sendto(int fd, std::uint32_t data, std::uint32_t n, unsigned flags, std::uint32_t address,
                                std::int32_t bytes)
{
    auto socket = TRY(socket_of(fd));
    auto from = IoBuffer::user(Vaddr{data}, n < most_bytes ? n : most_bytes);
    TRY(from.check());
    SendRequest request{from, flags};
    SocketAddress to;
    if (address && bytes) {
        to = TRY(read_address(address, bytes));
        request.to = &to;
    }
    return static_cast<std::int32_t>(TRY(socket->send(request)));
}

Result<std::int32_t> sys_recvfrom(int fd, std::uint32_t data, std::uint32_t n, unsigned flags, std::uint32_t address,
                                  UserPtr<std::int32_t> bytes)
{
    auto socket = TRY(socket_of(fd));
    auto to = IoBuffer::user(Vaddr{data}, n < most_bytes ? n : most_bytes);
    TRY(to.check());
    SocketAddress from;
    ReceiveRequest request{to, flags, address ? &from : nullptr};
    auto got = TRY(socket->receive(request));
    if (address)
        TRY(write_address(from, address, bytes));
    return static_cast<std::int32_t>(got);
}

Result<std::int32_t> sys_sendmsg(int fd, UserPtr<abi_msghdr> user, unsigned flags)
{
    auto socket = TRY(socket_of(fd));
    return send_one(socket, TRY(user.read()), flags);
}

Result<std::int32_t> sys_recvmsg(int fd, UserPtr<abi_msghdr> user, unsigned flags)
{
    auto socket = TRY(socket_of(fd));
    return receive_one(socket, user, flags);
}

// The number of messages; an error only if it struck the first.
Result<std::int32_t> sys_sendmmsg(int fd, UserPtr<abi_mmsghdr> list, std::uint32_t count, unsigned flags)
{
    auto socket = TRY(socket_of(fd));
    std::uint32_t done = 0;
    for (; done < count && done < iov_max; ++done) {
        auto item = (list + done);
        auto header = TRY(item.as<abi_msghdr>().read());
        auto sent = send_one(socket, header, flags);
        if (!sent.ok()) {
            if (done)
                break;
            return sent;
        }
        TRY(copy_out(item.address() + sizeof(abi_msghdr), &sent.value(), sizeof(std::uint32_t)));
    }
    return static_cast<std::int32_t>(done);
}

Result<std::int32_t> sys_recvmmsg(int fd, UserPtr<abi_mmsghdr> list, std::uint32_t count, unsigned flags,
                                  std::uint32_t timeout)
{
    auto socket = TRY(socket_of(fd));
    std::uint64_t deadline = arch::no_deadline;
    if (timeout)
        deadline = deadline_after(TRY(to_ns(TRY(UserPtr<abi_timespec32>{timeout}.read()))));
    std::uint32_t done = 0;
    for (; done < count && done < iov_max; ++done) {
        auto item = list + done;
        auto got = receive_one(socket, item.as<abi_msghdr>(), flags & ~unsigned{abi_msg_waitforone});
        if (!got.ok()) {
            if (done)
                break;
            return got;
        }
        TRY(copy_out(item.address() + sizeof(abi_msghdr), &got.value(), sizeof(std::uint32_t)));
        if (flags & abi_msg_waitforone)
            flags |= abi_msg_dontwait;
        if (arch::now_ns() >= deadline) {
            ++done;
            break;
        }
    }
    return static_cast<std::int32_t>(done);
}

SYSCALL(sendto, 369, sys_sendto);
SYSCALL(sendmsg, 370, sys_sendmsg);
SYSCALL(recvfrom, 371, sys_recvfrom);
SYSCALL(recvmsg, 372, sys_recvmsg);
SYSCALL(recvmmsg, 337, sys_recvmmsg);
SYSCALL(sendmmsg, 345, sys_sendmmsg);
}  // namespace kernel
