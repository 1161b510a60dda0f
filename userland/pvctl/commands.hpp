// SPDX-License-Identifier: MIT
// pvctl's commands, as main() understood them. Each gives the exit status; a Failure ends it with its sentence and status 1.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pvctl {
struct CreateOptions {
    std::string file;
    std::vector<std::string> settings;  // KEY=VALUE, over the file's
    bool console = false, paused = false, json = false;
};
int create(CreateOptions const &);

using Names = std::vector<std::string>;
int destroy(Names const &);
int pause(Names const &);
int unpause(Names const &);
// what: "poweroff", "reboot"
int shut_down(Names const &, std::string const &what, bool wait, double timeout_seconds);
int rename(std::string const &domain, std::string const &name);

int list(Names const &, bool json);
struct TopOptions {
    double seconds = 2;
    unsigned rounds = 0;  // 0: until q
    std::string order = "cpu";
    bool batch = false, json = false;
};
int top(TopOptions const &);

int console(std::string const &domain);
// disk: as an element of a guest file's list (device_config.hpp)
int attach_disk(std::string const &domain, std::string const &disk);
int detach_disk(std::string const &domain, std::string const &vdev);
int restart_disk(std::string const &domain, std::string const &vdev);
int list_disks(std::string const &domain, bool json);
int restart_nic(std::string const &domain, std::uint32_t handle);
int list_nics(std::string const &domain, bool json);
int set_memory(std::string const &domain, std::uint32_t megabytes);
int schedule(std::string const &domain, std::optional<std::uint32_t> weight, std::optional<std::uint32_t> cap, bool json);
int machine_info(bool json);
int counters(bool json);
int messages(bool clear);
int dump(std::string const &domain, std::string const &kernel, bool json);
}  // namespace pvctl
