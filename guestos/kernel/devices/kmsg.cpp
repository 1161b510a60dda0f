// SPDX-License-Identifier: MIT
// /dev/kmsg and /proc/kmsg: the kernel's log for programs. A read of /dev/kmsg gives one record,
//
//   "6,120,3141592,-;text\n"         level, sequence number, microseconds since boot
//
// where the sequence number is the record's position in the log.
#include <fcntl.h>
#include <kernel/devices/kmsg.hpp>
#include <kernel/fs/device.hpp>
#include <kernel/log.hpp>
#include <kernel/process/process.hpp>
#include <lib/format.hpp>
#include <linux/poll.h>

namespace kernel {
namespace {
constexpr std::size_t line_bytes = 512;

// One line of the log, "<6>[    3.141592] text\n", taken apart.
struct Record {
    unsigned level = 6;
    std::uint64_t microseconds = 0;
    char const *text = nullptr;
};

std::uint64_t number(char const *&at)
{
    std::uint64_t n = 0;
    while (*at == ' ')
        ++at;
    while (*at >= '0' && *at <= '9')
        n = n * 10 + static_cast<std::uint64_t>(*at++ - '0');
    return n;
}

Record parse(char const *line)
{
    Record r;
    if (line[0] == '<' && line[1] && line[2] == '>') {
        r.level = static_cast<unsigned>(line[1] - '0');
        line += 3;
    }
    if (*line == '[') {
        auto at = line + 1;
        auto seconds = number(at);
        if (*at == '.') {
            ++at;
            r.microseconds = seconds * 1'000'000 + number(at);
            if (*at == ']')
                line = at[1] == ' ' ? at + 2 : at + 1;
        }
    }
    r.text = line;
    return r;
}

class KmsgFile final : public File {
public:
    explicit KmsgFile(unsigned open_flags) : File{open_flags}, at_{log_start()} {}
    Result<std::size_t> read(IoBuffer &, std::uint64_t &) override;
    Result<std::size_t> write(IoBuffer &, std::uint64_t &) override;
    unsigned poll(PollTable *) override;

private:
    std::uint64_t at_;
};

Result<std::size_t> KmsgFile::read(IoBuffer &to, std::uint64_t &)
{
    if (at_ >= log_end()) {
        if (nonblocking())
            return Error::again;
        TRY(wait_until(log_grows(), [this] { return at_ < log_end(); }));
    }
    char line[line_bytes], record[line_bytes + 64];
    auto from = at_;
    auto n = read_log(from, line, sizeof line - 1);
    std::uint64_t sequence = from - n;
    line[n] = 0;
    auto end = static_cast<char *>(std::memchr(line, '\n', n));
    if (end)
        *end = 0;
    auto next = sequence + (end ? static_cast<std::size_t>(end - line) + 1 : n);
    auto r = parse(line);
    auto length = static_cast<std::size_t>(format(record, sizeof record, "%u,%llu,%llu,-;%s\n", r.level,
                                                  static_cast<unsigned long long>(sequence),
                                                  static_cast<unsigned long long>(r.microseconds), r.text));
    if (length > to.left())
        return Error::inval;
    auto put = TRY(to.put(record, length));
    at_ = next;
    return put;
}

Result<std::size_t> KmsgFile::write(IoBuffer &from, std::uint64_t &)
{
    char line[400];
    auto total = from.left();
    auto n = TRY(from.get(line, sizeof line - 1));
    while (n && line[n - 1] == '\n')
        --n;
    line[n] = 0;
    char const *text = line;
    unsigned level = 4;
    if (*text == '<') {
        auto at = text + 1;
        auto priority = number(at);
        if (*at == '>') {
            level = priority & 7;
            text = at + 1;
        }
    }
    log("<%u>%s", level, text);
    return total;
}

unsigned KmsgFile::poll(PollTable *table)
{
    if (table)
        table->add(log_grows());
    return at_ < log_end() ? POLLIN | POLLRDNORM : 0;
}

Result<Ref<File>> open_kmsg(Inode &, unsigned, unsigned flags)
{
    constexpr unsigned cap_syslog = 34;
    if ((flags & O_ACCMODE) != O_WRONLY && !current().credentials.has_cap(cap_syslog))
        return Error::perm;
    return Ref<File>{TRY(make_ref<KmsgFile>(flags))};
}
REGISTER_DEVICE(kmsg_device, "kmsg", false, 1, 11, 1, 0644, open_kmsg);

class ProcKmsgFile final : public File {
public:
    using File::File;
    Result<std::size_t> read(IoBuffer &to, std::uint64_t &) override
    {
        if (at_ >= log_end()) {
            if (nonblocking())
                return Error::again;
            TRY(wait_until(log_grows(), [this] { return at_ < log_end(); }));
        }
        char chunk[256];
        auto from = at_;
        auto n = read_log(from, chunk, to.left() < sizeof chunk ? to.left() : sizeof chunk);
        auto put = TRY(to.put(chunk, n));
        at_ = from - n + put;
        return put;
    }
    unsigned poll(PollTable *table) override
    {
        if (table)
            table->add(log_grows());
        return at_ < log_end() ? POLLIN | POLLRDNORM : 0;
    }

private:
    std::uint64_t at_ = log_start();
};
}  // namespace

Result<Ref<File>> open_proc_kmsg(unsigned flags) { return Ref<File>{TRY(make_ref<ProcKmsgFile>(flags))}; }
}  // namespace kernel
