// SPDX-License-Identifier: MIT
// FXSAVE keeps one tag bit a register, FSAVE two: empty, or a class of the value. Intel SDM Vol. 1, 8.1.7 and 10.5.1.1.
#include <cstring>
#include <signal_layout.hpp>

namespace arch {
namespace {
enum Tag : std::uint32_t { valid = 0, zero = 1, special = 2, empty = 3 };

Tag classify(std::uint8_t const *st)
{
    std::uint64_t mantissa;
    std::uint16_t sign_exponent;
    std::memcpy(&mantissa, st, sizeof mantissa);
    std::memcpy(&sign_exponent, st + sizeof mantissa, sizeof sign_exponent);
    auto exponent = sign_exponent & 0x7fff;
    if (exponent == 0)
        return mantissa == 0 ? zero : special;
    return exponent == 0x7fff || !(mantissa >> 63) ? special : valid;
}

// Tags count physical registers; the images hold them from the top of the stack on.
std::uint32_t full_tags(FxImage const &fx)
{
    unsigned top = fx.status >> 11 & 7;
    std::uint32_t tags = 0;
    for (unsigned physical = 0; physical < 8; ++physical) {
        bool used = (fx.tag >> physical & 1) != 0;
        std::uint32_t tag = used ? classify(fx.st[(physical - top) & 7]) : empty;
        tags |= tag << 2 * physical;
    }
    return tags;
}
}  // namespace

LegacyFpu legacy_from_fx(FxImage const &fx)
{
    constexpr std::uint32_t high = 0xffff'0000;  // as FSAVE leaves the unused halves
    LegacyFpu out{};
    out.control = fx.control | high;
    out.status = fx.status | high;
    out.tag = full_tags(fx) | high;
    out.ip = fx.ip;
    out.cs_opcode = (fx.cs & 0xffff) | std::uint32_t{fx.opcode} << 16;
    out.data_offset = fx.data_offset;
    out.data_selector = fx.data_selector;
    for (unsigned i = 0; i < 8; ++i)
        std::memcpy(out.st[i], fx.st[i], sizeof out.st[i]);
    out.status_copy = fx.status;
    return out;
}

void legacy_into_fx(LegacyFpu const &in, FxImage &fx)
{
    fx.control = static_cast<std::uint16_t>(in.control);
    fx.status = static_cast<std::uint16_t>(in.status);
    fx.tag = 0;
    for (unsigned i = 0; i < 8; ++i)
        if ((in.tag >> 2 * i & 3) != empty)
            fx.tag = static_cast<std::uint8_t>(fx.tag | 1u << i);
    fx.opcode = static_cast<std::uint16_t>(in.cs_opcode >> 16);
    fx.ip = in.ip;
    fx.cs = in.cs_opcode & 0xffff;
    fx.data_offset = in.data_offset;
    fx.data_selector = in.data_selector;
    for (unsigned i = 0; i < 8; ++i)
        std::memcpy(fx.st[i], in.st[i], sizeof in.st[i]);
}
}  // namespace arch
