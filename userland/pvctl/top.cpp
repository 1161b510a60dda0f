// SPDX-License-Identifier: MIT
// What domains do with the processor, live: a table that is written anew every few seconds.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <userland/pvctl/commands.hpp>
#include <userland/pvctl/rows.hpp>
#include <userland/toolstack/failure.hpp>

namespace {
using pvctl::TopOptions;

struct Shown {
    Row row;
    double percent;  // of one processor
};

std::uint64_t now_ns()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// Keys without a line's end, and without their echo.
class Keys {
public:
    explicit Keys(bool wanted) : active_{wanted && tcgetattr(0, &before_) == 0}
    {
        if (!active_)
            return;
        termios raw = before_;
        raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        tcsetattr(0, TCSANOW, &raw);
    }
    ~Keys()
    {
        if (active_)
            tcsetattr(0, TCSANOW, &before_);
    }
    Keys(Keys const &) = delete;
    Keys &operator=(Keys const &) = delete;
    // The next key; 0: none within that time.
    char wait(double seconds)
    {
        pollfd fd{active_ ? 0 : -1, POLLIN, 0};
        char key = 0;
        if (poll(&fd, 1, static_cast<int>(seconds * 1000)) > 0 && read(0, &key, 1) != 1)
            active_ = false;
        return key;
    }

private:
    termios before_{};
    bool active_;
};

class Top {
public:
    explicit Top(TopOptions const &options)
        : options_{options}, order_{options.order}, keys_{!options.batch && !options.json}
    {
    }

    int run()
    {
        sample();
        for (unsigned round = 0; options_.rounds == 0 || round < options_.rounds; ++round) {
            if (!wait())
                break;
            auto shown = sample();
            if (options_.json)
                print_json(shown);
            else
                print(shown);
        }
        if (!options_.batch && !options_.json)
            std::fputs("\n", stdout);
        return 0;
    }

private:
    // False: enough.
    bool wait()
    {
        auto until = now_ns() + static_cast<std::uint64_t>(options_.seconds * 1e9);
        for (auto now = now_ns(); now < until; now = now_ns()) {
            switch (keys_.wait(static_cast<double>(until - now) / 1e9)) {
            case 'q': return false;
            case 'c': order_ = "cpu"; break;
            case 'm': order_ = "memory"; break;
            case 'n': order_ = "name"; break;
            case 't': order_ = "time"; break;
            default: break;
            }
        }
        return true;
    }

    std::vector<Shown> sample()
    {
        std::vector<Shown> shown;
        auto time = now_ns(), idle = xen::idle_ns(tools_.hypervisor).value_or(0);
        auto elapsed = static_cast<double>(time - last_time_);
        std::map<domid_t, std::uint64_t> used;
        for (auto &row : rows_of(tools_, {})) {
            auto before = last_used_.find(row.domain);
            auto more = before == last_used_.end() || before->second > row.cpu_ns ? 0 : row.cpu_ns - before->second;
            used[row.domain] = row.cpu_ns;
            shown.push_back({std::move(row), 100.0 * static_cast<double>(more) / elapsed});
        }
        idle_percent_ = 100.0 * static_cast<double>(idle - last_idle_) / elapsed;
        last_used_ = std::move(used);
        last_time_ = time;
        last_idle_ = idle;
        sort(shown);
        return shown;
    }

    void sort(std::vector<Shown> &shown) const
    {
        std::stable_sort(shown.begin(), shown.end(), [&](Shown const &a, Shown const &b) {
            if (order_ == "name")
                return a.row.name < b.row.name;
            if (order_ == "memory")
                return a.row.memory_mb > b.row.memory_mb;
            if (order_ == "time")
                return a.row.cpu_ns > b.row.cpu_ns;
            return a.percent > b.percent;
        });
    }

    void print(std::vector<Shown> const &shown) const
    {
        winsize size{};
        std::size_t lines = shown.size();
        if (!options_.batch) {
            if (ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_row > 4)
                lines = std::min<std::size_t>(lines, size.ws_row - 4u);
            std::fputs("\033[H\033[J", stdout);
        }
        auto machine = need(xen::machine_info(tools_.hypervisor), "the machine");
        std::printf("%zu domains, %.1f%% idle, %llu of %llu MB free   sorted by %s%s\n\n", shown.size(), idle_percent_,
                    static_cast<unsigned long long>(machine.free_pages >> 8),
                    static_cast<unsigned long long>(machine.total_pages >> 8), order_.c_str(),
                    options_.batch ? "" : " (c cpu, m memory, n name, t time, q quit)");
        std::printf("%-24s %5s %6s %6s %10s %6s %5s\n", "Name", "ID", "State", "CPU%", "Time(s)", "MB", "VCPUs");
        for (std::size_t i = 0; i < lines; ++i) {
            auto const &[row, percent] = shown[i];
            std::printf("%-24.24s %5u %6s %6.1f %10s %6llu %5u\n", row.name.c_str(), row.domain, row.state.c_str(),
                        percent, seconds_text(row.cpu_ns).c_str(), static_cast<unsigned long long>(row.memory_mb),
                        row.vcpus);
        }
        std::fflush(stdout);
    }

    void print_json(std::vector<Shown> const &shown) const
    {
        Json json;
        json.open('{').key("idle_percent").decimal(idle_percent_, 2).key("domains").open('[');
        for (auto const &[row, percent] : shown) {
            json.open('{').key("domid").value(std::uint32_t{row.domain}).key("name").value(row.name);
            json.key("cpu_percent").decimal(percent, 2).key("cpu_ns").value(row.cpu_ns);
            json.key("memory_mb").value(row.memory_mb).key("state").value(row.state).close('}');
        }
        json.close(']').close('}').print();
        std::fflush(stdout);
    }

    TopOptions const &options_;
    std::string order_;
    Keys keys_;
    mutable Toolstack tools_;
    std::map<domid_t, std::uint64_t> last_used_;
    std::uint64_t last_time_ = 0, last_idle_ = 0;
    double idle_percent_ = 0;
};
}  // namespace

int pvctl::top(TopOptions const &options) { return Top{options}.run(); }
