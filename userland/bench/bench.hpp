// SPDX-License-Identifier: MIT
// A benchmark of kernels: rows, each one operation that is done again and again.
//
// To add a row, write a class in any file of this folder:
//
//     struct Stat {                              // its constructor prepares, its destructor cleans up: neither is timed
//         void run(unsigned n);                  // does the operation n times
//         void before(unsigned n);               // optional, untimed, before each run(n)
//         static bool possible();                // optional: false, and the row is left out on this machine
//     };
//     Row<Stat> const stat_row{"stat", 100};     // name in the tables; operations that take about a millisecond
//
// and name it in tools/bench/rows.py, which decides the order of the table, what is compared with the paper and what is subtracted.
#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace bench {
class Work {
public:
    virtual ~Work() = default;
    virtual void before(unsigned) {}
    virtual void run(unsigned n) = 0;
};

class AnyRow {
public:
    AnyRow(char const *name, unsigned operations);
    virtual ~AnyRow() = default;
    AnyRow(AnyRow const &) = delete;
    AnyRow &operator=(AnyRow const &) = delete;
    virtual std::unique_ptr<Work> prepare() const = 0;
    virtual bool possible() const = 0;

    char const *const name;
    unsigned const operations;  // in one batch
    AnyRow const *next;         // all rows, last registered first
    static AnyRow const *first;
};

template <class T>
class Row final : public AnyRow {
public:
    // `arguments` go to T's constructor, at each preparation.
    template <class... A>
    Row(char const *name, unsigned operations, A... arguments)
        : AnyRow{name, operations}, make_{[=]() -> std::unique_ptr<Work> {
              return std::make_unique<Wrapped>(arguments...);
          }}
    {
    }
    std::unique_ptr<Work> prepare() const override { return make_(); }
    bool possible() const override
    {
        if constexpr (requires { T::possible(); })
            return T::possible();
        return true;
    }

private:
    struct Wrapped final : Work {
        template <class... A>
        explicit Wrapped(A... arguments) : work{arguments...}
        {
        }
        void before(unsigned n) override
        {
            if constexpr (requires { work.before(n); })
                work.before(n);
        }
        void run(unsigned n) override { work.run(n); }
        T work;
    };
    std::function<std::unique_ptr<Work>()> make_;
};

inline std::uint64_t ticks() { return __builtin_ia32_rdtsc(); }

// Ends the benchmark with one sentence: a row that cannot do its operation measures nothing.
[[noreturn]] void fail(std::string const &what);
void check(bool good, char const *what);  // fails with errno's text

// measure.cpp
struct Limits {
    unsigned batches;  // that count, at least
    unsigned seconds;  // at most, for one row
};
void measure_time(AnyRow const &, Limits);
void measure_marked(AnyRow const &, unsigned milliseconds);
void measure_instructions(AnyRow const &);
void measure_counters(AnyRow const &);

// machine.cpp: this program as the first process of a machine.
void become_first_process();
[[noreturn]] void end_machine();
// Linux as Debian builds it has drivers in modules: those of virtio over PCI, and these. Other systems have no folder /modules.
void load_modules(std::initializer_list<char const *> names);

// programs.cpp: the macro set. A mark is a line that whoever reads the console answers with a byte.
void mark(char const *what, std::string const &name, unsigned value);
void run_programs(unsigned times);
int run_command(std::string const &);  // by a shell, without input and output; its status

// disks.cpp: transfers of the machine's disk, whose first 32 MB are written over; so many seconds for each kind.
void run_disks(unsigned seconds);

// network.cpp: so many seconds for each row. Words say which interface has which address, and who else is there to talk to.
void run_network(unsigned seconds, std::vector<std::string> const &words);
void serve_network(std::vector<std::string> const &words);  // the other machine
void answer_on_loopback(unsigned port);                     // on the computer that runs the emulator; never returns

// What the same program does in another process: `bench child exit`, `bench child hello`.
int run_as_child(char const *what);
std::string const &own_path();
void set_own_path(char const *);
}  // namespace bench
