// SPDX-License-Identifier: MIT
// Text that is made while somebody reads it: grows on the heap.
#pragma once
#include <cstddef>
#include <memory>
#include <string_view>

namespace kernel {
class Text {
public:
    static constexpr std::size_t most_bytes = 4 << 20;
    // Out of memory, or more than most_bytes: ok() turns false and stays so.
    void print(char const *format, ...) __attribute__((format(printf, 2, 3)));
    void append(std::string_view);
    void clear() { size_ = 0; }
    bool ok() const { return ok_; }
    std::string_view view() const { return {bytes_.get(), size_}; }

private:
    bool reserve(std::size_t more);
    std::unique_ptr<char[]> bytes_;
    std::size_t size_ = 0, capacity_ = 0;
    bool ok_ = true;
};
}  // namespace kernel
