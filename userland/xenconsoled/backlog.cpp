// SPDX-License-Identifier: MIT
#include <userland/xenconsoled/backlog.hpp>

namespace console {
namespace {
std::string note(std::uint64_t lost) { return "\r\n[xenconsoled: " + std::to_string(lost) + " bytes left out]\r\n"; }
}  // namespace

void Backlog::add(std::string_view bytes)
{
    text_ += bytes;
    if (text_.size() <= most)
        return;
    // A note of an earlier loss stands at the start: it goes, too, and its loss is counted on.
    auto skip = lost_ ? note(lost_).size() : 0;
    auto excess = text_.size() - most / 2 - skip;
    lost_ += excess;
    text_.erase(0, skip + excess);
    text_.insert(0, note(lost_));
}

void Backlog::took(std::size_t bytes, std::uint64_t now_ms)
{
    text_.erase(0, bytes);
    last_took_ms_ = now_ms;
    if (bytes != 0)
        lost_ = 0;
}
}  // namespace console
