// SPDX-License-Identifier: MIT
// Time structures of the Linux i386 ABI. Old calls have 32-bit seconds, the *_time64 ones 64-bit seconds and a padded
// nanosecond field. Source: Linux uapi linux/time.h, linux/time_types.h, linux/timex.h, asm-generic/siginfo.h.
#pragma once
#include <stdint.h>

struct abi_timespec32 {
    int32_t tv_sec, tv_nsec;
};
struct abi_timespec64 {
    int64_t tv_sec;
    int32_t tv_nsec;
    int32_t padding;
} __attribute__((packed, aligned(4)));
struct abi_timeval32 {
    int32_t tv_sec, tv_usec;
};
struct abi_timezone {
    int32_t tz_minuteswest, tz_dsttime;
};
struct abi_itimerval32 {
    struct abi_timeval32 it_interval, it_value;
};
struct abi_itimerspec32 {
    struct abi_timespec32 it_interval, it_value;
};
struct abi_itimerspec64 {
    struct abi_timespec64 it_interval, it_value;
};
struct abi_tms {
    int32_t tms_utime, tms_stime, tms_cutime, tms_cstime;
};

struct abi_timex32 {
    uint32_t modes;
    int32_t offset, freq, maxerror, esterror, status, constant, precision, tolerance;
    struct abi_timeval32 time;
    int32_t tick, ppsfreq, jitter, shift, stabil, jitcnt, calcnt, errcnt, stbcnt, tai;
    int32_t reserved[11];
};
struct abi_timex64 {
    uint32_t modes, pad0;
    int64_t offset, freq, maxerror, esterror;
    int32_t status, pad1;
    int64_t constant, precision, tolerance;
    int64_t tv_sec, tv_usec;
    int64_t tick, ppsfreq, jitter;
    int32_t shift, pad2;
    int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
    int32_t tai;
    int32_t reserved[11];
} __attribute__((packed, aligned(4)));

struct abi_sigevent {
    uint32_t sigev_value;
    int32_t sigev_signo, sigev_notify, sigev_thread_id;
    int32_t reserved[12];
};

static_assert(sizeof(struct abi_timespec64) == 16 && sizeof(struct abi_itimerspec64) == 32);
static_assert(sizeof(struct abi_timex32) == 128 && sizeof(struct abi_timex64) == 208);
static_assert(sizeof(struct abi_sigevent) == 64);
