// SPDX-License-Identifier: MIT
// What a guest has written and its terminal has not taken yet. While somebody reads the terminal, however slowly, nothing is lost:
// the backlog fills, and the guest waits. When nobody does, the oldest is left out in favour of the newest.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace console {
class Backlog {
public:
    static constexpr std::size_t most = 64 << 10;
    static constexpr std::uint64_t patience_ms = 2000;  // a terminal that has taken nothing for so long has no reader

    // How much may be added at this time.
    std::size_t room(std::uint64_t now_ms) const { return waits_for_reader(now_ms) ? most - text_.size() : most; }
    // Precondition: bytes.size() <= room(now_ms).
    void add(std::string_view bytes);
    std::string_view text() const { return text_; }
    void took(std::size_t bytes, std::uint64_t now_ms);  // the terminal, of text()
    bool empty() const { return text_.empty(); }

private:
    bool waits_for_reader(std::uint64_t now_ms) const { return now_ms - last_took_ms_ < patience_ms; }
    std::string text_;
    std::uint64_t lost_ = 0;
    std::uint64_t last_took_ms_ = 0;
};
}  // namespace console
