// SPDX-License-Identifier: MIT
#include "init.hpp"
#include <cstdio>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (getpid() != 1) {
        std::fprintf(stderr, "init: this program is the first process of a Lodger guest; it does nothing else\n");
        return 1;
    }
    init::prepare_machine();
    init::bring_network_up();
    init::watch_power_signals();
    if (init::is_control_domain()) {
        init::start_daemons();
        if (init::has_foreground_guest())
            init::serve_foreground_guest();
    }
    bool const on_disk = init::mount_root();
    init::RunRequest request;
    if (init::read_run_request(request)) {
        if (on_disk)
            init::prepare_root(request);
        init::run_for_host(request);
    }
    if (on_disk)
        init::hand_over();
    init::serve_console({argv + 1, argv + argc});
}
