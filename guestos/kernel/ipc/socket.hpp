// SPDX-License-Identifier: MIT
// Sockets, socket(7). An address family registers a function that makes its sockets; the system calls (socket_calls.cpp,
// message_calls.cpp) work on this interface alone.
#pragma once
#include <abi/socket.h>
#include <kernel/fs/file.hpp>
#include <span>

namespace kernel {
struct SocketAddress {
    static constexpr std::uint32_t capacity = 128;  // struct sockaddr_storage
    std::uint32_t bytes = 0;
    alignas(4) char data[capacity] = {};
    std::uint16_t family() const
    {
        return bytes >= 2 ? *reinterpret_cast<std::uint16_t const *>(data) : std::uint16_t{0};
    }
};

// Collects control messages for recvmsg(2) into a kernel buffer.
class ControlWriter {
public:
    ControlWriter() = default;
    ControlWriter(char *to, std::uint32_t size) : to_{to}, size_{size} {}
    // False: did not fit (whole headers only; the data may be cut), MSG_CTRUNC is due.
    bool put(int level, int type, void const *data, std::uint32_t bytes);
    std::uint32_t data_room() const
    {
        return size_ - used_ < sizeof(abi_cmsghdr) ? 0 : size_ - used_ - std::uint32_t{sizeof(abi_cmsghdr)};
    }
    std::uint32_t used() const { return used_; }
    bool truncated = false;

private:
    char *to_ = nullptr;
    std::uint32_t size_ = 0, used_ = 0;
};

struct SendRequest {
    IoBuffer &data;
    unsigned flags = 0;  // MSG_*
    SocketAddress const *to = nullptr;
    std::span<char const> control{};  // as the program laid it out
};
struct ReceiveRequest {
    IoBuffer &data;
    unsigned flags = 0;
    SocketAddress *from = nullptr;  // filled in; bytes 0: no address
    ControlWriter *control = nullptr;
    unsigned out_flags = 0;  // MSG_TRUNC, MSG_CTRUNC, MSG_EOR
};

class Socket : public File {
public:
    Socket(int family_, int type_, int protocol_, unsigned open_flags);
    int const family, type, protocol;
    Socket *as_socket() override { return this; }

    virtual Result<> bind(SocketAddress const &) { return Error::opnotsupp; }
    virtual Result<> listen(int /*backlog*/) { return Error::opnotsupp; }
    virtual Result<> connect(SocketAddress const &) { return Error::opnotsupp; }
    virtual Result<Ref<Socket>> accept(unsigned /*open_flags*/) { return Error::opnotsupp; }
    virtual Result<> name(SocketAddress &, bool /*of the peer*/) { return Error::opnotsupp; }
    virtual Result<> shutdown(int /*how*/) { return Error::opnotsupp; }
    virtual Result<std::size_t> send(SendRequest &) { return Error::opnotsupp; }
    virtual Result<std::size_t> receive(ReceiveRequest &) { return Error::opnotsupp; }
    // The family's own options, asked first. Error::noprotoopt: not known here. get: the bytes put into `out`.
    virtual Result<> set_own_option(int /*level*/, int /*option*/, std::span<char const>) { return Error::noprotoopt; }
    virtual Result<std::uint32_t> own_option(int /*level*/, int /*option*/, std::span<char> /*out*/)
    {
        return Error::noprotoopt;
    }
    virtual Error take_error() { return Error::none; }  // SO_ERROR
    virtual bool listening() const { return false; }

    Result<> set_option(int level, int option, std::span<char const>);
    Result<std::uint32_t> option(int level, int option, std::span<char> out);
    Result<std::size_t> read(IoBuffer &, std::uint64_t &) override;
    Result<std::size_t> write(IoBuffer &, std::uint64_t &) override;
    void describe(char *out, std::size_t size) override;
    Attributes anonymous_attributes() override;
    std::uint64_t ino() const { return ino_; }

    // When a blocking call gives up: nonblocking(), MSG_DONTWAIT, SO_RCVTIMEO, SO_SNDTIMEO.
    bool may_block(unsigned message_flags) const { return !nonblocking() && !(message_flags & abi_msg_dontwait); }
    std::uint64_t receive_deadline() const;
    std::uint64_t send_deadline() const;

    struct Options {
        std::uint32_t send_buffer = 212992, receive_buffer = 212992;
        std::uint64_t receive_timeout_ns = 0, send_timeout_ns = 0;  // 0: none
        abi_linger linger{};
        std::int32_t plain[64] = {};  // by option number: SO_REUSEADDR, SO_KEEPALIVE, SO_PASSCRED, …
    } options;

private:
    Result<> set_timeout(int option, std::span<char const>);
    std::uint64_t const ino_;
};

struct SocketFamily {
    int family;
    Result<Ref<Socket>> (*create)(int type, int protocol, unsigned open_flags);
    Result<> (*pair)(int type, int protocol, unsigned open_flags, Ref<Socket> (&out)[2]);  // nullptr: Error::opnotsupp
};
#define REGISTER_SOCKET_FAMILY(identifier, ...) \
    [[gnu::used, gnu::section("socket_families")]] static ::kernel::SocketFamily const identifier = {__VA_ARGS__}
SocketFamily const *find_socket_family(int family);  // nullptr: Error::afnosupport
// The socket behind a descriptor: Error::badf, Error::notsock.
struct SocketHandle {
    Ref<File> file;
    Socket *operator->() const { return file->as_socket(); }
    Socket &operator*() const { return *file->as_socket(); }
};
Result<SocketHandle> socket_of(int fd);
Result<SocketAddress> read_address(std::uint32_t user, std::int32_t bytes);
Result<> write_address(SocketAddress const &, std::uint32_t user, UserPtr<std::int32_t> bytes);
}  // namespace kernel
