// SPDX-License-Identifier: MIT
// The processor is shared by weight, to within 5 % by the hypervisor's own books; a cap holds; one that sleeps runs soon after it wakes, however
// many spin; a domain's weight is divided among its vCPUs; and the books of every vCPU add up to its age.
#include "domu.hpp"

char const title[] = "weights, caps, waking";

namespace {

using namespace domu;

void spin()
{
    event_mask() = 1;
    for (;;)
        mailbox.word[0] = mailbox.word[0] + 1;
}

std::uint64_t time_of(Child const &c) { return info_of(c.id).cpu_time; }

std::int32_t schedule(domid_t id, unsigned cmd, unsigned weight = 0, unsigned cap = 0xffff,
                      xen_domctl_sched_credit *out = nullptr)
{
    xen_domctl op{};
    op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT;
    op.u.scheduler_op.cmd = cmd;
    op.u.scheduler_op.u.credit = {static_cast<std::uint16_t>(weight), static_cast<std::uint16_t>(cap)};
    std::int32_t r = domctl(XEN_DOMCTL_scheduler_op, id, op);
    if (out)
        *out = op.u.scheduler_op.u.credit;
    return r;
}
void share(Child const &c, unsigned weight, unsigned cap)
{
    check(0, "scheduler_op", schedule(c.id, XEN_DOMCTL_SCHEDOP_putinfo, weight, cap));
}

bool near(std::uint64_t got, std::uint64_t wanted)
{
    std::uint64_t away = got > wanted ? got - wanted : wanted - got;
    return away * 20 <= wanted;
}

// What some domains have run since, against what they should have. Who overran its slice, because the emulator itself had no processor, owes that
// to the others: so shares are looked at after `least` in all, and again until they are right, or still are not after ten seconds.
class Contest {
public:
    Contest(Child const *children, unsigned n) : children_{children}, n_{n}
    {
        for (unsigned i = 0; i < n; ++i)
            start_[i] = time_of(children[i]);
    }
    std::uint64_t ran(unsigned i) const { return time_of(children_[i]) - start_[i]; }
    std::uint64_t sum() const
    {
        std::uint64_t s = 0;
        for (unsigned i = 0; i < n_; ++i)
            s += ran(i);
        return s;
    }
    template <class Share>
    void run(char const *what, std::uint64_t least, Share part)
    {
        auto settled = [&] {
            std::uint64_t all = sum();
            bool good = all >= least;
            for (unsigned i = 0; good && i < n_; ++i)
                good = near(ran(i), all * part(i) / 1000);
            return good;
        };
        if (wait_until(settled, 10000))
            return;
        failure("%s: in %u ms", what, static_cast<unsigned>(sum() / ms));
        for (unsigned i = 0; i < n_; ++i)
            print("  %u ms\n", static_cast<unsigned>(ran(i) / ms));
    }

private:
    Child const *children_;
    unsigned n_;
    std::uint64_t start_[8];
};

void weights()
{
    Child c[4];
    unsigned const weight[4] = {128, 256, 512, 1024};
    for (unsigned i = 0; i < 4; ++i) {
        build(c[i], spin);
        share(c[i], weight[i], 0);
    }
    for (Child const &child : c)
        start(child);
    sleep_ms(50);
    Contest{c, 4}.run("by weight", 1500 * ms, [&](unsigned i) { return weight[i] * 1000 / 1920; });
    for (unsigned i = 0; i < 4; ++i)
        share(c[i], 333, 0);
    Contest{c, 4}.run("by equal weight", 1000 * ms, [](unsigned) { return 250; });
    for (Child &child : c)
        destroy(child);
}

void other_vcpu()
{
    for (;;)
        mailbox.word[1] = mailbox.word[1] + 1;
}

// The second vCPU begins where the first has set the tables up already; it uses the same ones.
void start_both(Child const &c)
{
    auto second = context(c);
    second.user_regs.eip = word(other_vcpu);
    second.user_regs.esp = second.kernel_sp = word(Child::spare_address(1));
    check(0, "its second vCPU", set_context(c, second, 1));
    start(c);
    check_true(wait_until([&c] { return c.box->word[0] && c.box->word[1]; }), "both run");
}

void several_vcpus()
{
    Child c[2];
    build(c[0], spin, 2);
    build(c[1], spin);
    start_both(c[0]);
    start(c[1]);
    sleep_ms(50);
    Contest{c, 2}.run("two vCPUs have no more than one", 1000 * ms, [](unsigned) { return 500; });
    xen_domctl op{};
    std::uint64_t each[2];
    for (unsigned i = 0; i < 2; ++i) {
        op.u.getvcpuinfo.vcpu = i;
        check(0, "getvcpuinfo", domctl(XEN_DOMCTL_getvcpuinfo, c[0].id, op));
        each[i] = op.u.getvcpuinfo.cpu_time;
    }
    check_true(each[0] && each[1], "both of them run");
    for (Child &child : c)
        destroy(child);
}

void caps()
{
    Child c;
    build(c, spin);
    share(c, 256, 20);
    start(c);
    Contest contest{&c, 1};
    std::uint64_t begin = now();
    auto within = [&] {
        std::uint64_t ran = contest.ran(0), passed = now() - begin;
        return ran >= 200 * ms && near(ran, passed / 5);
    };
    check_true(wait_until(within, 10000), "a fifth of the processor");
    share(c, 0, 0);
    xen_domctl_sched_credit got{};
    check(0, "getinfo", schedule(c.id, XEN_DOMCTL_SCHEDOP_getinfo, 0, 0, &got));
    check(256, "weight 0 is no change", got.weight);
    check(0, "no cap", got.cap);
    Contest{&c, 1}.run("as much as it likes", 50 * ms, [](unsigned) { return 1000; });
    share(c, 0, 1);
    destroy(c);  // while it owes
}

// Wakes by its timer, does little, sleeps; says for how long it waited for the processor, and for how long it slept.
void sleeper()
{
    for (;;) {
        sleep_ms(2);
        vcpu_runstate_info run;
        hypercall(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, &run);
        mailbox.word[0] = mailbox.word[0] + 1;
        mailbox.word[1] = static_cast<std::uint32_t>(run.time[1] / 1000);
        mailbox.word[2] = static_cast<std::uint32_t>(run.time[2] / 1000);
    }
}

// Were it to wait its turn each time, it would wait for several slices of 10 ms and sleep for one of 2 ms.
void waking()
{
    Child spinners[6], c;
    for (Child &s : spinners)
        build_and_start(s, spin);
    build_and_start(c, sleeper);
    sleep_ms(100);
    std::uint32_t waited = c.box->word[1], slept = c.box->word[2];
    Contest{spinners, 6}.run("the others all run", 600 * ms, [](unsigned) { return 1000 / 6; });
    waited = c.box->word[1] - waited, slept = c.box->word[2] - slept;
    if (waited > slept)
        failure("waited for %u us, slept for %u us", waited, slept);
    print("%u wakes, waited for %u us, slept for %u us\n", c.box->word[0], waited, slept);
    destroy(c);
    for (Child &s : spinners)
        destroy(s);
}

// Runs, sleeps, is runnable: its four times together are its age.
void books()
{
    vcpu_runstate_info run;
    check(0, "runstate", hypercall(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, &run));
    std::uint64_t first = run.time[0] + run.time[1] + run.time[2] + run.time[3], begin = now();
    for (unsigned i = 0; i < 20; ++i) {
        sleep_ms(1);
        for (std::uint64_t end = now() + ms; now() < end;) {}
    }
    check(0, "runstate", hypercall(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, &run));
    std::uint64_t passed = run.time[0] + run.time[1] + run.time[2] + run.time[3] - first, by_clock = now() - begin;
    check_true(near(passed, by_clock), "its times add up to its age");
    check_true(run.time[0] >= 20 * ms, "it ran");
    check_true(run.time[2] >= 10 * ms, "it slept");
    success();
}

void refusals()
{
    Child c;
    build(c, spin);
    check(-XEN_EINVAL, "an unknown command", schedule(c.id, 77));
    check(-XEN_EINVAL, "a vCPU's own share", schedule(c.id, XEN_DOMCTL_SCHEDOP_putvcpuinfo));
    xen_domctl op{};
    op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
    check(-XEN_EINVAL, "another scheduler", domctl(XEN_DOMCTL_scheduler_op, c.id, op));
    destroy(c);
    xen_sysctl s{};
    auto &schedule_op = s.u.scheduler_op;
    schedule_op.sched_id = XEN_SCHEDULER_CREDIT;
    schedule_op.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
    check(0, "getinfo", sysctl(XEN_SYSCTL_scheduler_op, s));
    std::uint32_t slice = schedule_op.u.sched_credit.tslice_ms;
    schedule_op.cmd = XEN_SYSCTL_SCHEDOP_putinfo;
    for (std::uint32_t bad : {0u, 1001u, 0xffffffffu}) {
        schedule_op.u.sched_credit.tslice_ms = bad;
        check(-XEN_EINVAL, "a slice that is none", sysctl(XEN_SYSCTL_scheduler_op, s));
    }
    schedule_op.u.sched_credit = {slice, 99, 0};
    check(-XEN_EINVAL, "a rate limit that is too short", sysctl(XEN_SYSCTL_scheduler_op, s));
    schedule_op.u.sched_credit = {slice, 200, 0};
    check(0, "as it was", sysctl(XEN_SYSCTL_scheduler_op, s));
}

}  // namespace

void test_main()
{
    give_memory_back();
    refusals();
    weights();
    several_vcpus();
    caps();
    waking();
    run(books);
    success();
}
