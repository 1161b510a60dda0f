// SPDX-License-Identifier: MIT
// What lwIP calls, and what a connection then does; sending and receiving data.
#include <algorithm>
#include <cstring>
#include <kernel/net/inet/tcp_connection.hpp>
#include <kernel/net/lock.hpp>
#include <kernel/net/thread.hpp>
#include <lwip/priv/tcp_priv.h>

namespace kernel::net {
namespace {
constexpr u8_t poll_interval = 2;  // of TCP's slow ticks: what waits for more data or memory goes after that
// RFC 6298: as long as little is known of the round trip, one second (lwIP begins with three).
constexpr s16_t first_timeout = 1000 / TCP_SLOW_INTERVAL;
constexpr std::uint32_t small_packet = 512;  // is copied behind the last one, if there is room
constexpr std::uint32_t collector_bytes = 2048 - sizeof(pbuf);
}  // namespace

tcp_ext_arg_callbacks const TcpConnection::destroyed_callbacks{on_destroyed, nullptr};

TcpConnection::~TcpConnection()
{
    ASSERT(!pcb && !first_pending_);
    // The packets' pages go back to their interface.
    if (!in.empty()) {
        if (locked_by_this_thread()) {
            in.clear();
        } else {
            Guard guard;
            in.clear();
        }
    }
}

void TcpConnection::wake_both()
{
    readers.wake_all();
    writers.wake_all();
}

// --- attaching to lwIP ---------------------------------------------------------------------------------------------------------------

void TcpConnection::adopt(tcp_pcb &p)
{
    pcb = &p;
    ref();  // lwIP's, until on_destroyed()
    tcp_ext_arg_set(&p, 0, this);
    tcp_ext_arg_set_callbacks(&p, 0, &destroyed_callbacks);
    tcp_arg(&p, this);
    tcp_recv(&p, on_received);
    tcp_sent(&p, on_sent);
    tcp_err(&p, on_error);
    tcp_poll(&p, on_poll, poll_interval);
    p.sv = std::min(p.sv, first_timeout);
    p.rto = std::min<s16_t>(p.rto, static_cast<s16_t>((p.sa >> 3) + first_timeout));
    apply_options();
}

Result<> TcpConnection::ensure_pcb(std::uint8_t address_type)
{
    if (pcb)
        return {};
    auto p = tcp_new_ip_type(address_type);
    if (!p)
        return Error::nobufs;
    adopt(*p);
    return {};
}

void TcpConnection::apply_options()
{
    if (!pcb || pcb->state == LISTEN)
        return;
    auto set = [this](u8_t flag, bool on) {
        if (on)
            ip_set_option(pcb, flag);
        else
            ip_reset_option(pcb, flag);
    };
    set(SOF_REUSEADDR, options.reuse_address);
    set(SOF_KEEPALIVE, options.keep_alive);
    if (options.no_delay)
        tcp_nagle_disable(pcb);
    else
        tcp_nagle_enable(pcb);
    pcb->keep_idle = options.keep_idle_s * 1000;
    pcb->keep_intvl = options.keep_interval_s * 1000;
    pcb->keep_cnt = options.keep_count;
    pcb->tos = options.tos;
    pcb->ttl = options.ttl;
    if (options.most_segment && pcb->state > SYN_RCVD)
        pcb->mss = std::min(pcb->mss, options.most_segment);
    if (options.keep_alive)
        tcp_is_active();
}

void TcpConnection::on_destroyed(u8_t, void *self)
{
    auto c = static_cast<TcpConnection *>(self);
    if (!c)  // given up before (TcpSocket::join_listener())
        return;
    c->pcb = nullptr;
    if (c->state == State::connected || c->state == State::connecting)
        c->state = State::closed;
    c->out.clear();
    c->wake_both();
    c->unref();
}

void TcpConnection::on_error(void *self, err_t e)
{
    auto c = static_cast<TcpConnection *>(self);
    bool connecting = !c->local.port;
    if (e == ERR_RST)
        c->error = connecting ? Error::connrefused : Error::connreset;
    else if (e == ERR_ABRT && c->error == Error::none)
        c->error = Error::timedout;
    if (e != ERR_CLSD)
        c->peer_finished = c->no_more_output = true;
    c->state = State::closed;
    c->wake_both();
}

err_t TcpConnection::on_connected(void *self, tcp_pcb *p, err_t)
{
    auto c = static_cast<TcpConnection *>(self);
    c->state = State::connected;
    c->local = {p->local_ip, p->local_port};
    c->remote = {p->remote_ip, p->remote_port};
    c->apply_options();
    c->wake_both();
    return ERR_OK;
}

err_t TcpConnection::on_poll(void *self, tcp_pcb *)
{
    auto c = static_cast<TcpConnection *>(self);
    if (c->out.unsent())
        c->pump(true);
    return ERR_OK;
}

// --- sending -------------------------------------------------------------------------------------------------------------------------

// Less than a segment may wait for more (TCP_CORK, MSG_MORE), at most until on_poll().
void TcpConnection::pump(bool all)
{
    if (!pcb || (pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT))
        return;
    while (out.unsent() && (all || out.unsent() >= pcb->mss)) {
        auto piece = out.next_unsent();
        auto n = std::min<std::uint32_t>(piece.bytes, pcb->snd_buf);
        if (!n)
            break;
        bool more = n < out.unsent();
        if (tcp_write(pcb, piece.at, static_cast<u16_t>(n), more ? u8_t{TCP_WRITE_FLAG_MORE} : u8_t{0}) != ERR_OK)
            break;
        out.handed_over(n);
    }
    tcp_is_active();
    tcp_output(pcb);
    if (!out.unsent() && finish_wanted)
        finish();
}

err_t TcpConnection::on_sent(void *self, tcp_pcb *, u16_t n)
{
    auto c = static_cast<TcpConnection *>(self);
    c->out.acknowledged(n);
    if (c->out.unsent() || c->finish_wanted)
        c->pump(!c->options.cork && !c->hold_small);
    if (c->has_send_room())
        c->writers.wake_all();
    return c->pcb ? ERR_OK : ERR_ABRT;
}

// Everything has been handed over: FIN.
void TcpConnection::finish()
{
    finish_wanted = false;
    if (close_wanted) {
        pcb->rcv_wnd = TCP_WND_MAX(pcb);  // lwIP resets a connection whose window is not all open
        (void)tcp_close(pcb);
    } else {
        (void)tcp_shutdown(pcb, 0, 1);
    }
}

void TcpConnection::shut_output()
{
    if (no_more_output)
        return;
    no_more_output = true;
    finish_wanted = true;
    pump(true);
    wake_both();
}

// Lets go of a PCB that is in no conversation, or breaks the conversation off.
void TcpConnection::drop_pcb(bool reset)
{
    auto p = pcb;
    if (!p)
        return;
    tcp_recv(p, nullptr);
    tcp_sent(p, nullptr);
    tcp_poll(p, nullptr, poll_interval);
    tcp_err(p, nullptr);
    if (reset)
        tcp_abort(p);
    else if (tcp_close(p) != ERR_OK)
        tcp_abort(p);
}

void TcpConnection::close(bool reset)
{
    Ref<TcpConnection> keep{this};
    has_socket = false;
    no_more_input = true;
    if (state == State::listening) {
        while (auto c = take_pending())
            c->close(true);
        if (listener)
            listener->leave(*this);
        listener = nullptr;
        state = State::closed;
        return;
    }
    if (!pcb)
        return;
    bool talking = pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT;
    if (!talking || reset || in_bytes) {
        bool break_off = pcb->state >= SYN_RCVD && pcb->state != TIME_WAIT && (reset || in_bytes);
        if (!break_off)
            pcb->rcv_wnd = TCP_WND_MAX(pcb);
        return drop_pcb(break_off);
    }
    tcp_err(pcb, nullptr);
    no_more_output = true;
    close_wanted = finish_wanted = true;
    pump(true);
}

// --- receiving -----------------------------------------------------------------------------------------------------------------------

// A sender of single bytes must not cost a packet's memory for each.
bool TcpConnection::append_small(pbuf *p)
{
    if (p->tot_len > small_packet || in.empty())
        return false;
    auto last = in.back();
    bool ours = !last->next && !(last->flags & PBUF_FLAG_IS_CUSTOM) && last->ref == 1
        && last->segment_bytes >= last->tot_len + p->tot_len;  // a collector: its capacity
    if (!ours)
        return false;
    pbuf_copy_partial(p, static_cast<char *>(last->payload) + last->len, p->tot_len, 0);
    last->len = last->tot_len = static_cast<u16_t>(last->tot_len + p->tot_len);
    return true;
}

err_t TcpConnection::on_received(void *self, tcp_pcb *pcb, pbuf *p, err_t)
{
    auto c = static_cast<TcpConnection *>(self);
    if (!p) {
        c->peer_finished = true;
        c->wake_both();
        return ERR_OK;
    }
    std::uint32_t n = p->tot_len;
    if (c->close_wanted) {  // nobody will read it: the sender is to know
        pbuf_free(p);
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    if (c->no_more_input) {
        pbuf_free(p);
        tcp_recved(pcb, static_cast<u16_t>(n));
        return ERR_OK;
    }
    // A train is more than two segments, which want an acknowledgment.
    if (c->quick_acks_ || n > pcb->mss) {
        c->quick_acks_ -= c->quick_acks_ != 0;
        tcp_ack_now(pcb);
    }
    if (c->append_small(p)) {
        pbuf_free(p);
    } else {
        Packet packet{p};
        if (n <= small_packet && !c->in.empty()) {
            if (auto collector = allocate_packet(PBUF_RAW, collector_bytes)) {
                pbuf_copy_partial(p, collector->payload, static_cast<u16_t>(n), 0);
                collector->len = collector->tot_len = static_cast<u16_t>(n);
                collector->segment_bytes = collector_bytes;
                packet = std::move(collector);
            }
        }
        if (!c->in.push(std::move(packet))) {
            packet.release();  // refused: it stays lwIP's
            return ERR_MEM;
        }
    }
    c->in_bytes += n;
    c->readers.wake_all();
    return ERR_OK;
}

void TcpConnection::consume(std::uint32_t n)
{
    in_bytes -= n;
    in_offset += n;
    while (!in.empty() && in_offset >= in.front()->tot_len) {
        in_offset -= in.front()->tot_len;
        (void)in.pop();
    }
    if (!pcb || pcb->state == TIME_WAIT)
        return;
    std::uint32_t const window = TCP_WND_MAX(pcb);
    if (options.receive_limit && options.receive_limit < window) {
        auto kept = std::min(n, window - options.receive_limit - std::min(withheld, window - options.receive_limit));
        withheld += kept;
        n -= kept;
    }
    auto const announced = pcb->rcv_ann_wnd;
    for (; n; n -= std::min<std::uint32_t>(n, 0xffff))
        tcp_recved(pcb, static_cast<u16_t>(std::min<std::uint32_t>(n, 0xffff)));
    // lwIP tells of a window that has grown by much; one that was small should not be waited for.
    if (pcb->rcv_ann_wnd > announced && announced < 2u * pcb->mss) {
        tcp_ack_now(pcb);
        tcp_output(pcb);
    }
}
}  // namespace kernel::net
