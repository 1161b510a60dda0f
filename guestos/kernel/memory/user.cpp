// SPDX-License-Identifier: MIT
#include <kernel/memory/user.hpp>

namespace kernel {
Result<> copy_in(void *dst, Vaddr src, std::size_t n)
{
    if (!user_range_ok(src, n) || arch::copy_from_user_raw(dst, src, n) != 0)
        return Error::fault;
    return {};
}

Result<> copy_out(Vaddr dst, void const *src, std::size_t n)
{
    if (!user_range_ok(dst, n) || arch::copy_to_user_raw(dst, src, n) != 0)
        return Error::fault;
    return {};
}

Result<std::size_t> copy_in_string(char *dst, Vaddr src, std::size_t size)
{
    if (src >= arch::user_limit || size == 0)
        return Error::fault;
    std::size_t room = arch::user_limit - src;
    auto most = size < room ? size : room;
    auto length = arch::copy_string_from_user_raw(dst, src, most);
    if (length < 0)
        return Error::fault;
    if (static_cast<std::size_t>(length) < most)
        return static_cast<std::size_t>(length);
    return most == size ? Error::nametoolong : Error::fault;  // or it runs into the kernel's part
}

IoBuffer IoBuffer::user(Vaddr address, std::size_t n)
{
    IoBuffer b;
    b.one_ = {address.raw(), static_cast<std::uint32_t>(n)};
    b.left_ = n;
    return b;
}

IoBuffer IoBuffer::kernel(void *address, std::size_t n)
{
    auto b = user(vaddr_of(address), n);
    b.kernel_ = true;
    return b;
}

IoBuffer IoBuffer::vector(Segment const *segments, unsigned count, std::size_t total)
{
    IoBuffer b;
    b.segments_ = segments;
    b.count_ = count;
    b.left_ = total;
    return b;
}

Result<> IoBuffer::check() const
{
    if (kernel_)
        return {};
    for (unsigned i = 0; i < count_; ++i) {
        auto const &s = segments_ ? segments_[i] : one_;
        if (!user_range_ok(Vaddr{s.base}, s.length))
            return Error::fault;
    }
    return {};
}

// Hands move(address, done, n) the buffer's next pieces, n bytes in all; move returns what it could not do.
template <class Move>
Result<std::size_t> IoBuffer::each_piece(std::size_t n, Move move)
{
    if (n > left_)
        n = left_;
    std::size_t done = 0;
    while (done < n) {
        auto const &s = segments_ ? segments_[index_] : one_;
        if (offset_ == s.length) {
            if (!segments_ || ++index_ == count_)
                break;
            offset_ = 0;
            continue;
        }
        auto piece = s.length - offset_ < n - done ? s.length - offset_ : n - done;
        auto missing = move(Vaddr{s.base} + static_cast<std::uint32_t>(offset_), done, piece);
        offset_ += piece - missing;
        left_ -= piece - missing;
        done += piece - missing;
        if (missing != 0)
            break;
    }
    if (done == 0 && n != 0)
        return Error::fault;
    return done;
}

Result<std::size_t> IoBuffer::put(void const *src, std::size_t n)
{
    return each_piece(n, [&](Vaddr to, std::size_t done, std::size_t piece) -> std::size_t {
        auto from = static_cast<char const *>(src) + done;
        if (!kernel_)
            return arch::copy_to_user_raw(to, from, piece);
        std::memcpy(pointer_to<char>(to), from, piece);
        return 0;
    });
}

Result<std::size_t> IoBuffer::get(void *dst, std::size_t n)
{
    return each_piece(n, [&](Vaddr from, std::size_t done, std::size_t piece) -> std::size_t {
        auto to = static_cast<char *>(dst) + done;
        if (!kernel_)
            return arch::copy_from_user_raw(to, from, piece);
        std::memcpy(to, pointer_to<char const>(from), piece);
        return 0;
    });
}

Result<std::size_t> IoBuffer::zero(std::size_t n)
{
    return each_piece(n, [&](Vaddr to, std::size_t, std::size_t piece) -> std::size_t {
        if (!kernel_)
            return arch::clear_user_raw(to, piece);
        std::memset(pointer_to<char>(to), 0, piece);
        return 0;
    });
}
}  // namespace kernel
