// SPDX-License-Identifier: MIT
#include <kernel/memory/frames.hpp>
#include <pvlib/device/hollow.hpp>
#include <pvlib/reservation.hpp>
#include <pvlib/shared.hpp>

namespace pv {
namespace {
// Linked through FrameInfo, which nobody else uses of a withdrawn frame.
constinit kernel::FrameList places, ballooned;
constinit std::uint32_t ballooned_count = 0;
constinit std::uint32_t pooled_count = 0, used_count = 0;
constexpr std::uint32_t most_pooled = 128;
constinit std::uint32_t target = 0;

std::size_t batch_of(std::size_t n) { return n < reservation_batch ? n : reservation_batch; }

Pfn take_front(kernel::FrameList &list)
{
    auto f = list.front();
    if (f != no_pfn)
        list.remove(f);
    return f;
}

Result<Pfn> new_place()
{
    auto place = take_front(places);
    if (place != no_pfn) {
        --pooled_count;
        return place;
    }
    place = pop_hollow();
    if (place != no_pfn)
        return place;
    place = TRY(kernel::allocate_frame());
    auto emptied = hollow_out({&place, 1});
    if (!emptied.ok())
        kernel::unref_frame(place);
    return emptied.ok() ? Result<Pfn>{place} : emptied.error();
}
}  // namespace

Result<unsigned> hollow_out(std::span<Pfn const> frames)
{
    std::size_t done = 0;
    while (done < frames.size()) {
        auto batch = frames.subspan(done, batch_of(frames.size() - done));
        auto n = release_machine_frames(batch);
        for (auto f : batch.first(n))
            kernel::withdraw_frame(f);
        done += n;
        if (n < batch.size())
            break;
    }
    if (done == 0 && !frames.empty())
        return Error::io;
    return static_cast<unsigned>(done);
}

unsigned fill(std::span<Pfn const> frames)
{
    std::size_t done = 0;
    while (done < frames.size()) {
        auto batch = frames.subspan(done, batch_of(frames.size() - done));
        auto n = obtain_machine_frames(batch);
        for (auto f : batch.first(n))
            kernel::return_frame(f);
        done += n;
        if (n < batch.size())
            break;
    }
    return static_cast<unsigned>(done);
}

Result<> take_places(std::span<Pfn> out)
{
    for (std::size_t i = 0; i < out.size(); ++i) {
        auto place = new_place();
        if (!place.ok()) {
            give_places(out.first(i));
            return place.error();
        }
        out[i] = place.value();
        ++used_count;
    }
    return {};
}

// What cannot be filled is the balloon's: it will be when there is memory.
void give_places(std::span<Pfn const> from)
{
    used_count -= from.size();
    for (auto f : from) {
        if (pooled_count < most_pooled) {
            places.push_front(f);
            ++pooled_count;
        } else if (!fill({&f, 1})) {
            push_hollow(f);
        }
    }
}

std::uint32_t place_count() { return used_count + pooled_count; }

Result<Pfn> take_places_in_a_row(unsigned order)
{
    auto first = TRY(kernel::allocate_frames(order));
    for (std::uint32_t i = 0; i < 1u << order; ++i) {
        auto f = first + i;
        if (hollow_out({&f, 1}).ok())
            continue;
        for (auto j = i; j < 1u << order; ++j)
            kernel::unref_frame(first + j);
        for (std::uint32_t j = 0; j < i; ++j) {
            auto taken = first + j;
            if (!fill({&taken, 1}))
                push_hollow(taken);
        }
        return Error::nomem;
    }
    used_count += 1u << order;
    return first;
}

void push_hollow(Pfn f)
{
    ballooned.push_front(f);
    ++ballooned_count;
}

Pfn pop_hollow()
{
    auto f = take_front(ballooned);
    if (f != no_pfn)
        --ballooned_count;
    return f;
}

std::uint32_t hollow_count() { return ballooned_count; }

std::uint32_t initial_pages() { return start->nr_pages; }

std::uint32_t current_pages() { return initial_pages() - hollow_count() - place_count(); }

void set_balloon_target(std::uint32_t pages) { target = pages; }

std::uint32_t balloon_target() { return target ? target : initial_pages(); }
}  // namespace pv
