// SPDX-License-Identifier: MIT
// /dev/xen/xenbus_backend: the store page and the port of domain 0's own connection, for the daemon, which is a program here.
// The file, its mappings included, is the daemon: when the last of them goes, the daemon has gone.
#include <drivers/xendev/xendev.hpp>
#include <kernel/memory/address_space.hpp>
#include <kernel/memory/frames.hpp>
#include <pv/sys/xenbus_dev.h>
#include <pvlib/device/store.hpp>

namespace xendev {
namespace {
class StorePage final : public kernel::MemoryObject {
public:
    Result<Pfn> page(std::uint32_t index, bool) override
    {
        auto page = xenbus::daemon_side().page;
        if (index != 0 || !page)
            return Error::nxio;
        auto frame = kernel::frame_of_address(page);
        kernel::ref_frame(frame);
        return frame;
    }
    char const *name() const override { return "/dev/xen/xenbus_backend"; }
};

class BackendFile final : public File {
public:
    using File::File;
    ~BackendFile() override
    {
        if (mapped_)
            xenbus::daemon_gone();
    }
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t) override
    {
        switch (command) {
        case IOCTL_XENBUS_BACKEND_EVTCHN: return static_cast<std::int32_t>(xenbus::daemon_side().port);
        case IOCTL_XENBUS_BACKEND_SETUP: return Error::opnotsupp;  // a daemon in a domain of its own
        default: return Error::notty;
        }
    }
    Result<Ref<kernel::MemoryObject>> memory_object() override
    {
        auto object = TRY(kernel::make_ref<StorePage>());
        mapped_ = true;
        return Ref<kernel::MemoryObject>{object};
    }

private:
    bool mapped_ = false;
};
}  // namespace

Result<Ref<File>> open_xenbus_backend(unsigned flags)
{
    if (!is_administrator())
        return Error::perm;
    if (!xenbus::daemon_side().page)
        return Error::nodev;
    return Ref<File>{TRY(kernel::make_ref<BackendFile>(flags))};
}
}  // namespace xendev
