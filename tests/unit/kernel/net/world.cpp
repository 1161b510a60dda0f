// SPDX-License-Identifier: MIT
#include "world.hpp"
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <kernel/fs/dentry.hpp>
#include <kernel/fs/fd_table.hpp>
#include <kernel/fs/file.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/ipc/anonymous.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/net/checksum.hpp>
#include <kernel/net/interface.hpp>
#include <kernel/net/parts.hpp>
#include <kernel/net/thread.hpp>
#include <kernel/process/process.hpp>
#include <kernel/process/schedule.hpp>
#include <kernel/random.hpp>
#include <kernel/time/clock.hpp>
#include <lwip/init.h>
#include <sys/mman.h>

namespace kernel {
void frames_reset();
}

std::uint64_t world::now_ns = 1'000'000'000;

namespace {
std::uint32_t state = 1;

std::uint32_t next()
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

void *memory()
{
    static void *base = mmap(reinterpret_cast<void *>(arch::linear_base.raw()), arch::Mmu::frames * page_size,
                             PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (base != reinterpret_cast<void *>(arch::linear_base.raw())) {
        std::perror("the linear map's place is taken");
        std::abort();
    }
    return base;
}
}  // namespace

std::uint32_t world::chance(std::uint32_t below) { return next() % below; }
std::uint32_t world::frames_in_use() { return kernel::frame_counts().total - kernel::frame_counts().free; }

void world::begin(unsigned seed)
{
    state = seed * 2654435761u | 1;
    static bool done = false;
    if (done)
        return;
    done = true;
    kernel::frames_reset();
    kernel::frames_init(arch::Mmu::frames, Pfn{3});
    {
        kernel::net::Guard guard;
        lwip_init();
        kernel::net::start_icmp_errors();
    }
    kernel::net::start_loopback();
}

void world::pass(std::uint64_t ms)
{
    for (std::uint64_t i = 0; i < ms; i += 10) {
        now_ns += 10'000'000;
        kernel::net::Guard guard;
        kernel::net::run_timers(now_ns);
    }
}

void world::jump(std::uint64_t ms)
{
    now_ns += ms * 1'000'000;
    kernel::net::Guard guard;
    kernel::net::run_timers(now_ns);
}

// --- what the kernel's network stands on ---------------------------------------------------------------------------------------------

namespace arch {
void *Mmu::frame_ptr(Pfn f) { return static_cast<char *>(memory()) + f.raw() * page_size; }
Mmu &mmu()
{
    static Mmu it;
    return it;
}
std::uint64_t now_ns() { return world::now_ns; }
std::size_t copy_from_user_raw(void *to, Vaddr from, std::size_t n)
{
    std::memcpy(to, pointer_to<void const>(from), n);
    return 0;
}
std::size_t copy_to_user_raw(Vaddr to, void const *from, std::size_t n)
{
    std::memcpy(pointer_to<void>(to), from, n);
    return 0;
}
std::size_t clear_user_raw(Vaddr to, std::size_t n)
{
    std::memset(pointer_to<void>(to), 0, n);
    return 0;
}
std::ptrdiff_t copy_string_from_user_raw(char *, Vaddr, std::size_t) { return -1; }
}  // namespace arch

namespace kernel {
namespace {
alignas(Thread) char thread_storage[sizeof(Thread)];
alignas(Cpu) char cpu_storage[sizeof(Cpu)];
}  // namespace
Thread &current()
{
    auto &t = *reinterpret_cast<Thread *>(thread_storage);
    t.credentials.cap_effective = ~0ull >> 23;
    return t;
}
Cpu &this_cpu() { return *reinterpret_cast<Cpu *>(cpu_storage); }
Result<> sleep_on(WaitQueue &, Waiter &, Sleep, std::uint64_t) { panic("the test would sleep"); }
void WaitQueue::wake_all() {}
void WaitQueue::wake_one() {}
void Mutex::lock()
{
    if (owner_)
        panic("a lock is taken twice");
    owner_ = &current();
}
void Mutex::unlock() { owner_ = nullptr; }
void yield() {}
void set_policy(Thread &, int, int, int) {}
Result<Ref<Thread>> start_kernel_thread(char const *, void (*)(void *), void *) { return Error::nosys; }
Thread::~Thread() = default;
SignalInfo SignalInfo::user(int) { return {}; }
Result<> send_signal(Thread &, SignalInfo const &) { return {}; }
unsigned reclaim_frames(unsigned) { return 0; }
std::uint64_t realtime_ns() { return arch::now_ns(); }
void log(char const *, ...) {}
std::uint32_t random_u32() { return next(); }
void random_bytes(void *to, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        static_cast<unsigned char *>(to)[i] = static_cast<unsigned char>(next());
}
void chacha20_block(std::uint32_t const key[8], std::uint32_t, std::uint32_t const nonce[3], std::uint32_t out[16])
{
    for (unsigned i = 0; i < 16; ++i)
        out[i] = (key[i % 8] ^ nonce[i % 3]) * 2654435761u;
}
std::uint64_t next_anonymous_ino()
{
    static std::uint64_t n = 0;
    return ++n;
}
Attributes anonymous_file_attributes(std::uint32_t, std::uint64_t) { return {}; }
Result<Ref<MemoryObject>> make_shared_memory(std::uint32_t, char const *) { return Error::nomem; }
Path::Path() = default;
Path::~Path() = default;
Ref<Inode> Path::inode() const { return {}; }
File::~File() = default;
Result<std::uint64_t> File::end_position() { return Error::inval; }
Result<Ref<MemoryObject>> File::memory_object() { return Error::nodev; }
Result<std::uint64_t> File::seek_data(std::uint64_t, bool) { return Error::inval; }
void File::describe(char *, std::size_t) {}
Attributes File::anonymous_attributes() { return {}; }
void forget_epoll_items(File &) {}

namespace net {
Result<std::int32_t> interface_ioctl(unsigned, std::uint32_t) { return Error::notty; }
}  // namespace net
}  // namespace kernel

void panic(char const *text, ...)
{
    std::va_list arguments;
    va_start(arguments, text);
    std::vfprintf(stderr, text, arguments);
    std::fputc('\n', stderr);
    std::abort();
}

// --- wires and frames ------------------------------------------------------------------------------------------------------------------

namespace world {
Wire::Wire(char const *name_, std::uint8_t mac_tail) : NetDevice{Kind::ethernet, name_}
{
    mac = {{2, 0, 0, 0, 0, mac_tail}};
    features = kernel::net::feature_scatter;
}

bool Wire::transmit(Packet &p)
{
    if (full)
        return false;
    sent.push_back(bytes_of(p.get()));
    p = Packet{};
    return true;
}

Ref<Wire> plug(char const *name, std::uint8_t mac_tail, char const *ip, unsigned bits)
{
    auto made = kernel::make_ref<Wire>(name, mac_tail).take();
    kernel::net::Guard guard;
    if (!kernel::net::register_device(made).ok() || !made->bring_up().ok())
        panic("no wire");
    if (ip) {
        kernel::net::Address4 a;
        ip4addr_aton(ip, &a.local);
        a.mask = kernel::net::mask_of_bits(bits);
        kernel::net::set_address(*made, a);
    }
    return made;
}

void unplug(Ref<Wire> &w)
{
    kernel::net::Guard guard;
    kernel::net::unregister_device(*w);
    w = nullptr;
}

Packet packet_of(Bytes const &b, std::size_t piece)
{
    Packet p;
    for (std::size_t at = 0; at < b.size() || at == 0; at += piece) {
        auto n = std::min(piece, b.size() - at);
        auto part = kernel::net::allocate_packet(PBUF_RAW, static_cast<std::uint32_t>(n));
        if (n)
            std::memcpy(part->payload, b.data() + at, n);
        if (p)
            pbuf_cat(p.get(), part.release());
        else
            p = std::move(part);
    }
    return p;
}

Bytes bytes_of(pbuf const *p)
{
    Bytes b(p->tot_len);
    pbuf_copy_partial(p, b.data(), p->tot_len, 0);
    return b;
}

void arrive(Wire &w, Bytes const &b)
{
    kernel::net::Guard guard;
    w.receive(packet_of(b));
}

namespace {
void put16(Bytes &b, std::uint32_t n)
{
    b.push_back(static_cast<unsigned char>(n >> 8));
    b.push_back(static_cast<unsigned char>(n));
}
void put32(Bytes &b, std::uint32_t n)
{
    put16(b, n >> 16);
    put16(b, n & 0xffff);
}

Bytes ip_frame(Side const &from, Side const &to, std::uint8_t protocol, std::size_t payload)
{
    Bytes b{to.mac, to.mac + 6};
    b.insert(b.end(), from.mac, from.mac + 6);
    put16(b, 0x0800);
    b.push_back(0x45);
    b.push_back(0);
    put16(b, static_cast<std::uint32_t>(20 + payload));
    put32(b, 0x1234'4000);
    b.push_back(64);
    b.push_back(protocol);
    put16(b, 0);
    put32(b, from.ip);
    put32(b, to.ip);
    return b;
}
}  // namespace

// A second opinion: sixteen bits at a time, as RFC 1071 has it.
static std::uint16_t checksum(Bytes const &b, std::size_t from, std::size_t n, std::uint32_t sum = 0)
{
    for (std::size_t i = 0; i < n; i += 2)
        sum += static_cast<std::uint32_t>(b[from + i] << 8 | (i + 1 < n ? b[from + i + 1] : 0));
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

void complete_checksums(Bytes &b)
{
    if (b.size() < 34 || b[12] != 8 || b[13] != 0 || b[14] != 0x45)
        return;
    std::size_t n = b.size() - 34;
    unsigned protocol = b[23], field = protocol == 6 ? 16 : protocol == 17 ? 6 : 0;
    b[24] = b[25] = 0;
    auto sum = checksum(b, 14, 20);
    b[24] = static_cast<unsigned char>(sum >> 8);
    b[25] = static_cast<unsigned char>(sum);
    if (!field || n < field + 2)
        return;
    b[34 + field] = b[35 + field] = 0;
    std::uint32_t pseudo = protocol + static_cast<std::uint32_t>(n);
    for (std::size_t i = 26; i < 34; i += 2)
        pseudo += static_cast<std::uint32_t>(b[i] << 8 | b[i + 1]);
    sum = checksum(b, 34, n, pseudo);
    b[34 + field] = static_cast<unsigned char>(sum >> 8);
    b[35 + field] = static_cast<unsigned char>(sum);
}

Bytes udp_frame(Side const &from, Side const &to, std::string const &data)
{
    auto b = ip_frame(from, to, 17, 8 + data.size());
    put16(b, from.port);
    put16(b, to.port);
    put16(b, static_cast<std::uint32_t>(8 + data.size()));
    put16(b, 0);
    b.insert(b.end(), data.begin(), data.end());
    complete_checksums(b);
    return b;
}

Bytes tcp_frame(Side const &from, Side const &to, TcpFields const &f, Bytes const &data)
{
    auto b = ip_frame(from, to, 6, 20 + data.size());
    put16(b, from.port);
    put16(b, to.port);
    put32(b, f.sequence);
    put32(b, f.acknowledgment);
    b.push_back(0x50);
    b.push_back(f.flags);
    put16(b, f.window);
    put32(b, 0);
    b.insert(b.end(), data.begin(), data.end());
    complete_checksums(b);
    return b;
}

Bytes arp_reply(Side const &from, Side const &to)
{
    Bytes b{to.mac, to.mac + 6};
    b.insert(b.end(), from.mac, from.mac + 6);
    put16(b, 0x0806);
    put32(b, 0x0001'0800);
    put32(b, 0x0604'0002);
    b.insert(b.end(), from.mac, from.mac + 6);
    put32(b, from.ip);
    b.insert(b.end(), to.mac, to.mac + 6);
    put32(b, to.ip);
    return b;
}

kernel::SocketAddress address(char const *ip, std::uint16_t port)
{
    ip4_addr_t a;
    ip4addr_aton(ip, &a);
    kernel::net::Endpoint e;
    ip_addr_copy_from_ip4(e.ip, a);
    e.port = port;
    return kernel::net::to_address(e, abi_af_inet);
}
}  // namespace world
