// SPDX-License-Identifier: MIT
// The network device. Virtio 1.1, 5.1.
//
//   receive queue: pages, each room for a header and a frame; a frame that the device merged from several (a train) lies in
//                  the first page behind the header and goes on in the next ones
//   transmit queue: a header of ours, then the packet's pieces
//
//   +-------+----------+----------+------------+----------------+-----------------+--------------+
//   | flags | gso_type | hdr_len  | gso_size   | csum_start     | csum_offset     | num_buffers  |    NetHeader, 12 bytes
//   +-------+----------+----------+------------+----------------+-----------------+--------------+
#include <arch/driver.hpp>
#include <cstring>
#include <drivers/virtio/virtio.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/net/device.hpp>
#include <kernel/net/lock.hpp>
#include <memory>

namespace virtio {
namespace {
using kernel::net::Checksum;
using kernel::net::Headers;
using kernel::net::Packet;

constexpr std::uint64_t feature_csum = 1 << 0, feature_guest_csum = 1 << 1, feature_mtu = 1 << 3, feature_mac = 1 << 5,
                        feature_guest_tso4 = 1 << 7, feature_guest_tso6 = 1 << 8, feature_host_tso4 = 1 << 11,
                        feature_host_tso6 = 1 << 12, feature_merge = 1 << 15, feature_status = 1 << 16;
enum HeaderFlag : std::uint8_t { needs_checksum = 1, data_valid = 2 };
enum TrainType : std::uint8_t { train_none = 0, train_tcp4 = 1, train_tcp6 = 4, train_ecn = 0x80 };

struct NetHeader {
    std::uint8_t flags, train_type;
    std::uint16_t header_bytes, segment_bytes, checksum_start, checksum_offset, buffers;
};
static_assert(sizeof(NetHeader) == 12);

constexpr unsigned ring_size = 256, most_pieces = 40;
constexpr std::uint32_t small_frame = 256;  // is copied out of its page, which goes back to the device

class NetCard final : public kernel::net::NetDevice {
public:
    explicit NetCard(Device &device) : NetDevice{Kind::ethernet, "eth%u"}, device_{device} {}
    Result<> set_up();
    char const *driver_name() const override { return "virtio_net"; }
    bool transmit(Packet &) override;
    void flush() override { transmit_queue_->notify(); }
    unsigned poll(unsigned budget) override;

private:
    static void on_interrupt(void *self);
    static void on_config(void *self);
    void refill();
    void reclaim();
    bool receive_one(Queue::Done const &);
    bool take_header(NetHeader const &, Packet &);
    NetHeader header_for(Packet const &);
    void look_at_link();
    void drop_merged();

    Device &device_;
    Queue *receive_queue_ = nullptr, *transmit_queue_ = nullptr;
    std::uint64_t negotiated_ = 0;
    bool link_news_ = false, blocked_ = false;
    // Headers of packets that are out, and the packets; one slot each.
    dma::Memory headers_;
    std::unique_ptr<pbuf *[]> sent_;
    std::unique_ptr<std::uint16_t[]> free_slots_;
    unsigned free_slot_count_ = 0;
    // A frame in several buffers, as far as it has come.
    Packet merged_;
    NetHeader merged_header_{};
    unsigned merge_left_ = 0;
};

void NetCard::on_interrupt(void *context)
{
    auto self = static_cast<NetCard *>(context);
    self->receive_queue_->disable_interrupts();
    self->transmit_queue_->disable_interrupts();
    self->request_poll();
}

void NetCard::on_config(void *context)
{
    auto self = static_cast<NetCard *>(context);
    self->link_news_ = true;
    self->request_poll();
}

Result<> NetCard::set_up()
{
    negotiated_ = TRY(device_.negotiate(feature_csum | feature_guest_csum | feature_mtu | feature_mac
                                        | feature_guest_tso4 | feature_guest_tso6 | feature_host_tso4
                                        | feature_host_tso6 | feature_merge | feature_status));
    receive_queue_ = TRY(device_.add_queue(0, ring_size, on_interrupt, this));
    transmit_queue_ = TRY(device_.add_queue(1, ring_size, on_interrupt, this));
    device_.on_config_change(on_config, this);

    unsigned slots = transmit_queue_->size();
    TRY(headers_.allocate(slots * sizeof(NetHeader)));
    sent_.reset(new (std::nothrow) pbuf *[slots] {});
    free_slots_.reset(new (std::nothrow) std::uint16_t[slots]);
    if (!sent_ || !free_slots_)
        return Error::nomem;
    for (unsigned i = 0; i < slots; ++i)
        free_slots_[free_slot_count_++] = static_cast<std::uint16_t>(i);

    mac = kernel::net::random_mac();
    if (negotiated_ & feature_mac)
        for (unsigned i = 0; i < 6; ++i)
            mac.bytes[i] = static_cast<std::uint8_t>(device_.config(i, 1));
    constexpr unsigned mtu_offset = 10;
    if (negotiated_ & feature_mtu)
        most_mtu = mtu = static_cast<std::uint16_t>(device_.config(mtu_offset, 2));
    using namespace kernel::net;
    features = feature_scatter;
    if (negotiated_ & feature_csum)
        features |= feature_checksum | (negotiated_ & feature_host_tso4 ? feature_train4 : 0u)
            | (negotiated_ & feature_host_tso6 ? feature_train6 : 0u);
    device_.start();
    return {};
}

void NetCard::look_at_link()
{
    constexpr unsigned status_offset = 6, status_up = 1;
    link_news_ = false;
    if (negotiated_ & feature_status)
        set_carrier((device_.config(status_offset, 2) & status_up) != 0);
}

// --- receiving -----------------------------------------------------------------------------------------------------------------------

void NetCard::refill()
{
    bool added = false;
    while (receive_queue_->free_descriptors()) {
        auto frame = kernel::allocate_frame();
        if (!frame.ok())
            break;
        auto address = kernel::frame_address(frame.value());
        Piece piece{arch::dma_address(address), page_size};
        if (!receive_queue_->add({}, {&piece, 1}, address).ok()) {
            kernel::unref_frame(frame.value());
            break;
        }
        added = true;
    }
    if (added)
        receive_queue_->notify();
}

// What the device says of checksum and segments; false: nonsense.
bool NetCard::take_header(NetHeader const &h, Packet &p)
{
    Headers found;
    bool known = kernel::net::parse_headers(p.get(), found);
    if (h.flags & needs_checksum) {
        if (!known || !(found.is_tcp() || found.is_udp()) || h.checksum_start != found.transport)
            return false;
        p.set_checksum(Checksum::blank);
    } else if (h.flags & data_valid) {
        p.set_checksum(Checksum::good);
    }
    if ((h.train_type & ~train_ecn) != train_none) {
        if (!known || !found.is_tcp() || !h.segment_bytes)
            return false;
        p->segment_bytes = h.segment_bytes;
    }
    return true;
}

void NetCard::drop_merged()
{
    merged_ = Packet{};
    merge_left_ = 0;
    ++counters.rx_errors;
}

bool NetCard::receive_one(Queue::Done const &done)
{
    auto frame = kernel::frame_of_address(done.cookie);
    auto data = static_cast<char *>(done.cookie);
    std::uint32_t skip = merge_left_ ? 0 : sizeof(NetHeader), bytes = done.written;
    if (bytes <= skip) {
        kernel::unref_frame(frame);
        drop_merged();
        return false;
    }
    NetHeader h{};
    if (!merge_left_)
        std::memcpy(&h, data, sizeof h);
    Packet p;
    if (bytes - skip <= small_frame) {
        p = kernel::net::allocate_packet(PBUF_RAW, bytes - skip);
        if (p)
            std::memcpy(p->payload, data + skip, bytes - skip);
        kernel::unref_frame(frame);
    } else {
        p = kernel::net::packet_of_frame(frame, skip, bytes - skip);
    }
    if (!append_piece(merged_, std::move(p))) {
        drop_merged();
        return false;
    }
    if (!merge_left_) {
        merged_header_ = h;
        merge_left_ = negotiated_ & feature_merge && h.buffers ? h.buffers : 1u;
    }
    if (--merge_left_)
        return true;
    if (take_header(merged_header_, merged_))
        receive(std::move(merged_));
    else
        ++counters.rx_errors;
    merged_ = Packet{};
    return true;
}

unsigned NetCard::poll(unsigned budget)
{
    if (link_news_)
        look_at_link();
    reclaim();
    if (blocked_) {
        blocked_ = false;
        transmit_ready();
    }
    unsigned done_count = 0;
    Queue::Done done{};
    while (done_count < budget && receive_queue_->take(done)) {
        ++done_count;
        (void)receive_one(done);
    }
    refill();
    if (done_count < budget) {
        bool more = receive_queue_->enable_interrupts();
        more |= transmit_queue_->chains_out() && transmit_queue_->enable_interrupts();
        if (more) {
            receive_queue_->disable_interrupts();
            request_poll();
        }
    }
    return done_count;
}

// --- transmitting --------------------------------------------------------------------------------------------------------------------

void NetCard::reclaim()
{
    Queue::Done done{};
    while (transmit_queue_->take(done)) {
        auto slot = static_cast<std::uint16_t>(reinterpret_cast<std::uintptr_t>(done.cookie) - 1);
        pbuf_free(std::exchange(sent_[slot], nullptr));
        free_slots_[free_slot_count_++] = slot;
    }
}

NetHeader NetCard::header_for(Packet const &p)
{
    NetHeader h{};
    Headers found;
    if (p.checksum() != Checksum::blank || !kernel::net::parse_headers(p.get(), found))
        return h;
    h.flags = needs_checksum;
    h.checksum_start = found.transport;
    h.checksum_offset = found.is_tcp() ? 16 : 6;
    if (p.is_train()) {
        h.train_type = found.version == 4 ? train_tcp4 : train_tcp6;
        h.header_bytes = found.payload;
        h.segment_bytes = p->segment_bytes;
    }
    return h;
}

bool NetCard::transmit(Packet &p)
{
    Piece pieces[most_pieces];
    unsigned count = 1;
    for (auto piece = p.get(); piece; piece = piece->next) {
        auto added = pieces_of(piece->payload, piece->len, std::span{pieces}.subspan(count));
        if (!added.ok()) {  // in too many pieces: a few large ones instead
            p = kernel::net::flattened(std::move(p));
            return !p || transmit(p);
        }
        count += added.value();
    }
    reclaim();
    if (!free_slot_count_ || transmit_queue_->free_descriptors() < count) {
        blocked_ = true;
        if (transmit_queue_->enable_interrupts())
            request_poll();
        return false;
    }
    auto slot = free_slots_[--free_slot_count_];
    auto offset = static_cast<std::uint32_t>(slot * sizeof(NetHeader));
    auto header = header_for(p);
    std::memcpy(headers_.address(offset), &header, sizeof header);
    pieces[0] = {headers_.device_address(offset), sizeof header};
    auto cookie = reinterpret_cast<void *>(static_cast<std::uintptr_t>(slot) + 1);
    if (!transmit_queue_->add({pieces, count}, {}, cookie).ok()) {
        free_slots_[free_slot_count_++] = slot;
        ++counters.tx_errors;
        p = Packet{};
        return true;
    }
    sent_[slot] = p.release();
    // What is sent is given back soon: a socket may wait for its memory.
    if (transmit_queue_->enable_interrupts())
        reclaim();
    return true;
}

Result<> probe(Device &device)
{
    auto card = TRY(kernel::make_ref<NetCard>(device));
    auto raw = card.get();
    TRY(raw->set_up());
    kernel::net::Guard guard;
    TRY(kernel::net::register_device(std::move(card)));
    raw->request_poll();  // which fills the receive queue
    kernel::log("%s: %s, hardware address %s", device.name(), raw->name, kernel::net::MacText{raw->mac.bytes}.text);
    return {};
}

void start() { for_each(Type::network, probe); }
DRIVER(virtio_net, start);
}  // namespace
}  // namespace virtio
