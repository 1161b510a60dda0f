// SPDX-License-Identifier: MIT
// The initial stack of a program, built in frames of its own before there is an address space to put it in.
//
//   stack_end() +----------------------------+
//               | 0 (4 bytes)                |
//               | path of the program        |  push(): downwards, so the strings come in the reverse of their order
//               | environment strings        |
//               | argument strings           |
//               | "i686", 16 random bytes    |
//               | (to 16 bytes)              |
//               | auxiliary vector           |
//               | environment pointers, 0    |
//               | argument pointers, 0       |
//   %esp ->     | argc                       |  System V ABI, Intel386 supplement, figure 3-31
//               +----------------------------+
#pragma once
#include <kernel/memory/user.hpp>
#include <memory>

namespace kernel {
class AddressSpace;

struct ExecStrings {
    static Result<std::unique_ptr<ExecStrings>> make();
    ~ExecStrings();
    ExecStrings(ExecStrings const &) = delete;
    ExecStrings &operator=(ExecStrings const &) = delete;

    // Error::too_big: more than the limit (a quarter of RLIMIT_STACK), or one string above 128 KB.
    Result<> push(char const *string);
    Result<> push_user(Vaddr string);
    Result<> push_bytes(void const *, std::uint32_t n);
    // The strings of a NULL-terminated array of pointers, last first; their number.
    Result<std::uint32_t> push_user_vector(Vaddr vector);
    Result<std::uint32_t> push_vector(char const *const *vector);
    void drop_first();  // the string pushed last: argv[0] of a script
    Result<> write_words(Vaddr at, std::uint32_t const *words, std::uint32_t count);
    Vaddr after_string(Vaddr) const;    // the address behind a string's NUL
    Vaddr top() const { return top_; }  // the lowest byte in use
    void align(std::uint32_t n) { top_ = Vaddr{top_.raw() & ~(n - 1)}; }
    void reserve(std::uint32_t n) { top_ = top_ - n; }
    // Hands the frames to the stack region of `space`. The object is empty afterwards.
    Result<> install(AddressSpace &space);

    std::uint32_t argc = 0, envc = 0;
    Vaddr path_string{};  // AT_EXECFN: the string pushed first

private:
    ExecStrings() = default;
    Result<char *> at(Vaddr);  // that byte in its frame, which is made if it is missing
    Result<> put(Vaddr to, void const *from, std::uint32_t n);
    Result<std::uint32_t> count_user(Vaddr vector) const;
    Result<> may_push(std::uint32_t n) const;
    static constexpr std::uint32_t max_bytes = 6 << 20, max_string = 128 << 10;
    static constexpr std::uint32_t max_pages = (max_bytes >> page_shift) + 64;
    std::unique_ptr<Pfn[]> frames_;   // from the top page down; no_pfn: not made
    std::uint32_t known_ = 0;         // of frames_; those behind have no value yet
    std::unique_ptr<char[]> bounce_;  // one page
    std::uint32_t limit_ = 0;
    Vaddr top_{};
};
}  // namespace kernel
