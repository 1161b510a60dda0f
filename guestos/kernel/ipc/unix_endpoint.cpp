// SPDX-License-Identifier: MIT
// The queue, the peers and the end of an endpoint.
#include <kernel/ipc/unix_socket.hpp>
#include <kernel/lazy.hpp>

namespace kernel {
namespace {
constinit Lazy<UnixEndpointList> endpoints;
}

UnixEndpointList &unix_endpoints() { return endpoints.get(); }

abi_ucred own_credentials()
{
    auto const &self = current();
    return {self.process ? self.process->pid : 0, self.credentials.euid, self.credentials.egid};
}

UnixEndpoint::UnixEndpoint(int type_) : type{type_}, owner{own_credentials()} { unix_endpoints().push_back(*this); }

UnixEndpoint::~UnixEndpoint()
{
    close();
    unix_endpoints().erase(unix_endpoints().iterator_to(*this));
}

UnixMessage *UnixEndpoint::next(UnixMessage &m)
{
    auto at = ++queue_.iterator_to(m);
    return at == queue_.end() ? nullptr : &*at;
}

void UnixEndpoint::push(UnixMessage &m)
{
    queue_.push_back(m);
    queued_bytes_ += m.size();
    ++queued_;
    readers.wake_all();
}

void UnixEndpoint::take(UnixMessage &m, std::uint32_t bytes)
{
    if (type != abi_sock_stream || bytes >= m.size())
        return drop(m);
    m.start += bytes;
    queued_bytes_ -= bytes;
    writers.wake_all();
}

void UnixEndpoint::drop(UnixMessage &m)
{
    queue_.erase(queue_.iterator_to(m));
    queued_bytes_ -= m.size();
    --queued_;
    writers.wake_all();
    delete &m;  // may close files, and with them other sockets
}

void UnixEndpoint::discard_input()
{
    while (auto m = first())
        drop(*m);
}

void UnixEndpoint::add_pending(Ref<UnixEndpoint> e)
{
    auto added = e.release();
    added->next_pending_ = nullptr;
    (last_pending_ ? last_pending_->next_pending_ : first_pending_) = added;
    last_pending_ = added;
    ++pending_count_;
    readers.wake_all();
}

Ref<UnixEndpoint> UnixEndpoint::take_pending()
{
    if (!first_pending_)
        return {};
    auto taken = first_pending_;
    first_pending_ = taken->next_pending_;
    if (!first_pending_)
        last_pending_ = nullptr;
    --pending_count_;
    writers.wake_all();
    Ref<UnixEndpoint> r{taken};
    taken->unref();
    return r;
}

void UnixEndpoint::wake_both()
{
    readers.wake_all();
    writers.wake_all();
}

void UnixEndpoint::connect_pair(UnixEndpoint &other)
{
    peer = Ref<UnixEndpoint>{&other};
    other.peer = Ref<UnixEndpoint>{this};
    peer_credentials = other.owner;
    other.peer_credentials = owner;
    if (type != abi_sock_dgram)
        state = other.state = State::connected;
}

// What one side does to its input is the end of the other's output.
void UnixEndpoint::shut(bool input, bool output)
{
    no_more_input |= input;
    no_more_output |= output;
    if (peer && type != abi_sock_dgram) {
        peer->no_more_output |= input;
        peer->no_more_input |= output;
        peer->wake_both();
    }
    wake_both();
}

void UnixEndpoint::leave_peer()
{
    Ref<UnixEndpoint> other = std::move(peer);
    if (!other)
        return;
    if (type == abi_sock_dgram) {
        if (other->peer.get() == this) {
            other->peer = nullptr;
            other->error = Error::connreset;
        }
    } else {
        if (has_input())
            other->error = Error::connreset;  // it sent what nobody will read
        other->no_more_input = other->no_more_output = true;
        other->peer = nullptr;
    }
    other->wake_both();
}

void UnixEndpoint::close()
{
    if (state == State::closed)
        return;
    Ref<UnixEndpoint> keep{use_count() ? this : nullptr};
    bool was_listening = state == State::listening;
    state = State::closed;
    socket = nullptr;
    if (peer)
        peer->former_peer_name = name;
    unbind();
    leave_peer();
    discard_input();
    if (was_listening)
        while (auto pending = take_pending()) {
            if (pending->peer)
                pending->peer->error = Error::connreset;
            pending->close();
        }
    wake_both();
}

UnixSocket::UnixSocket(Ref<UnixEndpoint> end, unsigned open_flags)
    : Socket{abi_af_unix, end->type, 0, open_flags}, end_{std::move(end)}
{
    end_->socket = this;
}

UnixSocket::~UnixSocket()
{
    end_->close();
    collect_unix_garbage();
}
}  // namespace kernel
