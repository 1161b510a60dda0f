// SPDX-License-Identifier: MIT
// fsx FILE OPERATIONS SEED: random operations on one file, by every way there is to its bytes; what is read must be what a copy in
// memory says. Runs on any Linux, which judges it first.
//
//   read, write, append, pread/pwrite over the end, mmap shared (read, write), O_DIRECT, truncate both ways, punch a hole, zero,
//   fsync, fdatasync, msync, close and open again, let the cache forget the file
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/falloc.h>
#include <memory>
#include <random>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace {
constexpr std::size_t size_most = 768 * 1024, transfer_most = 96 * 1024, page = 4096;

class Fsx {
public:
    Fsx(char const *path, unsigned seed) : path_{path}, random_{seed}
    {
        direct_ = static_cast<char *>(std::aligned_alloc(page, transfer_most));
        open_file(O_CREAT | O_TRUNC);
        int fd = open(path_, O_RDWR | O_DIRECT);
        has_direct_ = fd >= 0;
        if (fd >= 0)
            close(fd);
    }
    ~Fsx() { std::free(direct_); }
    Fsx(Fsx const &) = delete;
    Fsx &operator=(Fsx const &) = delete;

    void step(unsigned long number)
    {
        number_ = number;
        auto const kind = random_() % 32;
        if (kind < 8)
            read_some();
        else if (kind < 14)
            write_some();
        else if (kind < 17)
            map_read();
        else if (kind < 20)
            map_write();
        else if (kind < 22)
            truncate_somewhere();
        else if (kind < 24)
            punch();
        else if (kind < 26)
            direct_read();
        else if (kind < 28)
            direct_write();
        else if (kind < 31)
            settle();
        else
            forget();
    }
    void check_all()
    {
        what_ = "the whole file";
        struct stat s;
        require(fstat(fd_, &s) == 0 && static_cast<std::size_t>(s.st_size) == model_.size(), "size");
        std::vector<char> bytes(model_.size() + 1);
        require(pread(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(model_.size()), "short read");
        compare(bytes.data(), 0, model_.size());
    }

private:
    void require(bool good, char const *text)
    {
        if (good)
            return;
        std::printf("fsx: operation %lu (%s, %zu bytes at %zu, size %zu): %s: %s\n", number_, what_, bytes_, at_,
                    model_.size(), text, std::strerror(errno));
        std::exit(1);
    }
    void compare(char const *got, std::size_t at, std::size_t n)
    {
        if (n == 0 || std::memcmp(got, &model_[at], n) == 0)
            return;
        for (std::size_t i = 0; i < n; ++i)
            if (got[i] != model_[at + i]) {
                std::printf("fsx: byte %zu is %02x, not %02x\n", at + i, got[i] & 0xff, model_[at + i] & 0xff);
                errno = 0;
                require(false, "wrong bytes");
            }
    }
    void open_file(int flags)
    {
        fd_ = open(path_, O_RDWR | flags, 0644);
        require(fd_ >= 0, "open");
    }
    void choose(char const *what, std::size_t limit, std::size_t align = 1)
    {
        what_ = what;
        at_ = limit ? random_() % limit : 0;
        bytes_ = 1 + random_() % (random_() % 4 == 0 ? transfer_most : 5000);
        at_ -= at_ % align;
        bytes_ = std::min((bytes_ + align - 1) / align * align, transfer_most);
    }
    void grow(std::size_t end)
    {
        if (end > model_.size())
            model_.resize(end);  // with zeroes
    }
    void fill(char *to, std::size_t n)
    {
        auto value = static_cast<std::uint32_t>(random_());
        for (std::size_t i = 0; i < n; i += sizeof value, value = value * 1664525 + 1013904223)
            std::memcpy(to + i, &value, std::min(n - i, sizeof value));
    }
    void read_some()
    {
        choose("read", model_.size() + 1);
        auto const n = std::min(bytes_, model_.size() - at_);
        std::vector<char> b(bytes_);
        require(pread(fd_, b.data(), bytes_, static_cast<off_t>(at_)) == static_cast<ssize_t>(n), "short read");
        compare(b.data(), at_, n);
    }
    void write_some()
    {
        choose("write", random_() % 4 == 0 ? size_most : model_.size() + 1);
        bytes_ = std::min(bytes_, size_most - at_);
        if (bytes_ == 0)
            return;
        grow(at_ + bytes_);
        fill(model_.data() + at_, bytes_);
        require(pwrite(fd_, model_.data() + at_, bytes_, static_cast<off_t>(at_)) == static_cast<ssize_t>(bytes_),
                "short write");
    }
    // Calls f(address of byte at_) on a mapping of [at_, at_ + bytes_).
    template <class F>
    void with_mapping(int protection, F f)
    {
        auto const first = at_ / page * page;
        auto const length = at_ + bytes_ - first;
        auto *m = mmap(nullptr, length, protection, MAP_SHARED, fd_, static_cast<off_t>(first));
        require(m != MAP_FAILED, "mmap");
        f(static_cast<char *>(m) + (at_ - first));
        if (protection != PROT_READ && random_() % 4 == 0)
            require(msync(m, length, MS_SYNC) == 0, "msync");
        require(munmap(m, length) == 0, "munmap");
    }
    void map_read()
    {
        choose("read by mmap", model_.size());
        bytes_ = std::min(bytes_, model_.size() - at_);
        if (bytes_ != 0)
            with_mapping(PROT_READ, [this](char *p) { compare(p, at_, bytes_); });
    }
    void map_write()
    {
        choose("write by mmap", model_.size());
        bytes_ = std::min(bytes_, model_.size() - at_);
        if (bytes_ == 0)
            return;
        fill(model_.data() + at_, bytes_);
        with_mapping(PROT_READ | PROT_WRITE, [this](char *p) { std::memcpy(p, model_.data() + at_, bytes_); });
    }
    void truncate_somewhere()
    {
        choose("truncate", random_() % 3 == 0 ? size_most : model_.size() + 1);
        require(ftruncate(fd_, static_cast<off_t>(at_)) == 0, "ftruncate");
        model_.resize(at_);
    }
    void punch()
    {
        choose("punch", model_.size());
        int const r = fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at_),
                                static_cast<off_t>(bytes_));
        if (r != 0 && errno == EOPNOTSUPP)
            return;
        require(r == 0, "fallocate");
        if (at_ < model_.size())
            std::memset(model_.data() + at_, 0, std::min(bytes_, model_.size() - at_));
    }
    template <class F>
    void with_direct(F f)
    {
        int fd = open(path_, O_RDWR | O_DIRECT);
        require(fd >= 0, "open for O_DIRECT");
        f(fd);
        require(close(fd) == 0, "close");
    }
    void direct_read()
    {
        choose("O_DIRECT read", model_.size() + 1, page);
        if (!has_direct_)
            return;
        auto const n = std::min(bytes_, model_.size() - at_);
        with_direct([&](int fd) {
            require(pread(fd, direct_, bytes_, static_cast<off_t>(at_)) == static_cast<ssize_t>(n), "short read");
        });
        compare(direct_, at_, n);
    }
    void direct_write()
    {
        choose("O_DIRECT write", model_.size() + 1, page);
        bytes_ = std::min(bytes_, (size_most - at_) / page * page);
        if (!has_direct_ || bytes_ == 0)
            return;
        grow(at_ + bytes_);
        fill(model_.data() + at_, bytes_);
        std::memcpy(direct_, model_.data() + at_, bytes_);
        with_direct([&](int fd) {
            require(pwrite(fd, direct_, bytes_, static_cast<off_t>(at_)) == static_cast<ssize_t>(bytes_), "short write");
        });
    }
    void settle()
    {
        what_ = "settle";
        switch (random_() % 4) {
        case 0: return require(fsync(fd_) == 0, "fsync");
        case 1: return require(fdatasync(fd_) == 0, "fdatasync");
        case 2: require(close(fd_) == 0, "close"); return open_file(0);
        default: return check_size();
        }
    }
    void check_size()
    {
        struct stat s;
        require(fstat(fd_, &s) == 0 && static_cast<std::size_t>(s.st_size) == model_.size(), "size");
    }
    void forget()  // of clean pages
    {
        what_ = "forget";
        require(fsync(fd_) == 0, "fsync");
        require(posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED) == 0, "posix_fadvise");
    }

    char const *path_, *what_ = "open";
    std::mt19937 random_;
    std::vector<char> model_;
    char *direct_;
    bool has_direct_ = false;
    int fd_ = -1;
    std::size_t at_ = 0, bytes_ = 0;
    unsigned long number_ = 0;
};
}  // namespace

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::fprintf(stderr, "fsx FILE OPERATIONS SEED\n");
        return 2;
    }
    auto const count = std::strtoul(argv[2], nullptr, 10);
    Fsx fsx(argv[1], static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10)));
    for (unsigned long i = 1; i <= count; ++i) {
        fsx.step(i);
        if (i % 5000 == 0) {
            fsx.check_all();
            std::fprintf(stderr, "fsx: %lu operations\n", i);
        }
    }
    fsx.check_all();
    std::printf("fsx: %lu operations, every byte right\n", count);
}
