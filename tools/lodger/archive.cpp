// SPDX-License-Identifier: MIT
// The guest's files for one run: a cpio archive in the "newc" format (cpio(5)), appended to the base archive. A kernel unpacks
// concatenated archives one after the other.
#include "lodger.hpp"
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <sys/stat.h>

namespace lodger {
namespace {
class Archive {
public:
    void add(std::string const &path, std::uint32_t mode, std::string const &content)
    {
        char header[111];
        std::string name = path.substr(path.find_first_not_of('/'));
        std::snprintf(header, sizeof header, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", ++inode_,
                      mode, 0u, 0u, 1u, 0u, content.size(), 0u, 0u, 0u, 0u, name.size() + 1, 0u);
        bytes_ += header;
        bytes_ += name;
        bytes_ += '\0';
        pad();
        bytes_ += content;
        pad();
    }
    void add_folders_of(std::string const &path)
    {
        for (auto slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
            if (folders_.insert(path.substr(0, slash)).second)
                add(path.substr(0, slash), S_IFDIR | 0755, "");
    }
    std::string finish()
    {
        add("/TRAILER!!!", 0, "");
        return std::move(bytes_);
    }

private:
    void pad()
    {
        while (bytes_.size() % 4)
            bytes_ += '\0';
    }
    std::string bytes_;
    unsigned inode_ = 0;
    // Folders that the base archive has keep its modes: they are not named again.
    std::set<std::string> folders_{"/bin", "/sbin", "/etc", "/tmp",     "/root",
                                   "/dev", "/proc", "/usr", "/usr/bin", "/run"};
};

std::string slurp(fs::path const &path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw Failure{path.string() + ": cannot be read"};
    return {std::istreambuf_iterator<char>{file}, {}};
}

void place(Archive &archive, Placement const &placement)
{
    archive.add_folders_of(placement.guest);
    if (fs::is_directory(placement.host)) {
        archive.add(placement.guest, S_IFDIR | 0755, "");
        for (auto const &entry : fs::directory_iterator{placement.host})
            place(archive, {placement.guest + "/" + entry.path().filename().string(), entry.path()});
        return;
    }
    struct stat st;
    if (stat(placement.host.c_str(), &st) != 0 || !S_ISREG(st.st_mode))
        throw Failure{placement.host.string() + ": neither a regular file nor a folder"};
    archive.add(placement.guest, S_IFREG | (st.st_mode & 07777), slurp(placement.host));
}
}  // namespace

void write_initrd(fs::path const &out, fs::path const &base, std::vector<Placement> const &files,
                  std::vector<Text> const &texts)
{
    Archive archive;
    for (auto const &file : files)
        place(archive, file);
    for (auto const &text : texts) {
        archive.add_folders_of(text.path);
        archive.add(text.path, S_IFREG | 0600, text.content);
    }
    std::string joined = slurp(base);
    while (joined.size() % 4)
        joined += '\0';
    joined += archive.finish();
    std::ofstream file(out, std::ios::binary);
    if (!file.write(joined.data(), static_cast<std::streamsize>(joined.size())).flush())
        throw Failure{out.string() + ": cannot be written; is the disk full?"};
}

void write_initrd(fs::path const &out, fs::path const &base, std::vector<Placement> const &files,
                  std::string const &run_request)
{
    if (run_request.empty())
        return write_initrd(out, base, files, std::vector<Text>{});
    std::string names;
    for (auto const &file : files)
        names += file.guest + '\0';
    write_initrd(out, base, files, {{"/etc/lodger/files", names}, {"/etc/lodger/run", run_request}});
}
}  // namespace lodger
