// SPDX-License-Identifier: MIT
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <userland/xenconsoled/log_file.hpp>

namespace console {
LogFile::LogFile(std::string path, std::size_t most) : path_{std::move(path)}, most_{most} { open(); }

void LogFile::open()
{
    file_ = Fd{::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    struct stat info {};
    size_ = file_ && fstat(file_.get(), &info) == 0 ? static_cast<std::size_t>(info.st_size) : 0;
}

// A log that cannot be written is no reason to keep a guest from its terminal.
void LogFile::write(std::string_view bytes)
{
    if (!file_)
        return;
    if (size_ + bytes.size() > most_) {
        if (std::rename(path_.c_str(), (path_ + ".1").c_str()) != 0)
            std::fprintf(stderr, "xenconsoled: %s cannot be renamed\n", path_.c_str());
        open();
    }
    while (file_ && !bytes.empty()) {
        auto n = ::write(file_.get(), bytes.data(), bytes.size());
        if (n < 0 && errno != EINTR)
            return;
        bytes.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
        size_ += n > 0 ? static_cast<std::size_t>(n) : 0;
    }
}
}  // namespace console
