// SPDX-License-Identifier: MIT
// How a program becomes a daemon: the command returns, with status 0, when the daemon is ready to serve; with its own status when
// it failed before.
#pragma once
#include <string>

class Daemon {
public:
    // If `wanted`: the caller goes on as a child in a session of its own; its parent waits for ready().
    explicit Daemon(bool wanted);
    // Writes the process number, unless `pid_file` is empty; the parent ends. False: errno says why it cannot be written.
    bool ready(std::string const &pid_file);

private:
    int report_ = -1;
};
