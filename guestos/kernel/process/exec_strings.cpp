// SPDX-License-Identifier: MIT
#include <algorithm>
#include <kernel/memory/address_space.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/memory/mman.hpp>
#include <kernel/process/exec_strings.hpp>
#include <kernel/process/vdso.hpp>

namespace kernel {
Result<std::unique_ptr<ExecStrings>> ExecStrings::make()
{
    std::unique_ptr<ExecStrings> s{new (std::nothrow) ExecStrings};
    if (!s)
        return Error::nomem;
    s->frames_.reset(new (std::nothrow) Pfn[max_pages]);
    s->bounce_.reset(new (std::nothrow) char[page_size]);
    if (!s->frames_ || !s->bounce_)
        return Error::nomem;
    s->limit_ = std::clamp(memory_limit(rlimit_stack) / 4, max_string, max_bytes);
    s->top_ = stack_end() - 4;
    TRY(s->at(s->top_));
    return s;
}

ExecStrings::~ExecStrings()
{
    for (std::uint32_t i = 0; i < known_; ++i)
        if (frames_[i] != no_pfn)
            unref_frame(frames_[i]);
}

Result<char *> ExecStrings::at(Vaddr a)
{
    auto i = (stack_end().raw() - 1 - a.raw()) >> page_shift;
    if (i >= max_pages)
        return Error::too_big;
    for (; known_ <= i; ++known_)
        frames_[known_] = no_pfn;
    if (frames_[i] == no_pfn)
        frames_[i] = TRY(allocate_user_frame(true));
    return static_cast<char *>(frame_address(frames_[i])) + page_offset(a);
}

Result<> ExecStrings::put(Vaddr to, void const *from, std::uint32_t n)
{
    auto bytes = static_cast<char const *>(from);
    while (n != 0) {
        auto piece = std::min(n, page_size - page_offset(to));
        std::memcpy(TRY(at(to)), bytes, piece);
        bytes += piece;
        to += piece;
        n -= piece;
    }
    return {};
}

// Pointers count as well: they will be there twice as long as the strings.
Result<> ExecStrings::may_push(std::uint32_t n) const
{
    std::uint64_t used = (stack_end() - top_) + std::uint64_t{n} + 4ull * (argc + envc);
    return n > max_string || used > limit_ ? Error::too_big : Result<>{};
}

Result<> ExecStrings::push_bytes(void const *from, std::uint32_t n)
{
    TRY(put(top_ - n, from, n));
    top_ = top_ - n;
    return {};
}

Result<> ExecStrings::push(char const *string)
{
    auto n = static_cast<std::uint32_t>(std::strlen(string)) + 1;
    TRY(may_push(n));
    return push_bytes(string, n);
}

// Nearly all strings fit into a page; a longer one is measured first and then fetched in pieces. Another thread may change it in
// between, so the end is ours.
Result<> ExecStrings::push_user(Vaddr string)
{
    auto length = copy_in_string(bounce_.get(), string, page_size);
    if (length.ok()) {
        auto n = static_cast<std::uint32_t>(length.value()) + 1;
        TRY(may_push(n));
        return push_bytes(bounce_.get(), n);
    }
    if (length.error() != Error::nametoolong)
        return length.error();
    std::uint32_t total = 0;
    while (!length.ok()) {
        total += page_size;
        if (total > max_string)
            return Error::too_big;
        length = copy_in_string(bounce_.get(), string + total, page_size);
        if (!length.ok() && length.error() != Error::nametoolong)
            return length.error();
    }
    total += static_cast<std::uint32_t>(length.value());
    TRY(may_push(total + 1));
    TRY(push_bytes("", 1));
    for (auto left = total; left != 0;) {
        auto piece = std::min(left, page_size);
        TRY(copy_in(bounce_.get(), string + (left - piece), piece));
        TRY(push_bytes(bounce_.get(), piece));
        left -= piece;
    }
    return {};
}

Result<std::uint32_t> ExecStrings::count_user(Vaddr vector) const
{
    if (vector == Vaddr{})
        return 0u;
    for (std::uint32_t n = 0; n < limit_ / 4; ++n)
        if (TRY(UserPtr<std::uint32_t>{vector.raw() + 4 * n}.read()) == 0)
            return n;
    return Error::too_big;
}

Result<std::uint32_t> ExecStrings::push_user_vector(Vaddr vector)
{
    auto count = TRY(count_user(vector));
    for (auto i = count; i-- != 0;) {
        auto string = TRY(UserPtr<std::uint32_t>{vector.raw() + 4 * i}.read());
        TRY(push_user(Vaddr{string}));
    }
    return count;
}

Result<std::uint32_t> ExecStrings::push_vector(char const *const *vector)
{
    std::uint32_t count = 0;
    while (vector[count])
        ++count;
    for (auto i = count; i-- != 0;)
        TRY(push(vector[i]));
    return count;
}

Vaddr ExecStrings::after_string(Vaddr a) const
{
    auto self = const_cast<ExecStrings *>(this);
    for (; a < stack_end(); a += 1)
        if (auto byte = self->at(a); !byte.ok() || *byte.value() == 0)
            return a + 1;
    return a;
}

void ExecStrings::drop_first() { top_ = after_string(top_); }

Result<> ExecStrings::write_words(Vaddr to, std::uint32_t const *words, std::uint32_t count)
{
    return put(to, words, count * 4);
}

Result<> ExecStrings::install(AddressSpace &space)
{
    auto page = stack_end() - page_size;
    for (std::uint32_t i = 0; i < known_; ++i, page -= page_size) {
        if (frames_[i] == no_pfn)
            continue;
        if (page < page_floor(top_))
            break;  // made for a string that was dropped again
        TRY(space.install(page, frames_[i]));
        frames_[i] = no_pfn;
    }
    return {};
}
}  // namespace kernel
