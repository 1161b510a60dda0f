// SPDX-License-Identifier: MIT
// The socket calls but for messages, by their own numbers; socketcall.cpp has them all behind number 102.
#include <asm/socket.h>
#include <kernel/fs/fd_table.hpp>
#include <kernel/ipc/anonymous.hpp>
#include <kernel/ipc/socket_calls.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/syscall.hpp>

namespace kernel {
Result<SocketHandle> socket_of(int fd)
{
    SocketHandle h{TRY(current().files->get(fd))};
    if (!h.file->as_socket())
        return Error::notsock;
    return h;
}

Result<SocketAddress> read_address(std::uint32_t user, std::int32_t bytes)
{
    if (bytes < 0 || static_cast<std::uint32_t>(bytes) > SocketAddress::capacity)
        return Error::inval;
    SocketAddress a;
    a.bytes = static_cast<std::uint32_t>(bytes);
    TRY(copy_in(a.data, Vaddr{user}, a.bytes));
    return a;
}

// Cut to what fits; the length that it has is reported.
Result<> write_address(SocketAddress const &a, std::uint32_t user, UserPtr<std::int32_t> bytes)
{
    auto room = TRY(bytes.read());
    if (room < 0)
        return Error::inval;
    auto n = static_cast<std::uint32_t>(room) < a.bytes ? static_cast<std::uint32_t>(room) : a.bytes;
    TRY(copy_out(Vaddr{user}, a.data, n));
    return bytes.write(static_cast<std::int32_t>(a.bytes));
}

namespace {
constexpr int type_flags = abi_sock_nonblock | abi_sock_cloexec;

Result<SocketFamily const *> check_kind(int family, int type)
{
    if (type & ~(abi_sock_type_mask | type_flags))
        return Error::inval;
    if (family < 0 || family >= abi_af_max)
        return Error::afnosupport;
    auto found = find_socket_family(family);
    if (!found)
        return Error::afnosupport;
    return found;
}
}  // namespace

Result<std::int32_t> sys_socket(int family, int type, int protocol)
{
    auto kind = TRY(check_kind(family, type));
    auto socket = TRY(kind->create(type & abi_sock_type_mask, protocol, static_cast<unsigned>(type & abi_sock_nonblock)));
    return install_anonymous(Ref<File>{socket}, static_cast<unsigned>(type));
}

Result<std::int32_t> sys_socketpair(int family, int type, int protocol, UserPtr<SocketPair> out)
{
    auto kind = TRY(check_kind(family, type));
    if (!kind->pair)
        return Error::opnotsupp;
    Ref<Socket> made[2];
    TRY(kind->pair(type & abi_sock_type_mask, protocol, static_cast<unsigned>(type & abi_sock_nonblock), made));
    SocketPair fds{};
    auto &files = *current().files;
    fds.first = TRY(install_anonymous(Ref<File>{made[0]}, static_cast<unsigned>(type)));
    auto second = install_anonymous(Ref<File>{made[1]}, static_cast<unsigned>(type));
    Result<> done = second.ok() ? Result<>{} : Result<>{second.error()};
    if (second.ok()) {
        fds.second = second.value();
        done = out.write(fds);
        if (!done.ok())
            (void)files.close(fds.second);
    }
    if (!done.ok()) {
        (void)files.close(fds.first);
        return done.error();
    }
    return 0;
}

Result<std::int32_t> sys_bind(int fd, std::uint32_t address, std::int32_t bytes)
{
    auto socket = TRY(socket_of(fd));
    auto name = TRY(read_address(address, bytes));
    TRY(socket->bind(name));
    return 0;
}

Result<std::int32_t> sys_connect(int fd, std::uint32_t address, std::int32_t bytes)
{
    auto socket = TRY(socket_of(fd));
    auto name = TRY(read_address(address, bytes));
    TRY(socket->connect(name));
    return 0;
}

Result<std::int32_t> sys_listen(int fd, int backlog)
{
    auto socket = TRY(socket_of(fd));
    TRY(socket->listen(backlog));
    return 0;
}

Result<std::int32_t> sys_accept4(int fd, std::uint32_t address, UserPtr<std::int32_t> bytes, int flags)
{
    if (flags & ~type_flags)
        return Error::inval;
    auto socket = TRY(socket_of(fd));
    auto made = TRY(socket->accept(static_cast<unsigned>(flags & abi_sock_nonblock)));
    if (address) {
        SocketAddress peer;
        TRY(made->name(peer, true));
        TRY(write_address(peer, address, bytes));
    }
    return install_anonymous(Ref<File>{made}, static_cast<unsigned>(flags));
}

namespace {
Result<std::int32_t> name_call(int fd, std::uint32_t address, UserPtr<std::int32_t> bytes, bool peer)
{
    auto socket = TRY(socket_of(fd));
    SocketAddress name;
    TRY(socket->name(name, peer));
    TRY(write_address(name, address, bytes));
    return 0;
}
}  // namespace

Result<std::int32_t> sys_getsockname(int fd, std::uint32_t address, UserPtr<std::int32_t> bytes)
{
    return name_call(fd, address, bytes, false);
}
Result<std::int32_t> sys_getpeername(int fd, std::uint32_t address, UserPtr<std::int32_t> bytes)
{
    return name_call(fd, address, bytes, true);
}

Result<std::int32_t> sys_shutdown(int fd, int how)
{
    auto socket = TRY(socket_of(fd));
    if (how < abi_shut_rd || how > abi_shut_rdwr)
        return Error::inval;
    TRY(socket->shutdown(how));
    return 0;
}

Result<std::int32_t> sys_setsockopt(int fd, int level, int option, std::uint32_t value, std::int32_t bytes)
{
    char copy[256];
    auto socket = TRY(socket_of(fd));
    if (bytes < 0)
        return Error::inval;
    auto n = static_cast<std::size_t>(bytes) < sizeof copy ? static_cast<std::size_t>(bytes) : sizeof copy;
    TRY(copy_in(copy, Vaddr{value}, n));
    TRY(socket->set_option(level, option, {copy, n}));
    return 0;
}

Result<std::int32_t> sys_getsockopt(int fd, int level, int option, std::uint32_t value, UserPtr<std::int32_t> bytes)
{
    char copy[512];
    auto socket = TRY(socket_of(fd));
    auto room = TRY(bytes.read());
    if (room < 0)
        return Error::inval;
    auto n = static_cast<std::size_t>(room) < sizeof copy ? static_cast<std::size_t>(room) : sizeof copy;
    std::memset(copy, 0, sizeof(std::int32_t));
    if (n == sizeof(std::int32_t))  // a few options are asked with a number: PACKET_HDRLEN
        TRY(copy_in(copy, Vaddr{value}, n));
    auto got = TRY(socket->option(level, option, {copy, n}));
    TRY(copy_out(Vaddr{value}, copy, got));
    TRY(bytes.write(static_cast<std::int32_t>(got)));
    return 0;
}

SYSCALL(socket, 359, sys_socket);
SYSCALL(socketpair, 360, sys_socketpair);
SYSCALL(bind, 361, sys_bind);
SYSCALL(connect, 362, sys_connect);
SYSCALL(listen, 363, sys_listen);
SYSCALL(accept4, 364, sys_accept4);
SYSCALL(getsockopt, 365, sys_getsockopt);
SYSCALL(setsockopt, 366, sys_setsockopt);
SYSCALL(getsockname, 367, sys_getsockname);
SYSCALL(getpeername, 368, sys_getpeername);
SYSCALL(shutdown, 373, sys_shutdown);
}  // namespace kernel
