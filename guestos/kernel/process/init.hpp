// SPDX-License-Identifier: MIT
// The first program.
#pragma once

namespace kernel {
struct InitProgram {
    char const *path;  // nullptr: the first of /init, /sbin/init, /etc/init, /bin/init, /bin/sh that is there
    char const *const *arguments;    // behind argv[0]; NULL-terminated
    char const *const *environment;  // NULL-terminated
    bool root_on_disk;               // root= is ours to mount
};
// Makes process 1, which opens /dev/console three times and runs the program; it starts once the caller gives the processor
// away. A panic if there is none, with the remedy. `program` must stay.
void start_init(InitProgram const &program);
}  // namespace kernel
