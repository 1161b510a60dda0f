// SPDX-License-Identifier: MIT
// Domains that compute at the same time: each finds its own registers after every slice that another one had, a new one finds
// nothing of anybody's, and one that leaves a floating-point exception waiting keeps it to itself.
#include "domu.hpp"

char const title[] = "floating point in several domains";

namespace {

using namespace domu;

constexpr unsigned patterns = 3, rounds_wanted = 200;
enum Word : unsigned { pattern, rounds, wrong, leaked };

struct alignas(16) Fxsave {
    std::uint16_t control, status;
    std::uint8_t tags, reserved, rest[18];
    std::uint32_t mxcsr, mxcsr_mask;
    std::uint32_t st[8][4], xmm[8][4];
    std::uint8_t to_end[224];
};
static_assert(sizeof(Fxsave) == 512);

// SDM Vol. 1 10.5.1: what each register of a pattern holds; an x87 register is 80 bits wide.
void fill(Fxsave &image, std::uint32_t seed)
{
    asm volatile("fxsave %0" : "=m"(image));
    image.control = 0x37f;
    image.tags = 0xff;
    image.mxcsr = 0x1f80 | (seed & 3) << 13;  // the rounding
    for (std::uint32_t i = 0; i < 8; ++i)
        for (std::uint32_t j = 0; j < 4; ++j) {
            image.xmm[i][j] = seed * 0x01010101u + i * 16 + j;
            image.st[i][j] = j < 2 ? image.xmm[i][j] : j == 2 ? 0x3fff : 0;
        }
    image.st[0][1] |= 1u << 31;
}

bool holds(Fxsave const &wanted)
{
    static Fxsave now;
    asm volatile("fxsave %0" : "=m"(now));
    bool same = now.mxcsr == wanted.mxcsr && now.control == wanted.control && now.tags == wanted.tags;
    for (unsigned i = 0; i < 8; ++i)
        for (unsigned j = 0; j < 4; ++j)
            same = same && now.xmm[i][j] == wanted.xmm[i][j] && now.st[i][j] == wanted.st[i][j];
    return same;
}

void load(Fxsave const &image) { asm volatile("fxrstor %0" ::"m"(image)); }

bool untouched()
{
    static Fxsave now;
    asm volatile("fxsave %0" : "=m"(now));
    std::uint32_t sum = 0;
    for (unsigned i = 0; i < 8; ++i)
        for (unsigned j = 0; j < 4; ++j)
            sum |= now.xmm[i][j] | now.st[i][j];
    return sum == 0 && now.control == 0x37f && now.mxcsr == 0x1f80;
}

void compute()
{
    static Fxsave image;
    event_mask() = 1;
    mailbox.word[leaked] = !untouched();
    fill(image, mailbox.word[pattern]);
    load(image);
    for (;;) {
        mailbox.word[wrong] = mailbox.word[wrong] + !holds(image);
        mailbox.word[rounds] = mailbox.word[rounds] + 1;
    }
}

// 1/0 with the exception unmasked: the next instruction that waits would fault; none does.
void leave_an_exception()
{
    event_mask() = 1;
    std::uint16_t control = 0x37b;
    asm volatile("fninit\n\tfldcw %0\n\tfld1\n\tfldz\n\tfdivrp" ::"m"(control));
    for (;;) {
        std::uint16_t status = 0;
        asm volatile("fnstsw %0" : "=m"(status));
        mailbox.word[wrong] = mailbox.word[wrong] + ((status & 0x84) != 0x84);  // zero divide, summary
        mailbox.word[rounds] = mailbox.word[rounds] + 1;
    }
}

// Ours, while the others have the processor; with the next use a fault of number 7, and without.
void keep_ours(Fxsave const &ours, bool faulting)
{
    load(ours);
    if (faulting)
        check(0, "fpu_taskswitch(1)", hypercall(__HYPERVISOR_fpu_taskswitch, 1));
    sleep_ms(5);
    if (faulting)
        check_fault(7, "the first use after others ran", faults([] { asm volatile("fnop"); }));
    check_true(holds(ours), faulting ? "our registers after it" : "our registers after others ran");
}

}  // namespace

void test_main()
{
    static Fxsave ours;
    fill(ours, 0x7a);
    load(ours);
    Child child[patterns], odd;
    for (unsigned i = 0; i < patterns; ++i) {
        build(child[i], compute);
        child[i].box->word[pattern] = 0x11 + i;
        start(child[i]);
    }
    build_and_start(odd, leave_an_exception);
    auto all_have_run = [&] {
        bool good = odd.box->word[rounds] >= rounds_wanted;
        for (Child const &c : child)
            good = good && c.box->word[rounds] >= rounds_wanted;
        return good;
    };
    for (unsigned i = 0; i < 40; ++i)
        keep_ours(ours, i % 2);
    check_true(wait_until(all_have_run), "all of them run");
    for (Child const &c : child) {
        check(0, "registers of others in a new domain", c.box->word[leaked]);
        check(0, "times that a register was another's", c.box->word[wrong]);
    }
    check(0, "times that the waiting exception was lost", odd.box->word[wrong]);
    for (Child &c : child)
        destroy(c);
    destroy(odd);
    asm volatile("fninit");
    success();
}
