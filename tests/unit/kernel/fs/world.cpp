// SPDX-License-Identifier: MIT
#include "world.hpp"
#include <arch/platform.hpp>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <kernel/fs/device.hpp>
#include <kernel/fs/fd_table.hpp>
#include <kernel/fs/init.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/tmpfs.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/memory/write_back.hpp>
#include <kernel/syscall/syscall.hpp>
#include <sys/mman.h>
#include <time.h>
#include <vector>

extern "C" {
extern kernel::SyscallEntry const __start_syscalls[], __stop_syscalls[];
}

// --- memory -----------------------------------------------------------------

namespace {
constexpr std::uint32_t frame_count = 16384;
alignas(4096) std::uint8_t frame_memory[frame_count][page_size];
kernel::FrameInfo frame_table[frame_count];
std::uint32_t used_frames = 0;
}  // namespace

void *arch::Mmu::frame_ptr(Pfn f) { return frame_memory[f.raw()]; }
void arch::PageTables::destroy(void (*)(Pfn, bool)) {}
std::uint64_t arch::now_ns() { return 1; }
std::size_t arch::copy_from_user_raw(void *to, Vaddr from, std::size_t n)
{
    std::memcpy(to, pointer_to<void const>(from), n);
    return 0;
}
std::size_t arch::copy_to_user_raw(Vaddr to, void const *from, std::size_t n)
{
    std::memcpy(pointer_to<void>(to), from, n);
    return 0;
}
std::size_t arch::clear_user_raw(Vaddr to, std::size_t n)
{
    std::memset(pointer_to<void>(to), 0, n);
    return 0;
}
std::ptrdiff_t arch::copy_string_from_user_raw(char *to, Vaddr from, std::size_t n)
{
    auto length = strnlen(pointer_to<char const>(from), n);
    std::memcpy(to, pointer_to<char const>(from), length < n ? length + 1 : n);
    return static_cast<std::ptrdiff_t>(length);
}

namespace kernel {
FrameInfo &frame_info(Pfn f) { return frame_table[f.raw()]; }
Result<Pfn> allocate_frames(unsigned)
{
    for (std::uint32_t i = 0; i < frame_count; ++i) {
        if (frame_table[i].refs != 0)
            continue;
        frame_table[i] = {};
        frame_table[i].refs = 1;
        std::memset(frame_memory[i], 0xa5, page_size);
        ++used_frames;
        return Pfn{i};
    }
    return Error::nomem;
}
Result<Pfn> allocate_user_frame(bool) { return allocate_frames(0); }
void ref_frame(Pfn f) { ++frame_table[f.raw()].refs; }
std::uint32_t frame_refs(Pfn f) { return frame_table[f.raw()].refs; }
void unref_frame(Pfn f)
{
    if (--frame_table[f.raw()].refs == 0)
        --used_frames;
}
void set_frame_use(Pfn, FrameUse) {}
FrameCounts frame_counts() { return {frame_count, frame_count - used_frames, 0, 0, 0, 0}; }
void FrameList::push_front(Pfn) {}
void FrameList::push_back(Pfn) {}
void FrameList::remove(Pfn) {}
// tmpfs has no disk: nothing is ever dirty.
bool serves_write_back() { return false; }
bool wait_for_memory(std::uint32_t) { return false; }
bool dirty_limit_exceeded() { return false; }
void throttle_writer() {}
void count_dirty(PageCache &, bool) {}
void count_clean(PageCache &, bool) {}
void count_writing(int) {}
WriteBackScope::WriteBackScope() : before_{false} {}
WriteBackScope::~WriteBackScope() { (void)before_; }
void sync_block_devices() {}
MemoryObject::Use MemoryObject::take_use(std::uint32_t) { return Use::unused; }
void MemoryObject::unmap_everywhere(std::uint32_t, std::uint32_t, bool) {}
void AddressSpace::write_protect(Vaddr) {}
AddressSpace::~AddressSpace() {}
void RegionTree::clear() {}
void forget_epoll_items(File &) {}

// --- processes --------------------------------------------------------------

Thread::~Thread() {}
Session::~Session() {}
ProcessGroup::~ProcessGroup() {}
static Thread *running;
Thread &current() { return *running; }
Ref<Process> find_process(Pid pid) { return pid == running->process->pid ? running->process : Ref<Process>{}; }
Ref<Thread> find_thread(Pid) { return {}; }
void for_each_process(bool (*f)(void *, Process &), void *context) { f(context, *running->process); }
void for_each_thread(Process &, bool (*f)(void *, Thread &), void *context) { f(context, *running); }
SignalInfo SignalInfo::kernel(int signo)
{
    SignalInfo i;
    i.signo = signo;
    return i;
}
Result<> send_signal(Thread &, SignalInfo const &info)
{
    world::last_signal = info.signo;
    return {};
}
std::uint64_t realtime_ns()
{
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
}
void WaitQueue::wake_all() { waiters_.clear(); }
void WaitQueue::wake_one() { waiters_.clear(); }
Result<> sleep_on(WaitQueue &, Waiter &, Sleep, std::uint64_t)
{
    if (!world::on_sleep)
        panic("the kernel's only thread sleeps");
    auto act = std::exchange(world::on_sleep, nullptr);
    auto &sleeper = *running;
    act();
    running = &sleeper;
    return {};
}
void Mutex::lock()
{
    ASSERT(owner_ == nullptr);
    owner_ = running;
}
void Mutex::unlock()
{
    ASSERT(owner_ != nullptr);
    owner_ = nullptr;
}
Result<Ref<File>> open_fifo(Inode &, unsigned) { return Error::nxio; }
static Result<Ref<File>> open_null(Inode &, unsigned, unsigned) { return Error::nodev; }
REGISTER_DEVICE(null_device, "null", false, 1, 3, 1, 0666, open_null);

void log(char const *form, ...)
{
    std::va_list args;
    va_start(args, form);
    std::vfprintf(stderr, form, args);
    va_end(args);
}
}  // namespace kernel

void panic(char const *form, ...)
{
    std::va_list args;
    va_start(args, form);
    std::vfprintf(stderr, form, args);
    va_end(args);
    std::abort();
}
void arch::halt_forever() { std::abort(); }

// --- the world --------------------------------------------------------------

namespace world {
std::function<void()> on_sleep;
int last_signal = 0;

static kernel::Thread *make_thread(int pid)
{
    auto *t = new kernel::Thread;
    t->ref();
    t->process = kernel::Ref<kernel::Process>{new kernel::Process};
    t->process->pid = pid;
    for (auto &l : t->process->limits)
        l = {~0ull, ~0ull};
    t->process->limits[kernel::limit_nofile] = {1024, 4096};
    return t;
}

kernel::Thread &first_thread()
{
    static auto *t = make_thread(100);
    return *t;
}
kernel::Thread &second_thread()
{
    static auto *t = make_thread(200);
    return *t;
}
void run_as(kernel::Thread &t) { kernel::running = &t; }

void begin()
{
    run_as(first_thread());
    for (auto *t : {&first_thread(), &second_thread()}) {
        t->files = nullptr;
        t->fs = nullptr;
        t->credentials = {};
    }
    struct Collect {
        std::vector<kernel::Ref<kernel::Mount>> mounts;
    } all;
    kernel::for_each_mount(
        [](void *context, kernel::Mount &m) {
            static_cast<Collect *>(context)->mounts.emplace_back(&m);
            return true;
        },
        &all);
    kernel::set_root_path({});
    for (auto m = all.mounts.rbegin(); m != all.mounts.rend(); ++m)
        kernel::detach_mount(**m);
    all.mounts.clear();

    kernel::TmpfsOptions o;
    o.mode = 0755;
    auto mount = kernel::Mount::make(kernel::TmpfsSuper::make("tmpfs", o).take(), nullptr, "root", 0).take();
    kernel::set_root_path(kernel::Path{mount, mount->root});
    kernel::attach_mount(std::move(mount), kernel::Path{});
    for (auto *t : {&first_thread(), &second_thread()}) {
        t->files = kernel::make_ref<kernel::FdTable>().take();
        t->fs = kernel::make_fs_context().take();
        t->fs->umask = 022;
    }
}

std::uint32_t frames_in_use() { return used_frames; }

char *user(unsigned offset)
{
    static auto *memory = static_cast<char *>(mmap(reinterpret_cast<void *>(0x5000'0000), user_bytes,
                                                   PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                                                   0));
    return memory + offset;
}

std::uint32_t text(std::string const &s)
{
    static unsigned next = 0;
    auto *to = user(user_bytes - text_bytes + next++ % 8 * (text_bytes / 8));
    std::memcpy(to, s.c_str(), s.size() + 1);
    return address(to);
}

std::int32_t call(unsigned number, std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d, std::uint32_t e,
                  std::uint32_t f)
{
    for (auto *entry = __start_syscalls; entry != __stop_syscalls; ++entry) {
        if (entry->number != number)
            continue;
        TrapFrame frame{};
        frame.ebx = a, frame.ecx = b, frame.edx = c, frame.esi = d, frame.edi = e, frame.ebp = f;
        return to_errno(entry->invoke(frame));
    }
    return -38;
}

std::int32_t linux_call(unsigned number, std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d,
                        std::uint32_t e, std::uint32_t f)
{
    // Seven values and six registers, one of which the compiler may need itself: b, f and a come from memory.
    std::int32_t result;
    struct {
        std::uint32_t a, b, c, d, e, f;
    } const all{a, b, c, d, e, f};
    void const *arguments = &all;
    asm volatile("push %%ebx\n\tpush %%ebp\n\tpush %%esi\n\tpush %%edi\n\tmov %%ecx, %%edi\n\t"
                 "mov 0(%%edi), %%ebx\n\tmov 4(%%edi), %%ecx\n\tmov 8(%%edi), %%edx\n\tmov 12(%%edi), %%esi\n\t"
                 "mov 20(%%edi), %%ebp\n\tmov 16(%%edi), %%edi\n\tint $0x80\n\t"
                 "pop %%edi\n\tpop %%esi\n\tpop %%ebp\n\tpop %%ebx"
                 : "=a"(result), "+c"(arguments)
                 : "0"(number)
                 : "edx", "memory", "cc");
    return result;
}
}  // namespace world
