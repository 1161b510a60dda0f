// SPDX-License-Identifier: MIT
// /proc/xen: what older programs ask there. The same files by `mount -t xenfs`, as they do on Linux.
//
//   capabilities      "control_d" in domain 0, empty elsewhere
//   balloon           the domain's memory now, and what it was asked to be
//   counters          what the hypervisor has counted for this domain: lines "NAME NUMBER"
//   xenbus, privcmd   /dev/xen/xenbus, /dev/xen/privcmd
//   xsd_port          the port for the xenstore daemon, decimal; domain 0
//   xsd_kva           its page, by mmap(2); domain 0
#include <arch/driver.hpp>
#include <drivers/xendev/xendev.hpp>
#include <kernel/procfs/procfs.hpp>
#include <pvlib/device/hollow.hpp>
#include <pvlib/device/store.hpp>
#include <pvlib/shared.hpp>

namespace xendev {
namespace {
using kernel::Inode;
using kernel::ProcEntry;
using kernel::ProcTarget;
using kernel::SuperBlock;

Result<> show_capabilities(kernel::Text &out, ProcTarget const &)
{
    if (pv::is_initial_domain())
        out.append("control_d\n");
    return {};
}

Result<> show_balloon(kernel::Text &out, ProcTarget const &)
{
    auto line = [&](char const *what, std::uint32_t pages) { out.print("%s%9u kB\n", what, pages * 4); };
    line("Current allocation:", pv::current_pages());
    line("Requested target:  ", pv::balloon_target());
    line("Low-mem balloon:   ", pv::hollow_count());
    line("Driver pages:      ", pv::place_count());
    line("Xen hard limit:    ", pv::initial_pages());
    return {};
}

Result<> show_store_port(kernel::Text &out, ProcTarget const &)
{
    out.print("%u", xenbus::daemon_side().port);
    return {};
}

// A file here that is a device there.
template <Result<Ref<File>> (*Open)(unsigned)>
class DeviceInode final : public kernel::ProcInode {
public:
    using ProcInode::ProcInode;
    Result<Ref<File>> open(unsigned flags) override { return Open(flags); }
};
template <Result<Ref<File>> (*Open)(unsigned)>
Result<Ref<Inode>> make_device(SuperBlock &sb, ProcEntry const &e, ProcTarget const &t)
{
    return Ref<Inode>{TRY(kernel::make_ref<DeviceInode<Open>>(sb, e, t))};
}

constexpr std::uint32_t readable = kernel::s_ifreg | 0444, roots_own = kernel::s_ifreg | 0600;

constexpr ProcEntry entries[] = {
    {.name = "capabilities", .mode = readable, .show = show_capabilities},
    {.name = "balloon", .mode = readable, .show = show_balloon},
    {.name = "counters", .mode = readable, .show = show_counters},
    {.name = "xenbus", .mode = roots_own, .make = make_device<open_xenbus>},
    {.name = "privcmd", .mode = roots_own, .make = make_device<open_privcmd>},
    {.name = "xsd_kva", .mode = roots_own, .make = make_device<open_xenbus_backend>},
    {.name = "xsd_port", .mode = kernel::s_ifreg | 0400, .show = show_store_port},
};
constexpr std::size_t of_every_domain = 4;

std::span<ProcEntry const> files() { return {entries, pv::is_initial_domain() ? std::size(entries) : of_every_domain}; }

constexpr ProcEntry folder{.name = "xen", .mode = kernel::s_ifdir | 0555, .children = files};

class XenFs final : public SuperBlock {
public:
    Ref<Inode> root() override
    {
        if (!root_) {
            auto made = kernel::make_ref<kernel::ProcDirectory>(*this, folder, ProcTarget{}, files());
            if (made.ok())
                root_ = made.value();
        }
        return root_;
    }
    char const *type_name() const override { return "xenfs"; }
    Statistics statistics() override { return {0xabba1974, page_size, 0, 0, 0, 0, 0, 255}; }
    void unmounted() override { root_ = nullptr; }

private:
    Ref<Inode> root_;
};

Result<Ref<SuperBlock>> mount_xenfs(std::string_view, unsigned, std::string_view)
{
    auto super = TRY(kernel::make_ref<XenFs>());
    if (!super->root())
        return Error::nomem;
    return Ref<SuperBlock>{super};
}
REGISTER_FILE_SYSTEM(xenfs_type, "xenfs", false, mount_xenfs);

void start() { kernel::add_proc_entry(folder); }
DRIVER(xenfs, start);
}  // namespace
}  // namespace xendev
