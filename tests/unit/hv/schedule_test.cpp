// SPDX-License-Identifier: MIT
// The queue of vCPUs against the standard library's, and shares played through: weights hold to a tenth of a per cent over many turns, who sleeps
// gains no more than one boost, caps hold however turns overrun.
#include "machine.hpp"
#include <catch2/catch.hpp>
#include <hv/credit.hpp>
#include <hv/vcpu_queue.hpp>
#include <memory>
#include <set>

using namespace hv;

namespace {

using Queue = VcpuQueue<&Vcpu::virtual_time, &Vcpu::run_place>;

std::uint32_t below(std::uint32_t n) { return machine::random_word() % n; }

// The scheduler as run_queue.cpp has it, without a clock and a processor.
class Players {
public:
    explicit Players(std::vector<unsigned> weights)
        : weights_{std::move(weights)}, vcpus_(weights_.size()), ran(weights_.size())
    {
        for (Vcpu &v : vcpus_)
            queue_->insert(v);
    }
    unsigned take()
    {
        Vcpu *v = queue_->first();
        queue_->remove(*v);
        front_ = std::max(front_, v->virtual_time);
        return static_cast<unsigned>(v - vcpus_.data());
    }
    void run(unsigned i, std::int64_t ns)
    {
        vcpus_[i].virtual_time += credit::charge(ns, weights_[i], 1);
        ran[i] += ns;
    }
    void wake(unsigned i)
    {
        vcpus_[i].virtual_time = credit::enter(vcpus_[i].virtual_time, front_);
        queue_->insert(vcpus_[i]);
    }
    void back(unsigned i) { queue_->insert(vcpus_[i]); }

private:
    std::vector<unsigned> weights_;
    std::vector<Vcpu> vcpus_;
    std::unique_ptr<Queue> queue_{new Queue{}};
    std::int64_t front_ = 0;

public:
    std::vector<std::int64_t> ran;
};

}  // namespace

TEST_CASE("a queue gives the least first, and any of its members back")
{
    machine::seed(7);
    std::vector<Vcpu> vcpus(200);
    auto queue = std::make_unique<Queue>();
    std::multiset<std::int64_t> keys;
    for (unsigned step = 0; step < 50000; ++step) {
        Vcpu &v = vcpus[below(200)];
        if (queue->contains(v)) {
            keys.erase(keys.find(v.virtual_time));
            queue->remove(v);
        } else {
            v.virtual_time = static_cast<std::int32_t>(below(1000)) - 500;
            keys.insert(v.virtual_time);
            queue->insert(v);
        }
        REQUIRE(queue->size() == keys.size());
        REQUIRE(queue->empty() == keys.empty());
        if (!keys.empty())
            REQUIRE(queue->first()->virtual_time == *keys.begin());
    }
    while (Vcpu *v = queue->first()) {
        REQUIRE(v->virtual_time == *keys.begin());
        keys.erase(keys.begin());
        queue->remove(*v);
    }
    CHECK(keys.empty());
}

TEST_CASE("those who always want the processor share it by weight, however long their turns are")
{
    machine::seed(3);
    std::vector<unsigned> weights{1, 256, 256, 512, 1000, 65535};
    Players players{weights};
    std::int64_t total = 0;
    double sum = 0;
    for (unsigned w : weights)
        sum += w;
    for (unsigned turn = 0; turn < 2'000'000; ++turn) {
        unsigned i = players.take();
        std::int64_t ns = 1'000'000 + below(19'000'000);
        players.run(i, ns);
        players.back(i);
        total += ns;
    }
    for (unsigned i = 1; i < weights.size(); ++i)
        CHECK(players.ran[i] == Approx(weights[i] / sum * static_cast<double>(total)).epsilon(0.002));
    CHECK(players.ran[0] < total / 1000);
}

TEST_CASE("a sleeper runs at once, and has no more than its share and one boost")
{
    machine::seed(5);
    std::vector<unsigned> weights(65, 256);
    Players players{weights};
    // Number 0 sleeps for long, then wants everything.
    unsigned first = players.take();
    if (first != 0) {
        players.back(first);
        while ((first = players.take()) != 0) {
            players.run(first, 1000);
            players.back(first);
        }
    }
    for (unsigned turn = 0; turn < 10000; ++turn) {
        unsigned i = players.take();
        players.run(i, credit::default_slice_ns);
        players.back(i);
    }
    players.wake(0);
    std::vector<std::int64_t> before = players.ran;
    CHECK(players.take() == 0);
    players.run(0, 1'000'000);
    players.back(0);
    for (unsigned turn = 0; turn < 6500; ++turn) {
        unsigned i = players.take();
        players.run(i, credit::default_slice_ns);
        players.back(i);
    }
    std::int64_t mine = players.ran[0] - before[0], others = 0;
    for (unsigned i = 1; i < 65; ++i)
        others += players.ran[i] - before[i];
    CHECK(mine <= others / 64 + credit::boost_ns + 2 * credit::default_slice_ns);
}

TEST_CASE("two vCPUs of one domain advance twice as fast each, so a domain's share is one")
{
    CHECK(credit::charge(10'000'000, 256, 1) == 10'000'000);
    CHECK(credit::charge(10'000'000, 256, 2) == 20'000'000);
    CHECK(credit::charge(10'000'000, 512, 2) == 10'000'000);
    CHECK(credit::charge(10'000'000, 256, 0) == 10'000'000);
    CHECK(credit::charge(999'999'999'999, 1, 32) > 0);
}

TEST_CASE("a cap holds over time though turns overrun it, and an idle domain saves up one period at most")
{
    machine::seed(9);
    for (unsigned cap : {1u, 10u, 50u, 99u, 250u}) {
        std::int64_t budget = credit::quota(cap), ran = 0, periods = 20000;
        for (std::int64_t p = 0; p < periods; ++p) {
            std::int64_t left = credit::cap_period_ns * 4;  // what it could run with four vCPUs
            while (budget > 0 && left > 0) {
                std::int64_t turn = std::min(left, budget + below(3'000'000));
                budget -= turn, ran += turn, left -= turn;
            }
            budget = credit::refill(budget, cap, 1);
            REQUIRE(budget <= credit::quota(cap));
        }
        CHECK(static_cast<double>(ran) == Approx(static_cast<double>(periods * credit::quota(cap))).epsilon(0.01));
    }
    CHECK(credit::refill(0, 20, 1'000'000'000) == credit::quota(20));
    CHECK(credit::refill(-1'000'000'000'000, 1, 1) < 0);
}
