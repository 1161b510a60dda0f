// SPDX-License-Identifier: MIT
// Shared rings: both ends over one area of memory, in order, across the wrap of the indices, with
// notifications asked for and left out, and with the other end lying about its index.
#include <pv/io/ring.hpp>

#include <cstdio>
#include <cstdlib>

struct TestRequest {
    uint32_t id;
    uint32_t payload[4];
};
struct TestResponse {
    uint32_t id;
};
PV_RING_TYPES(test, struct TestRequest, struct TestResponse);

namespace {

constexpr uint32_t page_bytes = 4096;
constexpr uint32_t slots = PV_RING_SLOTS(test, page_bytes);
static_assert(sizeof(test_sring_entry) == 20 && slots == 128);  // 201 would fit
static_assert(PV_RING_FLOOR2(1u) == 1 && PV_RING_FLOOR2(32u) == 32 && PV_RING_FLOOR2(63u) == 32);

int passed, failed;

void check(bool good, const char *what, int line)
{
    good ? ++passed : ++failed;
    if (!good)
        std::printf("FAIL ring_test.cpp:%d: %s\n", line, what);
}
#define CHECK(condition) check(condition, #condition, __LINE__)

struct Pair {
    alignas(8) unsigned char memory[page_bytes];
    test_sring &shared = *reinterpret_cast<test_sring *>(memory);
    pv::FrontRing<test_sring> front;
    pv::BackRing<test_sring> back;

    explicit Pair(RING_IDX start = 0)
    {
        pv::init_shared_ring(shared);
        shared.req_prod = shared.rsp_prod = start;
        shared.req_event = shared.rsp_event = start + 1;
        front = {shared, slots, start};
        back = {shared, slots, start};
    }
};

void answers_come_back_in_order_across_the_wrap()
{
    Pair pair(0u - 300);
    uint32_t sent = 0, answered = 0, received = 0;
    bool in_order = true;
    for (int round = 0; round < 2000; ++round) {
        for (uint32_t n = round % slots; n > 0 && pair.front.free() > 0; --n)
            pair.front.put({sent++, {}});
        pair.front.push();
        TestRequest request{};
        for (int n = round % 37; n > 0 && pair.back.take(request) == pv::Taken::one; --n) {
            in_order = in_order && request.id == answered++;
            pair.back.put({request.id});
        }
        pair.back.push();
        TestResponse response{};
        while (pair.front.take(response) == pv::Taken::one)
            in_order = in_order && response.id == received++;
    }
    CHECK(in_order);
    CHECK(received == answered && received > 10'000);
    CHECK(pair.front.in_flight() == sent - received);
}

void only_a_sleeping_reader_is_notified()
{
    Pair pair;
    TestRequest request{};
    pair.front.put({1, {}});
    CHECK(pair.front.push());  // nothing was read yet: the first request is asked for
    pair.front.put({2, {}});
    CHECK(!pair.front.push());  // the reader is awake
    CHECK(pair.back.more());
    CHECK(pair.back.take(request) == pv::Taken::one && request.id == 1);
    CHECK(pair.back.take(request) == pv::Taken::one && request.id == 2);
    CHECK(!pair.back.more());  // asks before it sleeps
    pair.front.put({3, {}});
    CHECK(pair.front.push());
    CHECK(pair.back.more());
}

void a_full_ring_says_so()
{
    Pair pair;
    while (pair.front.free() > 0)
        pair.front.put({0, {}});
    CHECK(pair.front.in_flight() == slots);
    pair.front.push();
    TestRequest request{};
    uint32_t taken = 0;
    while (pair.back.take(request) == pv::Taken::one)
        ++taken;
    CHECK(taken == slots && pair.back.in_flight() == slots);
}

void a_lying_peer_is_found_out()
{
    Pair pair;
    TestRequest request{};
    TestResponse response{};
    pair.shared.req_prod = slots + 1;
    CHECK(pair.back.take(request) == pv::Taken::overrun);
    pair.shared.req_prod = 0u - 1;
    CHECK(pair.back.take(request) == pv::Taken::overrun);
    pair.shared.rsp_prod = 1;  // an answer to nothing
    CHECK(pair.front.take(response) == pv::Taken::overrun);
    pair.shared.rsp_prod = 0;
    pair.front.put({7, {}});
    CHECK(pair.front.take(response) == pv::Taken::nothing);
    pair.shared.rsp_prod = 1;  // an answer to what was not asked yet
    CHECK(pair.front.take(response) == pv::Taken::overrun);
}

}  // namespace

int main()
{
    answers_come_back_in_order_across_the_wrap();
    only_a_sleeping_reader_is_notified();
    a_full_ring_says_so();
    a_lying_peer_is_found_out();
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
