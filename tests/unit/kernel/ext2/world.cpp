// SPDX-License-Identifier: MIT
#include "world.hpp"
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <kernel/block/block_pages.hpp>
#include <kernel/fs/fd_table.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/memory/write_back.hpp>
#include <kernel/process/process.hpp>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

std::string world::log;
std::uint64_t world::clock_ns = 1'000'000'000'000;

namespace {
constexpr std::uint32_t frames = 16384;
void *memory()
{
    static void *base = mmap(nullptr, frames * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return base;
}
alignas(kernel::Thread) char thread_memory[sizeof(kernel::Thread)];
}  // namespace

// --- what the code under test needs of the rest of the kernel --------------------------------------------------------
namespace arch {
void *Mmu::frame_ptr(Pfn f) { return static_cast<char *>(memory()) + f.raw() * page_size; }
Mmu &mmu()
{
    static Mmu it;
    return it;
}
std::size_t copy_from_user_raw(void *, Vaddr, std::size_t n) { return n; }
std::size_t copy_to_user_raw(Vaddr, void const *, std::size_t n) { return n; }
std::size_t clear_user_raw(Vaddr, std::size_t n) { return n; }
std::ptrdiff_t copy_string_from_user_raw(char *, Vaddr, std::size_t) { return -1; }
std::uint64_t now_ns() { return world::clock_ns += 1000; }
}  // namespace arch

namespace kernel {
void frames_reset();
void zero_frame_reset();
Pfn zero_frame();
std::uint32_t memory_limit(unsigned) { return ~0u; }
void WaitQueue::wake_all() {}
void WaitQueue::wake_one() {}
Result<> sleep_on(WaitQueue &, Waiter &, Sleep, std::uint64_t) { panic("the test would sleep"); }
void Mutex::lock()
{
    ASSERT(owner_ == nullptr);
    owner_ = &current();
}
void Mutex::unlock() { owner_ = nullptr; }
Thread &current()
{
    static auto *it = new (thread_memory) Thread;
    return *it;
}
Thread::~Thread() = default;
Result<Ref<Thread>> start_kernel_thread(char const *, void (*)(void *), void *) { return Error::nomem; }
Result<> send_signal(Thread &, SignalInfo const &) { return {}; }
SignalInfo SignalInfo::kernel(int) { return {}; }
void log(char const *text, ...)
{
    char line[512];
    std::va_list arguments;
    va_start(arguments, text);
    std::vsnprintf(line, sizeof line, text, arguments);
    va_end(arguments);
    (world::log += line) += '\n';
}
void random_bytes(void *p, std::size_t n) { std::memset(p, 7, n); }
TimeSpec now() { return {static_cast<std::int64_t>(arch::now_ns() / 1'000'000'000) + 1'700'000'000, 0}; }
std::uint64_t realtime_ns() { return arch::now_ns(); }

bool serves_write_back() { return false; }
bool wait_for_memory(std::uint32_t) { return false; }
WriteBackScope::WriteBackScope() : before_{false} {}
WriteBackScope::~WriteBackScope() { (void)before_; }
bool dirty_limit_exceeded() { return false; }
void throttle_writer() {}
void count_dirty(PageCache &, bool) {}
void count_clean(PageCache &, bool) {}
void count_writing(int) {}

File::~File() = default;
Result<std::uint64_t> File::end_position() { return Error::spipe; }
Result<Ref<MemoryObject>> File::memory_object() { return Error::nodev; }
Result<std::uint64_t> File::seek_data(std::uint64_t, bool) { return Error::nxio; }
void File::describe(char *, std::size_t) {}
Attributes File::anonymous_attributes() { return {}; }
void forget_epoll_items(File &) {}
Result<Ref<MemoryObject>> Inode::memory_object() { return Error::nodev; }
Result<Ref<File>> Inode::magic_file() { return Error::inval; }
Result<Path> Inode::follow_magic() { return Error::inval; }
Result<> Inode::set_attributes(Attributes const &a, unsigned which)
{
    if ((which & set_mode) != 0)
        attributes.mode = (attributes.mode & s_ifmt) | (a.mode & 07777);
    if ((which & set_mtime) != 0)
        attributes.mtime = a.mtime;
    return {};
}
Path::Path() = default;
Path::~Path() = default;
Ref<Inode> Path::inode() const { return {}; }
Mount::~Mount() = default;
bool Mount::read_only() const { return false; }
Dentry::~Dentry() = default;
void Dentry::last_reference_gone() {}
void for_each_mount(bool (*)(void *, Mount &), void *) {}
Result<Ref<BlockDevice>> block_device_at(std::string_view) { return Error::noent; }

Result<> BlockDevice::claim(void const *holder)
{
    if (holder_ && holder_ != holder)
        return Error::busy;
    holder_ = holder;
    return {};
}
void BlockDevice::release(void const *) { holder_ = nullptr; }
struct BlockRegistry {
    static void prepare(BlockDevice &d) { d.pages_ = make_ref<BlockPages>(d).take(); }
};
}  // namespace kernel

void panic(char const *text, ...)
{
    std::va_list arguments;
    va_start(arguments, text);
    std::vfprintf(stderr, text, arguments);
    std::fputc('\n', stderr);
    std::abort();
}

// --- the world -----------------------------------------------------------------------------------------------------------
namespace world {
void begin()
{
    log.clear();
    kernel::frames_reset();
    kernel::zero_frame_reset();
    kernel::frames_init(frames, Pfn{3});
    (void)kernel::zero_frame();
}

std::uint32_t free_frames() { return kernel::frame_counts().free; }

Disk::Disk(std::size_t n, char const *name) : QueuedDisk{name}, bytes(n)
{
    (void)make_pool(64);
    limits_.write_cache = true;
    limits_.max_segments = 64;
    set_sectors(n / 512);
    kernel::BlockRegistry::prepare(*this);
}

kernel::Ref<Disk> Disk::of_image(std::string const &path)
{
    std::ifstream file(path, std::ios::binary);
    std::string content{std::istreambuf_iterator<char>{file}, {}};
    kernel::Ref<Disk> disk{new Disk(content.size())};
    std::copy(content.begin(), content.end(), disk->bytes.begin());
    return disk;
}

static std::string temporary_file()
{
    char name[] = "/dev/shm/ext2-unit-XXXXXX";
    int fd = mkstemp(name);
    if (fd < 0)
        panic("no temporary file");
    close(fd);
    return name;
}

kernel::Ref<Disk> Disk::formatted(std::string const &options, unsigned kilobytes)
{
    auto path = temporary_file();
    auto command = "truncate -s " + std::to_string(kilobytes) + "k " + path + " && mke2fs -q -F " + options + " " + path
        + " </dev/null";
    if (std::system(command.c_str()) != 0)
        panic("mke2fs %s failed", options.c_str());
    auto disk = of_image(path);
    unlink(path.c_str());
    return disk;
}

void Disk::save(std::string const &path) const
{
    std::ofstream file(path, std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

bool Disk::issue(kernel::BlockRequest &r)
{
    ++requests;
    largest_segments = std::max(largest_segments, r.segments);
    auto error = fault ? fault(r) : Error::none;
    if (error == Error::none && r.op == kernel::BlockOp::flush && record)
        history.push_back({~0ull, {}});
    if (error == Error::none && (r.op == kernel::BlockOp::read || r.op == kernel::BlockOp::write)) {
        auto at = static_cast<std::size_t>(r.sector * 512);
        auto const begin = at;
        r.for_each_segment([&](kernel::BlockSegment const &s) {
            auto *p = static_cast<char *>(kernel::frame_address(s.frame)) + s.offset;
            if (r.op == kernel::BlockOp::read)
                std::memcpy(p, &bytes[at], s.bytes);
            else
                std::memcpy(&bytes[at], p, s.bytes);
            at += s.bytes;
        });
        if (r.op == kernel::BlockOp::write && record)
            history.push_back({r.sector, {&bytes[begin], &bytes[begin] + (at - begin)}});
    }
    ended(r, error);
    return true;
}

std::string const &checked_image()
{
    static std::string const path = temporary_file();
    return path;
}

Check e2fsck(std::vector<char> const &image, char const *options)
{
    auto const &path = checked_image();
    std::FILE *file = std::fopen(path.c_str(), "wb");
    if (!file || std::fwrite(image.data(), 1, image.size(), file) != image.size() || std::fclose(file) != 0)
        panic("the image cannot be written");
    std::string const command = std::string{"e2fsck "} + options + " " + path + " 2>&1 </dev/null";
    std::FILE *pipe = popen(command.c_str(), "r");
    Check check{};
    char part[512];
    while (std::size_t n = std::fread(part, 1, sizeof part, pipe))
        check.text.append(part, n);
    check.status = WEXITSTATUS(pclose(pipe));
    return check;
}

bool is_clean(Disk const &disk)
{
    auto check = e2fsck(disk.bytes, "-fn");
    if (check.status != 0)
        std::printf("e2fsck -fn: %d\n%s", check.status, check.text.c_str());
    return check.status == 0;
}

Mounted::Mounted(kernel::Ref<Disk> disk, bool read_only)
{
    auto opened = kernel::ext2::Super::open(disk, read_only, "");
    if (opened.ok())
        super_ = opened.take();
    else
        std::printf("mount: error %d\n%s", static_cast<int>(opened.error()), log.c_str());
}

Mounted::~Mounted() { unmount(); }

void Mounted::unmount()
{
    if (super_)
        super_->unmounted();
    super_ = nullptr;
}

void Mounted::crash()
{
    if (!super_)
        return;
    auto &disk = static_cast<Disk &>(super_->disk());
    disk.fault = [](kernel::BlockRequest const &) { return Error::io; };
    super_->unmounted();
    super_ = nullptr;
    disk.fault = nullptr;
}
}  // namespace world
