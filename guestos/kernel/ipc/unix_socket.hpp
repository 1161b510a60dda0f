// SPDX-License-Identifier: MIT
// unix(7) sockets: stream, datagram and sequenced packets inside one machine.
//
//   UnixSocket (the file) --Ref--> UnixEndpoint <--peer--> UnixEndpoint <--Ref-- UnixSocket
//                                     | queue of UnixMessage: bytes, sender, descriptors
//   listener's endpoint --pending--> UnixEndpoints that nobody has accepted yet
//
// The endpoint, not the file, is what others point to: a closed file takes its endpoint out of all these relations.
#pragma once
#include <boost/intrusive/list.hpp>
#include <kernel/ipc/socket.hpp>
#include <kernel/process/process.hpp>
#include <memory>

namespace kernel {
inline constexpr unsigned unix_datagrams_most = 512;    // waiting at one receiver
inline constexpr unsigned unix_descriptors_most = 253;  // in one message: SCM_MAX_FD

class UnixEndpoint;

// Descriptors on their way. Counts each unix socket among them as in flight.
class UnixRights {
public:
    UnixRights() = default;
    ~UnixRights();
    UnixRights(UnixRights &&other) noexcept : files_{std::move(other.files_)}, count_{std::exchange(other.count_, 0u)}
    {
    }
    UnixRights &operator=(UnixRights &&other) noexcept
    {
        std::swap(files_, other.files_);
        std::swap(count_, other.count_);
        return *this;
    }
    Result<> load(std::int32_t const *descriptors, unsigned count);  // Error::badf, Error::inval: too many
    Result<> copy(UnixRights const &);                               // MSG_PEEK
    unsigned count() const { return count_; }
    Ref<File> const &file(unsigned i) const { return files_[i]; }

private:
    void count_in_flight(int step);
    std::unique_ptr<Ref<File>[]> files_;
    unsigned count_ = 0;
};

struct UnixMessage : boost::intrusive::list_base_hook<> {
    std::unique_ptr<char[]> bytes;
    std::uint32_t start = 0, end = 0, capacity = 0;  // of what is left
    abi_ucred sender{};
    bool has_credentials = false;  // sent explicitly: not merged with others
    UnixRights rights;
    SocketAddress from;
    std::uint32_t size() const { return end - start; }
};

class UnixSocket;
class UnixEndpoint final : public RefCounted, public boost::intrusive::list_base_hook<> {
public:
    enum class State : std::uint8_t { idle, listening, connected, closed };
    explicit UnixEndpoint(int type_);
    ~UnixEndpoint() override;

    int const type;
    State state = State::idle;
    bool no_more_input = false, no_more_output = false;  // shutdown(2), or the peer's
    Error error = Error::none;                           // SO_ERROR
    UnixSocket *socket = nullptr;                        // the file, while it is open
    Ref<UnixEndpoint> peer;                              // connected, or a datagram socket's default destination
    SocketAddress name;                                  // as bound; bytes 0: not
    SocketAddress former_peer_name;                      // of a connection's other end, once that has closed
    Path place;                                          // of a path name's inode, which has us as attachment
    abi_ucred owner{}, peer_credentials{.pid = 0, .uid = ~0u, .gid = ~0u};
    WaitQueue readers, writers;  // something came; somebody can send to us again
    unsigned backlog = 0;
    std::uint32_t receive_limit = 212992;
    bool wants_credentials = false;  // SO_PASSCRED

    // The queue. Stream: bytes; otherwise whole messages.
    bool has_input() const { return !queue_.empty(); }
    UnixMessage *first() { return queue_.empty() ? nullptr : &queue_.front(); }
    UnixMessage *next(UnixMessage &m);
    UnixMessage *last() { return queue_.empty() ? nullptr : &queue_.back(); }
    void push(UnixMessage &);
    void add_to_last(std::uint32_t n) { queued_bytes_ += n; }
    void take(UnixMessage &, std::uint32_t bytes);  // consumed; the message goes when it is empty (or whole, if not stream)
    void drop(UnixMessage &);
    bool has_room() const
    {
        return type == abi_sock_dgram ? queued_ < unix_datagrams_most : queued_bytes_ < receive_limit;
    }
    std::uint32_t queued_bytes() const { return queued_bytes_; }
    void discard_input();

    // Connections that wait for accept(2).
    void add_pending(Ref<UnixEndpoint>);
    Ref<UnixEndpoint> take_pending();
    unsigned pending_count() const { return pending_count_; }

    Result<> bind_name(SocketAddress const &);
    void unbind();
    void close();
    void connect_pair(UnixEndpoint &other);
    void shut(bool input, bool output);
    void wake_both();

private:
    void leave_peer();
    boost::intrusive::list<UnixMessage> queue_;
    std::uint32_t queued_bytes_ = 0;
    unsigned queued_ = 0;
    UnixEndpoint *first_pending_ = nullptr, *last_pending_ = nullptr, *next_pending_ = nullptr;  // with a reference each
    unsigned pending_count_ = 0;
};

class UnixSocket final : public Socket {
public:
    UnixSocket(Ref<UnixEndpoint>, unsigned open_flags);
    ~UnixSocket() override;
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
    Error take_error() override { return std::exchange(end_->error, Error::none); }
    bool listening() const override { return end_->state == UnixEndpoint::State::listening; }
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override;
    unsigned poll(PollTable *) override;
    UnixEndpoint &endpoint() { return *end_; }
    unsigned in_flight = 0;  // messages that carry this file
    bool reachable = false;  // unix_garbage.cpp's mark

private:
    bool is_stream() const { return type == abi_sock_stream; }
    Result<Ref<UnixEndpoint>> destination(SendRequest const &);
    Result<> wait_to_send(UnixEndpoint &to, unsigned flags);
    Result<std::size_t> send_stream(SendRequest &, UnixEndpoint &, struct UnixAncillary &);
    Result<std::size_t> send_whole(SendRequest &, UnixEndpoint &, struct UnixAncillary &);
    Result<std::size_t> receive_stream(ReceiveRequest &);
    Result<std::size_t> receive_whole(ReceiveRequest &);
    Result<UnixMessage *> wait_for_input(unsigned flags, std::uint64_t deadline_ns);
    Result<> connect_stream(Ref<UnixEndpoint> listener);
    Error broken_pipe(unsigned flags);
    Ref<UnixEndpoint> end_;
    Mutex receiving_, sending_;  // copies to and from user memory may block
};

// What goes with a message, from its control data.
struct UnixAncillary {
    UnixRights rights;
    abi_ucred credentials{};
    bool has_credentials = false;
    Result<> load(std::span<char const> control);
};
void deliver_ancillary(ReceiveRequest &, UnixEndpoint &, UnixMessage &, bool peek);

abi_ucred own_credentials();
// The endpoint bound to a name: Error::connrefused, noent, acces, prototype.
Result<Ref<UnixEndpoint>> find_unix_endpoint(SocketAddress const &, int type);
// Unix sockets that only messages in their own queues refer to are emptied: those queues are what keeps them.
void collect_unix_garbage();
using UnixEndpointList = boost::intrusive::list<UnixEndpoint>;
UnixEndpointList &unix_endpoints();
}  // namespace kernel
