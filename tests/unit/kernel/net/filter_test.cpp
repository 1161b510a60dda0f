// SPDX-License-Identifier: MIT
// Classic BPF: what a program lets through, and which programs are not let in.
#include "world.hpp"
#include <catch2/catch.hpp>
#include <kernel/net/packet/filter.hpp>

using namespace kernel::net;
using kernel::Ref;

namespace {
// The stack of this process may lie where a guest's kernel does, its data do not.
Result<Ref<Filter>> load(std::vector<sock_filter> const &program_text)
{
    static sock_filter code[16];
    REQUIRE(program_text.size() <= std::size(code));
    std::copy(program_text.begin(), program_text.end(), code);
    struct {
        std::uint16_t length;
        std::uint32_t code;
    } program{static_cast<std::uint16_t>(program_text.size()),
              static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(code))};
    return Filter::load({reinterpret_cast<char const *>(&program), sizeof program});
}
}  // namespace

TEST_CASE("a filter reads across pieces and stops outside the packet", "[filter]")
{
    world::begin();
    auto f = load({BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 2), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0203, 0, 1),
                   BPF_STMT(BPF_RET | BPF_K, 77), BPF_STMT(BPF_RET | BPF_K, 0)})
                 .take();
    for (std::size_t piece : {1u, 2u, 3u, 100u}) {
        CHECK(f->run(world::packet_of({0, 1, 2, 3, 4}, piece).get(), {}) == 77);
        CHECK(f->run(world::packet_of({0, 1, 2, 4, 4}, piece).get(), {}) == 0);
        CHECK(f->run(world::packet_of({0, 1, 2}, piece).get(), {}) == 0);
    }
}

TEST_CASE("arithmetic, memory, ancillary data", "[filter]")
{
    world::begin();
    auto f = load({BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<__u32>(SKF_AD_OFF + SKF_AD_IFINDEX)),
                   BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LDX | BPF_MEM, 3), BPF_STMT(BPF_LD | BPF_LEN, 0),
                   BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0), BPF_STMT(BPF_RET | BPF_A, 0)})
                 .take();
    FilterContext c;
    c.interface_index = 5;
    CHECK(f->run(world::packet_of(world::Bytes(10)).get(), c) == 15);
    auto divide = load({BPF_STMT(BPF_LDX | BPF_IMM, 0), BPF_STMT(BPF_LD | BPF_IMM, 9),
                        BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), BPF_STMT(BPF_RET | BPF_A, 0)})
                      .take();
    CHECK(divide->run(world::packet_of(world::Bytes(10)).get(), c) == 0);
}

TEST_CASE("programs that could not end or read elsewhere are refused", "[filter]")
{
    world::begin();
    CHECK_FALSE(load({BPF_STMT(BPF_LD | BPF_IMM, 1)}).ok());
    CHECK_FALSE(load({BPF_STMT(BPF_JMP | BPF_JA, 1), BPF_STMT(BPF_RET | BPF_K, 1)}).ok());
    CHECK_FALSE(load({BPF_STMT(BPF_JMP | BPF_JA, 0xffff'ffff), BPF_STMT(BPF_RET | BPF_K, 1)}).ok());
    CHECK_FALSE(load({BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 5, 0), BPF_STMT(BPF_RET | BPF_K, 1)}).ok());
    CHECK_FALSE(load({BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_RET | BPF_K, 1)}).ok());
    CHECK_FALSE(load({BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 1)}).ok());
    CHECK_FALSE(load({}).ok());
}

TEST_CASE("random programs that are let in end, and never read outside", "[filter][fuzz]")
{
    world::begin();
    unsigned accepted = 0;
    for (unsigned i = 0; i < 20'000; ++i) {
        std::vector<sock_filter> code(1 + world::chance(12));
        for (auto &c : code)
            c = {static_cast<__u16>(world::chance(256)), static_cast<__u8>(world::chance(8)),
                 static_cast<__u8>(world::chance(8)), world::chance(4) ? world::chance(64) : world::chance(0xffff'ffff)};
        code.back() = BPF_STMT(BPF_RET | BPF_A, 0);
        auto f = load(code);
        if (!f.ok())
            continue;
        ++accepted;
        (void)f.value()->run(world::packet_of(world::Bytes(world::chance(64)), 1 + world::chance(9)).get(), {});
    }
    CHECK(accepted > 100);
}
