// SPDX-License-Identifier: MIT
// What all sockets have in common: the options of SOL_SOCKET, reading and writing as a file.
#include <algorithm>
#include <asm/socket.h>
#include <kernel/ipc/anonymous.hpp>
#include <kernel/ipc/socket.hpp>
#include <kernel/process/process.hpp>
#include <kernel/time/clock.hpp>
#include <lib/format.hpp>

extern "C" {
extern kernel::SocketFamily const __start_socket_families[], __stop_socket_families[];
}

namespace kernel {
namespace {
constexpr unsigned o_rdwr = 2;
constexpr std::uint32_t least_buffer = 2048, most_buffer = 212992;

bool is_plain(int option)  // kept and given back; what it means is up to the family
{
    switch (option) {
    case SO_DEBUG:
    case SO_REUSEADDR:
    case SO_DONTROUTE:
    case SO_BROADCAST:
    case SO_KEEPALIVE:
    case SO_OOBINLINE:
    case SO_PRIORITY:
    case SO_REUSEPORT:
    case SO_PASSCRED:
    case SO_RCVLOWAT:
    case SO_TIMESTAMP_OLD:
    case SO_MARK:
    case SO_RXQ_OVFL: return true;
    default: return false;
    }
}

Result<std::int32_t> integer(std::span<char const> value)
{
    std::int32_t n;
    if (value.size() < sizeof n)
        return Error::inval;
    std::memcpy(&n, value.data(), sizeof n);
    return n;
}

template <class T>
std::uint32_t give(std::span<char> out, T const &value)
{
    auto n = std::min(out.size(), sizeof value);
    std::memcpy(out.data(), &value, n);
    return static_cast<std::uint32_t>(n);
}
}  // namespace

Socket::Socket(int family_, int type_, int protocol_, unsigned open_flags)
    : File{open_flags | o_rdwr}, family{family_}, type{type_}, protocol{protocol_}, ino_{next_anonymous_ino()}
{
    options.plain[SO_RCVLOWAT] = 1;
}

SocketFamily const *find_socket_family(int family)
{
    for (auto *f = __start_socket_families; f != __stop_socket_families; ++f)
        if (f->family == family)
            return f;
    return nullptr;
}

std::uint64_t Socket::receive_deadline() const
{
    return options.receive_timeout_ns ? deadline_after(options.receive_timeout_ns) : arch::no_deadline;
}

std::uint64_t Socket::send_deadline() const
{
    return options.send_timeout_ns ? deadline_after(options.send_timeout_ns) : arch::no_deadline;
}

Result<> Socket::set_timeout(int which, std::span<char const> value)
{
    std::int64_t seconds = 0, micros = 0;
    bool wide = which == SO_RCVTIMEO_NEW || which == SO_SNDTIMEO_NEW;
    if (wide) {
        std::int64_t t[2];
        if (value.size() < sizeof t)
            return Error::inval;
        std::memcpy(t, value.data(), sizeof t);
        seconds = t[0];
        micros = t[1];
    } else {
        abi_timeval32 t;
        if (value.size() < sizeof t)
            return Error::inval;
        std::memcpy(&t, value.data(), sizeof t);
        seconds = t.tv_sec;
        micros = t.tv_usec;
    }
    if (micros < 0 || micros >= 1'000'000)
        return Error::dom;
    auto &to = which == SO_RCVTIMEO_OLD || which == SO_RCVTIMEO_NEW ? options.receive_timeout_ns
                                                                    : options.send_timeout_ns;
    to = seconds < 0 ? 1 : seconds_and_ns(seconds, micros * 1000);
    return {};
}

Result<> Socket::set_option(int level, int which, std::span<char const> value)
{
    auto own = set_own_option(level, which, value);
    if (own.ok() || own.error() != Error::noprotoopt || level != SOL_SOCKET)
        return own;
    if (is_plain(which)) {
        options.plain[which] = TRY(integer(value));
        return {};
    }
    switch (which) {
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:  // twice what is asked for, as Linux counts its own overhead
        options.send_buffer = std::clamp(static_cast<std::uint32_t>(TRY(integer(value))), least_buffer, most_buffer) * 2;
        return {};
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
        options.receive_buffer = std::clamp(static_cast<std::uint32_t>(TRY(integer(value))), least_buffer, most_buffer)
            * 2;
        return {};
    case SO_LINGER:
        if (value.size() < sizeof options.linger)
            return Error::inval;
        std::memcpy(&options.linger, value.data(), sizeof options.linger);
        return {};
    case SO_RCVTIMEO_OLD:
    case SO_RCVTIMEO_NEW:
    case SO_SNDTIMEO_OLD:
    case SO_SNDTIMEO_NEW: return set_timeout(which, value);
    default: return Error::noprotoopt;
    }
}

Result<std::uint32_t> Socket::option(int level, int which, std::span<char> out)
{
    auto own = own_option(level, which, out);
    if (own.ok() || own.error() != Error::noprotoopt || level != SOL_SOCKET)
        return own;
    if (is_plain(which))
        return give(out, options.plain[which]);
    switch (which) {
    case SO_TYPE: return give(out, type);
    case SO_DOMAIN: return give(out, family);
    case SO_PROTOCOL: return give(out, protocol);
    case SO_ERROR: return give(out, static_cast<std::int32_t>(take_error()));
    case SO_ACCEPTCONN: return give(out, std::int32_t{listening()});
    case SO_SNDBUF: return give(out, options.send_buffer);
    case SO_RCVBUF: return give(out, options.receive_buffer);
    case SO_SNDLOWAT: return give(out, std::int32_t{1});
    case SO_LINGER: return give(out, options.linger);
    case SO_RCVTIMEO_OLD: return give(out, to_timeval(options.receive_timeout_ns));
    case SO_SNDTIMEO_OLD: return give(out, to_timeval(options.send_timeout_ns));
    default: return Error::noprotoopt;
    }
}

Result<std::size_t> Socket::read(IoBuffer &to, std::uint64_t &)
{
    ReceiveRequest r{to};
    return receive(r);
}

Result<std::size_t> Socket::write(IoBuffer &from, std::uint64_t &)
{
    SendRequest s{from};
    return send(s);
}

void Socket::describe(char *out, std::size_t size)
{
    format(out, size, "socket:[%llu]", static_cast<unsigned long long>(ino_));
}

Attributes Socket::anonymous_attributes()
{
    constexpr std::uint32_t s_ifsock_mode = 0140777;
    return anonymous_file_attributes(s_ifsock_mode, ino_);
}

bool ControlWriter::put(int level, int kind, void const *data, std::uint32_t bytes)
{
    std::uint32_t start = (used_ + 3) & ~3u;
    if (start > size_ || size_ - start < sizeof(abi_cmsghdr)) {
        truncated = true;
        return false;
    }
    std::uint32_t fits = std::min(bytes, size_ - start - std::uint32_t{sizeof(abi_cmsghdr)});
    if (fits < bytes)
        truncated = true;
    abi_cmsghdr const header{static_cast<std::uint32_t>(sizeof header) + fits, level, kind};
    std::memcpy(to_ + start, &header, sizeof header);
    std::memcpy(to_ + start + sizeof header, data, fits);
    used_ = std::min(size_, (start + header.bytes + 3) & ~3u);
    return fits == bytes;
}
}  // namespace kernel
