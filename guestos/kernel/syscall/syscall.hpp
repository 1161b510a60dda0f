// SPDX-License-Identifier: MIT
// System calls. A handler is an ordinary function with typed parameters; beside it stands
//
//     SYSCALL(read, 3, sys_read);        // name, i386 number, function
//
// which puts an entry in the linker section `syscalls`; dispatch.cpp makes the table from it at boot. Parameters may be
// integers, enums, UserPtr<T>, or `TrapFrame &` (which takes no argument register). The result is Result<int32> or Result<>.
// ABI numbers and structures: Linux's own uapi headers (<asm/unistd_32.h>, <linux/…>), used as they are.
#pragma once
#include <arch/cpu.hpp>
#include <cstdint>
#include <kernel/memory/user.hpp>
#include <lib/result.hpp>
#include <tuple>

namespace kernel {
struct SyscallEntry {
    std::uint16_t number;
    char const *name;
    Result<std::int32_t> (*invoke)(TrapFrame &);
};

template <class T>
T syscall_argument(TrapFrame &frame, unsigned &index)
{
    if constexpr (std::is_same_v<T, TrapFrame &>) {
        return frame;
    } else {
        std::uint32_t raw = frame.call_arg(index++);
        if constexpr (std::is_integral_v<T> || std::is_enum_v<T>)
            return static_cast<T>(raw);
        else
            return T{raw};
    }
}

template <auto Function>
struct SyscallInvoker;
template <class R, class... Args, R (*Function)(Args...)>
struct SyscallInvoker<Function> {
    static Result<std::int32_t> invoke(TrapFrame &frame)
    {
        unsigned index = 0;
        std::tuple<Args...> arguments{syscall_argument<Args>(frame, index)...};  // braces: left to right
        (void)index;
        if constexpr (std::is_same_v<R, Result<>>) {
            auto r = std::apply(Function, arguments);
            return r.ok() ? Result<std::int32_t>{0} : Result<std::int32_t>{r.error()};
        } else {
            auto r = std::apply(Function, arguments);
            return r.ok() ? Result<std::int32_t>{static_cast<std::int32_t>(r.value())} : Result<std::int32_t>{r.error()};
        }
    }
};

#define SYSCALL(name, number, function)                                                            \
    [[gnu::used, gnu::section("syscalls")]] static ::kernel::SyscallEntry const syscall_##name = { \
        number, #name, ::kernel::SyscallInvoker<&function>::invoke}

inline constexpr unsigned max_syscall = 460;
char const *syscall_name(unsigned number);  // "read", or nullptr
}  // namespace kernel
