// SPDX-License-Identifier: MIT
// Opening, connecting, listening, closing.
#include <algorithm>
#include <asm/socket.h>
#include <kernel/net/inet/ports.hpp>
#include <kernel/net/inet/tcp_socket.hpp>
#include <kernel/net/routes.hpp>
#include <linux/poll.h>
#include <lwip/priv/tcp_priv.h>

namespace kernel::net {
using State = TcpConnection::State;

namespace {
constexpr int somaxconn = 4096;
constexpr std::uint64_t second_ns = 1'000'000'000;
}  // namespace

TcpSocket::TcpSocket(int family_, unsigned open_flags, Ref<TcpConnection> c)
    : InetSocket{family_, abi_sock_stream, IPPROTO_TCP, open_flags}, c_{std::move(c)}
{
    c_->has_socket = true;
    c_->family = family_;
    c_->ino = ino();
    options.send_buffer = 87040;  // tcp_wmem's default is 16384, which grows; so much goes out here before a writer waits
    options.receive_buffer = 131072;
    c_->options.owner_uid = owner_uid();
    if (c_->state == State::idle)
        c_->send_limit = 262144;
}

TcpSocket::~TcpSocket()
{
    bool reset = options.linger.on && options.linger.seconds == 0;
    {
        Guard guard;
        c_->close(reset);
    }
    if (!reset && options.linger.on)
        linger();
}

// close(2) waits until what was sent has arrived, or the time is over.
void TcpSocket::linger()
{
    auto c = c_;
    (void)wait_until(
        c->writers, [&c] { return !c->pcb || !c->out.bytes(); }, Sleep::interruptible,
        arch::now_ns() + static_cast<std::uint64_t>(options.linger.seconds) * second_ns);
}

void TcpSocket::options_changed()
{
    c_->options.tos = ip_options().tos;
    c_->options.ttl = ip_options().ttl;
    c_->apply_options();
    if (c_->pcb)
        c_->pcb->netif_idx = static_cast<u8_t>(bound_index());
}

Result<> TcpSocket::bind_port(Endpoint e)
{
    TRY(c_->ensure_pcb(address_type()));
    if (ip_addr_isany_val(e.ip))
        IP_SET_TYPE_VAL(e.ip, address_type());
    auto taken = [&](std::uint16_t port) { return tcp_port_taken({e.ip, port}, c_->options, bound_index(), c_.get()); };
    if (e.port == 0)
        e.port = TRY(choose_port([&](std::uint16_t port) { return !taken(port); }));
    else if (taken(e.port))
        return Error::addrinuse;
    auto pcb = c_->pcb;
    ip_addr_copy(pcb->local_ip, e.ip);
    pcb->local_port = e.port;
    pcb->netif_idx = static_cast<u8_t>(bound_index());
    TCP_REG(&tcp_bound_pcbs, pcb);
    bound_ = e;
    is_bound_ = true;
    return {};
}

Result<> TcpSocket::bind(SocketAddress const &a)
{
    auto e = TRY(endpoint_of(a, family));
    TRY(may_use_port(e.port));
    Guard guard;
    if (is_bound_ || c_->state != State::idle)
        return Error::inval;
    TRY(complete_scope(e));
    if (ip_addr_ismulticast(&e.ip))
        return Error::addrnotavail;
    TRY(check_local(e));
    return bind_port(e);
}

// --- connect -------------------------------------------------------------------------------------------------------------------------

Result<> TcpSocket::start_connecting(Endpoint const &to)
{
    Way way;
    if (!find_way(to.ip, bound_device(), way))
        return Error::netunreach;
    if (!is_bound_) {
        TRY(bind_port({way.source, 0}));
    } else {
        TRY(c_->ensure_pcb(address_type()));
        if (!c_->pcb->local_port)
            TRY(bind_port(bound_));  // after an attempt that failed
    }
    auto pcb = c_->pcb;
    if (ip_addr_isany_val(pcb->local_ip))
        ip_addr_copy(pcb->local_ip, way.source);
    c_->local = {};
    c_->error = Error::none;
    c_->peer_finished = c_->no_more_output = false;
    c_->apply_options();
    auto e = tcp_connect(pcb, &to.ip, to.port, TcpConnection::on_connected);
    if (e != ERR_OK)
        return e == ERR_USE ? Error::addrnotavail : error_of(e);
    c_->state = State::connecting;
    connect_reported_ = false;
    return {};
}

Result<> TcpSocket::wait_connected()
{
    auto done = [this] { return c_->state != State::connecting; };
    if (!done()) {
        if (nonblocking())
            return Error::inprogress;
        auto slept = wait_until(c_->writers, done, Sleep::interruptible, send_deadline());
        if (!slept.ok())
            return slept.error() == Error::timedout ? Error::inprogress : slept.error();
    }
    if (c_->state == State::connected) {
        connect_reported_ = true;
        return {};
    }
    if (!c_->local.port)
        c_->state = State::idle;  // another attempt is possible
    connect_reported_ = true;
    return take_or(Error::connaborted);
}

Result<> TcpSocket::connect(SocketAddress const &a)
{
    if (a.bytes >= sizeof(std::uint16_t) && a.family() == abi_af_unspec) {
        Guard guard;
        if (c_->state == State::listening)
            return Error::inval;
        auto fresh = TRY(make_ref<TcpConnection>());
        fresh->options = c_->options;
        fresh->send_limit = c_->send_limit;
        fresh->has_socket = true;
        c_->close(true);
        c_ = fresh;
        c_->family = family;
        c_->ino = ino();
        is_bound_ = false;
        return {};
    }
    auto to = TRY(endpoint_of(a, family));
    {
        Guard guard;
        switch (c_->state) {
        case State::connecting:
            if (nonblocking())
                return Error::already;
            break;
        case State::connected:
            if (connect_reported_)
                return Error::isconn;
            connect_reported_ = true;
            return {};
        case State::listening: return Error::isconn;
        case State::closed:
            if (c_->local.port || connect_reported_)
                return Error::isconn;
            c_->state = State::idle;
            return take_or(Error::connaborted);
        case State::idle:
            if (ip_addr_isany_val(to.ip)) {  // this machine
                if (to.is_v6())
                    IP_ADDR6(&to.ip, 0, 0, 0, PP_HTONL(1));
                else
                    ip_addr_set_ip4_u32_val(to.ip, PP_HTONL(0x7f00'0001));
            }
            if (to.is_v6() && family == abi_af_inet)
                return Error::afnosupport;
            if (ip_addr_ismulticast(&to.ip) || (!to.is_v6() && family == abi_af_inet6 && ip_options().v6_only))
                return Error::netunreach;
            TRY(complete_scope(to));
            TRY(start_connecting(to));
            break;
        }
    }
    return wait_connected();
}

// --- listen, accept ------------------------------------------------------------------------------------------------------------------

// One that listens at the same place already, if both allow it; otherwise a new one.
Result<> TcpSocket::join_listener()
{
    auto pcb = c_->pcb;
    for (auto other = tcp_listen_pcbs.listen_pcbs; other; other = other->next) {
        auto l = static_cast<TcpListener *>(other->callback_arg);
        if (!l || other->local_port != pcb->local_port || !ip_addr_cmp(&other->local_ip, &pcb->local_ip)
            || other->netif_idx != pcb->netif_idx)
            continue;
        if (!l->reuse_port || !c_->options.reuse_port || l->owner_uid != owner_uid()
            || l->count == TcpListener::most_members)
            return Error::addrinuse;
        c_->give_up_pcb();
        l->members[l->count++] = c_.get();
        c_->listener = Ref<TcpListener>{l};
        return {};
    }
    auto l = TRY(make_ref<TcpListener>());
    tcp_ext_arg_set(pcb, 0, nullptr);
    err_t e = ERR_OK;
    ip_reset_option(pcb, SOF_REUSEADDR);  // decided above
    auto listening = tcp_listen_with_backlog_and_err(pcb, 255, &e);
    if (!listening) {
        tcp_ext_arg_set(pcb, 0, c_.get());
        return error_of(e);
    }
    c_->pcb = nullptr;
    c_->unref();  // the PCB's, which is gone
    l->pcb = listening;
    l->reuse_address = c_->options.reuse_address;
    l->reuse_port = c_->options.reuse_port;
    l->owner_uid = owner_uid();
    l->members[l->count++] = c_.get();
    tcp_arg(listening, l.get());
    tcp_accept(listening, accept_connection);
    if (c_->options.keep_alive)
        ip_set_option(listening, SOF_KEEPALIVE);
    c_->listener = l;
    return {};
}

Result<> TcpSocket::listen(int backlog)
{
    Guard guard;
    auto n = static_cast<unsigned>(backlog < 0 || backlog > somaxconn ? somaxconn : backlog);
    if (c_->state == State::listening) {
        c_->backlog = n;
        return {};
    }
    if (c_->state != State::idle)
        return Error::inval;
    if (!is_bound_)
        TRY(bind_port(any_endpoint(family)));
    TRY(join_listener());
    c_->state = State::listening;
    c_->backlog = n;
    c_->local = bound_;
    return {};
}

Result<Ref<Socket>> TcpSocket::accept(unsigned open_flags)
{
    if (c_->state != State::listening)
        return Error::inval;
    auto ready = [this] { return c_->pending_count || c_->no_more_input || c_->state != State::listening; };
    if (!ready()) {
        if (nonblocking())
            return Error::again;
        auto slept = wait_until(c_->readers, ready, Sleep::interruptible, receive_deadline());
        if (!slept.ok())
            return again_if_timed_out(slept.error());
    }
    Ref<TcpConnection> c;
    {
        Guard guard;
        c = c_->take_pending();
    }
    if (!c)
        return c_->state == State::listening && !c_->no_more_input ? Error::again : Error::inval;
    auto s = make_ref<TcpSocket>(family, open_flags, c);
    if (!s.ok()) {
        Guard guard;
        c->close(true);
        return s.error();
    }
    s.value()->options = options;
    s.value()->ip_ = ip_;
    s.value()->is_bound_ = true;
    s.value()->bound_ = c->local;
    return Ref<Socket>{s.take()};
}

Result<> TcpSocket::name(SocketAddress &out, bool of_peer)
{
    Guard guard;
    if (of_peer) {
        if (c_->state != State::connected && !(c_->state == State::closed && c_->local.port && c_->pcb))
            return Error::notconn;
        out = to_address(c_->remote, family);
        return {};
    }
    Endpoint e = c_->local.port ? c_->local : is_bound_ ? bound_ : any_endpoint(family);
    if (c_->state == State::connecting && c_->pcb)
        e = {c_->pcb->local_ip, c_->pcb->local_port};
    out = to_address(e, family);
    return {};
}

Result<> TcpSocket::shutdown(int how)
{
    Guard guard;
    if (c_->state == State::listening) {
        if (how == abi_shut_wr)
            return {};
        // No more connections; the socket is as before bind(2), but keeps its name.
        c_->no_more_input = true;
        c_->wake_both();
        return {};
    }
    if (c_->state == State::connecting) {
        c_->error = Error::connreset;
        c_->give_up_pcb();
        return {};
    }
    if (c_->state != State::connected)
        return Error::notconn;
    if (how != abi_shut_wr) {
        c_->no_more_input = true;
        c_->wake_both();
    }
    if (how != abi_shut_rd)
        c_->shut_output();
    return {};
}

unsigned TcpSocket::poll(PollTable *table)
{
    auto &c = *c_;
    if (table) {
        table->add(c.readers);
        table->add(c.writers);
    }
    if (c.state == State::listening)
        return c.pending_count ? POLLIN | POLLRDNORM : 0u;
    if (c.state == State::idle)
        return POLLOUT | POLLWRNORM | POLLHUP;
    unsigned events = c.error != Error::none ? POLLERR : 0u;
    if (c.state == State::connecting)
        return events;
    bool no_input = c.peer_finished || c.no_more_input, no_output = c.no_more_output || c.state == State::closed;
    if (no_input)
        events |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (no_input && no_output)
        events |= POLLHUP;
    if (c.in_bytes >= static_cast<std::uint32_t>(std::max(options.plain[SO_RCVLOWAT], 1)))
        events |= POLLIN | POLLRDNORM;
    if (no_output || c.has_send_room())
        events |= POLLOUT | POLLWRNORM;
    return events;
}
}  // namespace kernel::net
