// SPDX-License-Identifier: MIT
// tcp(7), the file.
#pragma once
#include <kernel/net/inet/inet_socket.hpp>
#include <kernel/net/inet/tcp_connection.hpp>

struct tcp_info;

namespace kernel::net {
class TcpSocket final : public InetSocket {
public:
    TcpSocket(int family_, unsigned open_flags, Ref<TcpConnection>);
    ~TcpSocket() override;
    Result<> bind(SocketAddress const &) override;
    Result<> listen(int backlog) override;
    Result<> connect(SocketAddress const &) override;
    Result<Ref<Socket>> accept(unsigned open_flags) override;
    Result<> name(SocketAddress &, bool of_peer) override;
    Result<> shutdown(int how) override;
    Result<std::size_t> send(SendRequest &) override;
    Result<std::size_t> receive(ReceiveRequest &) override;
    Result<> set_own_option(int level, int option, std::span<char const>) override;
    Result<std::uint32_t> own_option(int level, int option, std::span<char>) override;
    Error take_error() override { return std::exchange(c_->error, Error::none); }
    bool listening() const override { return c_->state == TcpConnection::State::listening; }
    unsigned poll(PollTable *) override;
    TcpConnection const &connection() const { return *c_; }

protected:
    void options_changed() override;
    Result<std::size_t> next_input_bytes() override;
    Result<std::size_t> unsent_bytes() override { return std::size_t{c_->out.bytes()}; }
    bool can_leave_v6_only() const override { return !c_->pcb; }

private:
    Error broken_pipe(unsigned message_flags);
    Result<> bind_port(Endpoint);
    Result<> start_connecting(Endpoint const &);
    Result<> wait_connected();
    Result<> join_listener();
    Result<> wait_to_send(unsigned message_flags);
    Result<std::size_t> fill(IoBuffer &, std::size_t room);
    Result<> wait_for_input(unsigned message_flags, std::uint64_t deadline_ns);
    Result<std::size_t> copy_out(ReceiveRequest &, std::size_t from, std::size_t n);
    Result<> set_tcp_option(int option, std::span<char const>);
    Result<std::uint32_t> tcp_option(int option, std::span<char>);
    ::tcp_info describe_connection() const;
    void linger();
    Ref<TcpConnection> c_;
    Endpoint bound_{};
    bool is_bound_ = false, connect_reported_ = true;
    Mutex receiving_, sending_;
};
// Would this socket and one that has the port get into each other's way? Over all of TCP's PCBs; lock held.
bool tcp_port_taken(Endpoint const &, TcpOptions const &, std::uint32_t device, TcpConnection const *except);
}  // namespace kernel::net
