// SPDX-License-Identifier: MIT
#include "lodger.hpp"
#include <sys/stat.h>
#include <unistd.h>

namespace lodger {
namespace {
struct Disk {
    fs::path image;
    bool read_only;
};

Disk parse(std::string const &spec, char const *option)
{
    bool const read_only = spec.ends_with(":ro");
    fs::path const image = read_only ? spec.substr(0, spec.size() - 3) : spec;
    struct stat s;
    auto const text = std::string{option} + " " + image.string();
    if (stat(image.c_str(), &s) != 0)
        throw Failure{text + ": does not exist; `truncate -s 100M FILE` makes an empty one"};
    if (!S_ISREG(s.st_mode) && !S_ISBLK(s.st_mode))
        throw Failure{text + ": neither a file nor a block device"};
    if (access(image.c_str(), read_only ? R_OK : R_OK | W_OK) != 0)
        throw Failure{text + (read_only ? ": cannot be read" : ": cannot be written; append :ro to use it read-only")};
    if (S_ISREG(s.st_mode) && (s.st_size == 0 || s.st_size % 512 != 0))
        throw Failure{text + ": no disk image, for its size is not a multiple of 512"};
    return {image, read_only};
}

std::vector<Disk> all_disks(Options const &o)
{
    std::vector<Disk> disks;
    if (!o.root.empty())
        disks.push_back(parse(o.root, "--root"));
    for (auto const &spec : o.disks)
        disks.push_back(parse(spec, "--disk"));
    return disks;
}

std::string doubled_commas(std::string text)
{
    for (std::size_t at = 0; (at = text.find(',', at)) != std::string::npos; at += 2)
        text.insert(at, 1, ',');
    return text;
}
}  // namespace

std::vector<std::string> disk_options(Options const &o)
{
    std::vector<std::string> c;
    unsigned number = 0;
    for (auto const &disk : all_disks(o)) {
        auto const id = "disk" + std::to_string(number++);
        c.insert(c.end(),
                 {"-drive",
                  "if=none,format=raw,discard=unmap,id=" + id + ",readonly=" + (disk.read_only ? "on" : "off")
                      + ",file=" + doubled_commas(disk.image.string()),
                  "-device", "virtio-blk-pci,disable-legacy=on,drive=" + id});
    }
    return c;
}

std::vector<std::string> domain_disks(Options const &o)
{
    std::vector<std::string> c;
    char letter = 'a';
    for (auto const &disk : all_disks(o)) {
        c.push_back(std::string{"/dev/vd"} + letter + ",raw,xvd" + letter + (disk.read_only ? ",r" : ",w"));
        ++letter;
    }
    return c;
}

std::string root_arguments(Options const &o)
{
    if (o.root.empty())
        return {};
    return std::string{" root=/dev/"} + (has_own_domain(o) ? "xvda" : "vda") + (o.root.ends_with(":ro") ? " ro" : " rw");
}
}  // namespace lodger
