// SPDX-License-Identifier: MIT
#include <kernel/memory/user.hpp>
#include <kernel/net/packet/filter.hpp>
#include <kernel/random.hpp>

namespace kernel::net {
namespace {
struct Program {  // struct sock_fprog of i386
    std::uint16_t length;
    std::uint32_t code;
};

bool is_jump(sock_filter const &i) { return BPF_CLASS(i.code) == BPF_JMP; }

// Jumps go forward only, and the last instruction returns: every program ends.
bool valid(sock_filter const *code, std::uint32_t n)
{
    for (std::uint32_t i = 0; i < n; ++i) {
        auto const &at = code[i];
        if (is_jump(at)) {
            std::uint64_t far = BPF_OP(at.code) == BPF_JA ? at.k : at.jt > at.jf ? at.jt : at.jf;
            if (i + 1ull + far >= n)
                return false;
        }
        unsigned kind = BPF_CLASS(at.code);
        bool memory = kind == BPF_ST || kind == BPF_STX
            || ((kind == BPF_LD || kind == BPF_LDX) && BPF_MODE(at.code) == BPF_MEM);
        if (memory && at.k >= BPF_MEMWORDS)
            return false;
        if (kind == BPF_ALU && BPF_SRC(at.code) == BPF_K && at.k == 0
            && (BPF_OP(at.code) == BPF_DIV || BPF_OP(at.code) == BPF_MOD))
            return false;
    }
    return BPF_CLASS(code[n - 1].code) == BPF_RET;
}

struct Machine {
    pbuf const *packet;
    FilterContext const &context;
    std::uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = {};

    bool ancillary(std::uint32_t what)
    {
        switch (what) {
        case SKF_AD_PROTOCOL: a = context.protocol; return true;
        case SKF_AD_PKTTYPE: a = context.packet_type; return true;
        case SKF_AD_IFINDEX: a = context.interface_index; return true;
        case SKF_AD_HATYPE: a = context.hardware_type; return true;
        case SKF_AD_RANDOM: a = random_u32(); return true;
        case SKF_AD_MARK:
        case SKF_AD_QUEUE:
        case SKF_AD_RXHASH:
        case SKF_AD_CPU:
        case SKF_AD_VLAN_TAG:
        case SKF_AD_VLAN_TAG_PRESENT:
        case SKF_AD_VLAN_TPID: a = 0; return true;
        default: return false;
        }
    }

    // False: outside of the packet, which ends the program with "nothing".
    bool load(std::uint32_t at, unsigned size)
    {
        constexpr std::uint32_t ancillary_start = static_cast<std::uint32_t>(SKF_AD_OFF);
        if (at >= ancillary_start)
            return ancillary(at - ancillary_start);
        if (at >= static_cast<std::uint32_t>(SKF_NET_OFF))
            at = at - static_cast<std::uint32_t>(SKF_NET_OFF) + context.network_offset;
        else if (at >= static_cast<std::uint32_t>(SKF_LL_OFF))
            at -= static_cast<std::uint32_t>(SKF_LL_OFF);
        unsigned char b[4];
        unsigned n = size == BPF_W ? 4 : size == BPF_H ? 2 : 1;
        if (at > 0xffff || pbuf_copy_partial(packet, b, static_cast<u16_t>(n), static_cast<u16_t>(at)) != n)
            return false;
        a = 0;
        for (unsigned i = 0; i < n; ++i)
            a = a << 8 | b[i];
        return true;
    }

    bool compute(unsigned op, std::uint32_t v)
    {
        switch (op) {
        case BPF_ADD: a += v; return true;
        case BPF_SUB: a -= v; return true;
        case BPF_MUL: a *= v; return true;
        case BPF_DIV: return v != 0 && (a /= v, true);
        case BPF_MOD: return v != 0 && (a %= v, true);
        case BPF_OR: a |= v; return true;
        case BPF_AND: a &= v; return true;
        case BPF_XOR: a ^= v; return true;
        case BPF_LSH: a = v < 32 ? a << v : 0; return true;
        case BPF_RSH: a = v < 32 ? a >> v : 0; return true;
        case BPF_NEG: a = 0 - a; return true;
        default: return false;
        }
    }

    bool holds(unsigned op, std::uint32_t v) const
    {
        switch (op) {
        case BPF_JEQ: return a == v;
        case BPF_JGT: return a > v;
        case BPF_JGE: return a >= v;
        default: return (a & v) != 0;  // BPF_JSET
        }
    }

    bool load_a(sock_filter const &i)
    {
        switch (BPF_MODE(i.code)) {
        case BPF_ABS: return load(i.k, BPF_SIZE(i.code));
        case BPF_IND: return load(x + i.k, BPF_SIZE(i.code));
        case BPF_LEN: a = packet->tot_len; return true;
        case BPF_IMM: a = i.k; return true;
        case BPF_MEM: a = memory[i.k]; return true;
        default: return false;
        }
    }

    bool load_x(sock_filter const &i)
    {
        auto const keep = a;
        switch (BPF_MODE(i.code)) {
        case BPF_LEN: x = packet->tot_len; return true;
        case BPF_IMM: x = i.k; return true;
        case BPF_MEM: x = memory[i.k]; return true;
        case BPF_MSH: {  // four times the low half of a byte: the length of an IPv4 header
            if (!load(i.k, BPF_B))
                return false;
            x = (a & 15) * 4;
            a = keep;
            return true;
        }
        default: return false;
        }
    }
};
}  // namespace

Result<Ref<Filter>> Filter::load(std::span<char const> argument)
{
    Program p;
    if (argument.size() < sizeof p)
        return Error::inval;
    std::memcpy(&p, argument.data(), sizeof p);
    if (p.length == 0 || p.length > BPF_MAXINSNS)
        return Error::inval;
    auto f = TRY(make_ref<Filter>());
    f->code.reset(new (std::nothrow) sock_filter[p.length]);
    if (!f->code)
        return Error::nomem;
    TRY(copy_in(f->code.get(), Vaddr{p.code}, p.length * sizeof(sock_filter)));
    f->length = p.length;
    if (!valid(f->code.get(), f->length))
        return Error::inval;
    return f;
}

std::uint32_t Filter::run(pbuf const *p, FilterContext const &context) const
{
    Machine m{p, context};
    for (std::uint32_t at = 0; at < length; ++at) {
        auto const &i = code[at];
        std::uint32_t operand = BPF_SRC(i.code) == BPF_X ? m.x : i.k;
        bool ok = true;
        switch (BPF_CLASS(i.code)) {
        case BPF_LD: ok = m.load_a(i); break;
        case BPF_LDX: ok = m.load_x(i); break;
        case BPF_ST: m.memory[i.k] = m.a; break;
        case BPF_STX: m.memory[i.k] = m.x; break;
        case BPF_ALU: ok = m.compute(BPF_OP(i.code), operand); break;
        case BPF_JMP: at += BPF_OP(i.code) == BPF_JA ? i.k : m.holds(BPF_OP(i.code), operand) ? i.jt : i.jf; break;
        case BPF_RET: return BPF_RVAL(i.code) == BPF_A ? m.a : i.k;
        default:  // BPF_MISC
            if (BPF_MISCOP(i.code) == BPF_TXA)
                m.a = m.x;
            else
                m.x = m.a;
            break;
        }
        if (!ok)
            return 0;
    }
    return 0;
}
}  // namespace kernel::net
