// SPDX-License-Identifier: MIT
// A test of the Linux i386 ABI: one source, run on the build host's Linux (the oracle), on the native kernel and on the
// paravirtual one. Each test is a child process with a folder and a time-out of its own; it passes if it reaches its end.
#pragma once
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <type_traits>

namespace posix {
struct Test {
    char const *group, *name;
    void (*body)();
    Test *next;
    Test(char const *g, char const *n, void (*b)());
};
// Prints what went wrong and ends the test.
[[noreturn]] void fail(char const *file, int line, char const *what, std::string const &detail = {});

template <class A, class B>
void check_equal(A const &a, B const &b, char const *file, int line, char const *what)
{
    if (a == b)
        return;
    if constexpr (std::is_convertible_v<A, std::string> && std::is_convertible_v<B, std::string>)
        fail(file, line, what, std::string{"'"} + std::string{a} + "' is not '" + std::string{b} + "'");
    else if constexpr (std::is_convertible_v<A, long long> && std::is_convertible_v<B, long long>)
        fail(file, line, what,
             std::to_string(static_cast<long long>(a)) + " is not " + std::to_string(static_cast<long long>(b))
                 + ", errno " + std::strerror(errno));
    else
        fail(file, line, what);
}
// Runs f in a child; returns wait(2)'s status.
int in_child(void (*f)());
template <class F>
int child_status(F f)
{
    static F *function;
    function = &f;
    return in_child([] { (*function)(); });
}
// Waits up to two seconds for a condition that another process or thread brings about.
template <class F>
bool eventually(F condition)
{
    for (int i = 0; i < 400; ++i) {
        if (condition())
            return true;
        struct timespec ms = {0, 5'000'000};
        nanosleep(&ms, nullptr);
    }
    return false;
}
}  // namespace posix

#define TEST(group, name)                                                                 \
    static void test_##group##_##name();                                                  \
    static ::posix::Test register_##group##_##name{#group, #name, test_##group##_##name}; \
    static void test_##group##_##name()

#define CHECK(...)                                                                                         \
    do {                                                                                                   \
        if (!(__VA_ARGS__))                                                                                \
            ::posix::fail(__FILE__, __LINE__, #__VA_ARGS__, std::string{"errno "} + std::strerror(errno)); \
    } while (0)
#define CHECK_EQ(a, b) ::posix::check_equal((a), (b), __FILE__, __LINE__, #a " == " #b)
// The call fails with this errno.
#define CHECK_ERRNO(call, error)                                                                      \
    do {                                                                                              \
        errno = 0;                                                                                    \
        auto result_ = (call);                                                                        \
        if (!(result_ == static_cast<decltype(result_)>(-1) && errno == (error)))                     \
            ::posix::fail(__FILE__, __LINE__, #call,                                                  \
                          std::string{"should give " #error ", gave errno "} + std::strerror(errno)); \
    } while (0)
