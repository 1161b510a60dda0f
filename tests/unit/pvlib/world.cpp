// SPDX-License-Identifier: MIT
#include "world.hpp"
#include <condition_variable>
#include <cstdarg>
#include <cstdlib>
#include <kernel/fs/fd_table.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/interrupts.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/memory/kernel_map.hpp>
#include <kernel/process/process.hpp>
#include <list>
#include <mutex>
#include <pvlib/shared.hpp>
#include <sys/mman.h>
#include <thread>

// --- threads: each is one of this process's, and only the one that holds the baton runs ---
namespace {
struct Runner {
    kernel::Thread *thread = nullptr;
    std::condition_variable go;
    bool sleeping = false, waits_for_idle = false;
    std::uint64_t deadline = arch::no_deadline;
};
std::mutex baton;
std::list<Runner> runners;
Runner *running = nullptr;
std::uint64_t clock_ns = 1'000'000'000;

Runner &runner_of(kernel::Thread &t)
{
    for (auto &r : runners)
        if (r.thread == &t)
            return r;
    std::abort();
}

// The next in turn that can run; else the outside acts; else time passes.
Runner *choose()
{
    for (unsigned idle_rounds = 0;; ++idle_rounds) {
        auto at = runners.begin();
        while (&*at != running)
            ++at;
        for (std::size_t i = 0; i < runners.size(); ++i) {
            if (++at == runners.end())
                at = runners.begin();
            if (!at->sleeping && !at->waits_for_idle)
                return &*at;
        }
        if (world::outside && idle_rounds < 100'000 && world::outside())
            continue;
        for (auto &r : runners)
            if (r.waits_for_idle)
                return &r;
        Runner *first = nullptr;
        for (auto &r : runners)
            if (r.deadline != arch::no_deadline && (!first || r.deadline < first->deadline))
                first = &r;
        if (!first) {
            std::fprintf(stderr, "all threads sleep for ever\n");
            std::abort();
        }
        clock_ns = std::max(clock_ns, first->deadline);
        first->sleeping = false;
        return first;
    }
}

void give_way(std::unique_lock<std::mutex> &lock)
{
    auto &self = *running;
    auto next = choose();
    if (next == &self) {
        self.waits_for_idle = false;
        return;
    }
    running = next;
    next->waits_for_idle = false;
    next->go.notify_one();
    self.go.wait(lock, [&] { return running == &self; });
}

std::unique_lock<std::mutex> &held()
{
    thread_local std::unique_lock<std::mutex> lock{baton, std::defer_lock};
    return lock;
}

char *memory()
{
    static void *base = mmap(nullptr, arch::Mmu::frames * page_size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return static_cast<char *>(base);
}
}  // namespace

namespace kernel {
Thread &current() { return *running->thread; }
Thread::~Thread() = default;
TrapFrame &Thread::user_frame() const { std::abort(); }

Result<Ref<Thread>> start_kernel_thread(char const *name, void (*entry)(void *), void *argument)
{
    auto t = TRY(make_ref<Thread>());
    t->ref();
    std::snprintf(t->name, sizeof t->name, "%s", name);
    auto &r = runners.emplace_back();
    r.thread = t.get();
    std::thread([&r, entry, argument] {
        held().lock();
        r.go.wait(held(), [&] { return running == &r; });
        entry(argument);
        r.sleeping = true;  // for ever
        give_way(held());
    }).detach();
    return t;
}

void WaitQueue::wake_all()
{
    while (!waiters_.empty()) {
        auto &w = waiters_.front();
        w.unlink();
        runner_of(*w.thread).sleeping = false;
    }
}
void WaitQueue::wake_one()
{
    if (waiters_.empty())
        return;
    auto &w = waiters_.front();
    w.unlink();
    runner_of(*w.thread).sleeping = false;
}

Result<> sleep_on(WaitQueue &queue, Waiter &waiter, Sleep, std::uint64_t deadline_ns)
{
    if (deadline_ns != arch::no_deadline && clock_ns >= deadline_ns)
        return Error::timedout;
    waiter.thread = running->thread;
    queue.add(waiter);
    running->sleeping = true;
    running->deadline = deadline_ns;
    give_way(held());
    running->deadline = arch::no_deadline;
    bool woken = !waiter.is_linked();
    waiter.unlink();
    return woken ? Result<>{} : Error::timedout;
}

void Mutex::lock()
{
    (void)wait_until(
        queue_, [this] { return owner_ == nullptr; }, Sleep::uninterruptible);
    owner_ = &current();
}
void Mutex::unlock()
{
    owner_ = nullptr;
    queue_.wake_one();
}

static void vlog(char const *text, std::va_list arguments)
{
    char line[400];
    std::vsnprintf(line, sizeof line, text, arguments);
    world::messages.push_back(line);
    if (std::getenv("VERBOSE"))
        std::fprintf(stderr, "log: %s\n", line);
}
void log(char const *text, ...)
{
    std::va_list arguments;
    va_start(arguments, text);
    vlog(text, arguments);
    va_end(arguments);
}
void log_once(std::uint32_t, char const *text, ...)
{
    std::va_list arguments;
    va_start(arguments, text);
    vlog(text, arguments);
    va_end(arguments);
}

Result<Vaddr> take_kernel_range(std::uint32_t pages)
{
    auto p = mmap(nullptr, pages << page_shift, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return vaddr_of(p);
}
std::uint32_t reclaim_frames(std::uint32_t) { return 0; }
// Not reached by what is tested.
Session::~Session() = default;
ProcessGroup::~ProcessGroup() = default;
Path::~Path() = default;
}  // namespace kernel

namespace arch {
namespace {
Mfn machine_of[Mmu::frames];
}
Mmu &mmu()
{
    static Mmu it;
    return it;
}
void *Mmu::frame_ptr(Pfn f) { return memory() + f.raw() * page_size; }
Mfn Mmu::to_machine(Pfn f) { return machine_of[f.raw()]; }
void Mmu::set_machine(Pfn f, Mfn m) { machine_of[f.raw()] = m; }
Pfn Mmu::to_pseudo(Mfn m)
{
    for (std::uint32_t i = 0; i < frames; ++i)
        if (machine_of[i] == m)
            return Pfn{i};
    std::abort();
}
std::uint64_t now_ns() { return clock_ns; }
}  // namespace arch

namespace pv {
static start_info info{};
start_info const *start = &info;
}  // namespace pv
extern "C" struct shared_info volatile shared_page;
struct shared_info volatile shared_page;

void panic(char const *text, ...)
{
    std::va_list arguments;
    va_start(arguments, text);
    std::vfprintf(stderr, text, arguments);
    std::fputc('\n', stderr);
    std::abort();
}

namespace world {
std::function<bool()> outside;
std::vector<std::string> messages;

void begin()
{
    held().lock();
    auto &r = runners.emplace_back();
    static kernel::Thread self;
    self.ref();
    r.thread = &self;
    running = &r;
    for (std::uint32_t i = 0; i < arch::Mmu::frames; ++i)
        arch::Mmu::set_machine(Pfn{i}, Mfn{i + 0x5000});
    pv::info.nr_pages = hypervisor::pages = arch::Mmu::frames;
    kernel::frames_init(arch::Mmu::frames, Pfn{8});
}

std::uint32_t free_frames() { return kernel::frame_counts().free; }

void settle()
{
    running->waits_for_idle = true;
    give_way(held());
}

std::uint64_t now() { return clock_ns; }

void pass(std::uint64_t ns)
{
    kernel::WaitQueue nobody;
    (void)kernel::wait_until(
        nobody, [] { return false; }, kernel::Sleep::uninterruptible, clock_ns + ns);
}

void run_thread(std::function<void()> f)
{
    auto entry = [](void *context) {
        auto body = static_cast<std::function<void()> *>(context);
        (*body)();
        delete body;
    };
    kernel::start_kernel_thread("test", entry, new std::function<void()>{std::move(f)}).take();
}
}  // namespace world
