// SPDX-License-Identifier: MIT
#include <algorithm>
#include <arch/clock.hpp>
#include <arch/cpu.hpp>
#include <arch/platform.hpp>
#include <bit>
#include <cstring>
#include <kernel/process/process.hpp>
#include <kernel/random.hpp>
#include <kernel/syscall/syscall.hpp>

namespace kernel {
namespace {
std::uint32_t key[8];
std::uint64_t reseed_at;  // arch::now_ns() time; 0: never seeded
constexpr std::uint64_t reseed_interval_ns = 300ull * 1'000'000'000;

void quarter(std::uint32_t &a, std::uint32_t &b, std::uint32_t &c, std::uint32_t &d)
{
    a += b, d = std::rotl(d ^ a, 16);
    c += d, b = std::rotl(b ^ c, 12);
    a += b, d = std::rotl(d ^ a, 8);
    c += d, b = std::rotl(b ^ c, 7);
}

// key := ChaCha20(key ^ input): keeps what entropy there was, whatever the input is.
void mix(std::uint32_t const input[8])
{
    std::uint32_t const nonce[3] = {0x6d697800, 0, 0};
    std::uint32_t block[16];
    for (unsigned i = 0; i < 8; ++i)
        key[i] ^= input[i];
    chacha20_block(key, 0, nonce, block);
    std::memcpy(key, block, sizeof key);
}

void reseed_if_due()
{
    auto now = arch::now_ns();
    if (reseed_at != 0 && now < reseed_at)
        return;
    std::uint32_t seed[8];
    arch::random_seed(seed, sizeof seed);
    seed[7] ^= static_cast<std::uint32_t>(arch::cycles());
    mix(seed);
    reseed_at = now + reseed_interval_ns;
}
}  // namespace

void chacha20_block(std::uint32_t const k[8], std::uint32_t counter, std::uint32_t const nonce[3], std::uint32_t out[16])
{
    std::uint32_t const start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, k[0], k[1],
                                     k[2],       k[3],       k[4],       k[5],       k[6], k[7],
                                     counter,    nonce[0],   nonce[1],   nonce[2]};
    std::uint32_t x[16];
    std::memcpy(x, start, sizeof x);
    for (int round = 0; round < 10; ++round) {
        for (unsigned i = 0; i < 4; ++i)
            quarter(x[i], x[4 + i], x[8 + i], x[12 + i]);
        for (unsigned i = 0; i < 4; ++i)
            quarter(x[i], x[4 + (i + 1) % 4], x[8 + (i + 2) % 4], x[12 + (i + 3) % 4]);
    }
    for (unsigned i = 0; i < 16; ++i)
        out[i] = x[i] + start[i];
}

void random_bytes(void *out, std::size_t n)
{
    reseed_if_due();
    std::uint32_t const nonce[3] = {};
    std::uint32_t used[8], block[16];
    std::memcpy(used, key, sizeof used);
    chacha20_block(used, 0, nonce, block);
    std::memcpy(key, block, sizeof key);  // the next request's key, before any byte leaves
    auto *to = static_cast<unsigned char *>(out);
    for (std::uint32_t counter = 1; n > 0; ++counter) {
        chacha20_block(used, counter, nonce, block);
        auto part = std::min(n, sizeof block);
        std::memcpy(to, block, part);
        to += part;
        n -= part;
    }
    std::memset(used, 0, sizeof used);
    std::memset(block, 0, sizeof block);
}

std::uint32_t random_u32()
{
    std::uint32_t v;
    random_bytes(&v, sizeof v);
    return v;
}

void stir_random(void const *in, std::size_t n)
{
    auto const *from = static_cast<unsigned char const *>(in);
    while (n > 0) {
        std::uint32_t block[8] = {};
        auto part = std::min(n, sizeof block);
        std::memcpy(block, from, part);
        mix(block);
        from += part;
        n -= part;
    }
}

namespace {
constexpr std::uint32_t grnd_nonblock = 1, grnd_random = 2, grnd_insecure = 4;

Result<std::int32_t> sys_getrandom(std::uint32_t out, std::uint32_t n, std::uint32_t flags)
{
    if (flags & ~(grnd_nonblock | grnd_random | grnd_insecure))
        return Error::inval;
    if ((flags & grnd_random) && (flags & grnd_insecure))
        return Error::inval;
    n = std::min(n, 0x7fff'ffffu);
    std::uint32_t done = 0;
    while (done < n) {
        unsigned char chunk[256];
        auto part = std::min<std::uint32_t>(n - done, sizeof chunk);
        random_bytes(chunk, part);
        if (auto r = copy_out(Vaddr{out + done}, chunk, part); !r.ok())
            return done ? Result<std::int32_t>{static_cast<std::int32_t>(done)} : r.error();
        done += part;
        if (done % page_size == 0 && signal_pending(current()))
            break;
    }
    return static_cast<std::int32_t>(done);
}
SYSCALL(getrandom, 355, sys_getrandom);
}  // namespace
}  // namespace kernel
