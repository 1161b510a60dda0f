// SPDX-License-Identifier: MIT
#include <arch/driver.hpp>
#include <cstring>
#include <kernel/lazy.hpp>
#include <kernel/log.hpp>
#include <lib/format.hpp>
#include <pvlib/device/bus.hpp>
#include <pvlib/device/store_connection.hpp>

extern "C" {
extern xenbus::Driver const __start_xenbus_drivers[], __stop_xenbus_drivers[];
}

namespace xenbus {
namespace {
struct Buses {
    Bus front{Side::front, "device", 3}, back{Side::back, "backend", 4};
    Bus *all[2] = {&front, &back};
};
constinit kernel::Lazy<Buses> buses;

unsigned components(std::string_view path)
{
    unsigned n = path.empty() ? 0 : 1;
    for (char c : path)
        n += c == '/';
    return n;
}

// Component `index`, counted from 0.
std::string_view component(std::string_view path, unsigned index)
{
    for (; index; --index)
        path.remove_prefix(path.find('/') + 1);
    return path.substr(0, path.find('/'));
}

std::string_view first_components(std::string_view path, unsigned n)
{
    auto last = component(path, n - 1);
    return path.substr(0, static_cast<std::size_t>(last.data() + last.size() - path.data()));
}

void copy_name(char *to, std::size_t size, std::string_view from)
{
    format(to, size, "%.*s", static_cast<int>(from.size()), from.data());
}

bool any_driver(Side side)
{
    for (auto *d = __start_xenbus_drivers; d != __stop_xenbus_drivers; ++d)
        if (d->side == side)
            return true;
    return false;
}
}  // namespace

Result<> Bus::start()
{
    if (!any_driver(side_))
        return {};
    return watch_.start_soon({root_});
}

void Bus::changed(void *context, std::string_view path)
{
    auto &self = *static_cast<Bus *>(context);
    auto depth = components(path);
    if (depth < self.levels_) {
        self.look_for_gone();
        self.scan(path, depth);
    } else {
        auto folder = first_components(path, self.levels_);
        if (depth == self.levels_ || !*self.find(folder))
            self.check(folder);
    }
}

// What is below `folder`, down to devices. Folders that nobody may read, or that have gone, have nothing below.
void Bus::scan(std::string_view folder, unsigned level)
{
    if (level == 2 && !driver_of(component(folder, 1)))
        return;
    if (level == levels_)
        return check(folder);
    auto children = list({folder});
    if (!children.ok())
        return;
    for (std::uint32_t at = 0;;) {
        auto name = children.value().next(at);
        if (name.empty())
            return;
        auto child = Text::join(folder, name);
        if (child.ok())
            scan(child.value().view(), level + 1);
    }
}

Bus::Entry **Bus::find(std::string_view folder)
{
    auto at = &entries_;
    while (*at && (*at)->device->folder() != folder)
        at = &(*at)->next;
    return at;
}

// Between two looks of ours the folder went and came: its device is at the beginning, and not because we wrote that.
bool Bus::is_made_anew(Device const &d)
{
    auto const begun = d.state() != State::unknown && d.state() != State::initialising;
    return begun && d.number("state").value_or(XenbusStateUnknown) == XenbusStateInitialising;
}

void Bus::check(std::string_view folder)
{
    auto entry = find(folder);
    bool const there = exists({folder});
    if (*entry && (!there || is_made_anew(*(*entry)->device)))
        drop(entry);
    if (there && !*find(folder))
        add(folder);
}

void Bus::look_for_gone()
{
    for (auto at = &entries_; *at;) {
        if (exists({(*at)->device->folder()}))
            at = &(*at)->next;
        else
            drop(at);
    }
}

Driver const *Bus::driver_of(std::string_view type) const
{
    for (auto *d = __start_xenbus_drivers; d != __stop_xenbus_drivers; ++d)
        if (d->side == side_ && type == d->type)
            return d;
    return nullptr;
}

// Folders that are not complete yet give an error and are looked at again with the next change in them.
Result<kernel::Ref<Device>> Bus::make(std::string_view folder) const
{
    auto driver = driver_of(component(folder, 1));
    if (!driver)
        return Error::noent;
    TRY(read_number({folder, "state"}));
    bool front = side_ == Side::front;
    auto other = TRY(xenbus::read({folder, front ? "backend" : "frontend"}));
    auto domain = TRY(read_number({folder, front ? "backend-id" : "frontend-id"}));
    if (folder.size() >= Device::path_size || other.size() >= Device::path_size || domain >= DOMID_FIRST_RESERVED)
        return Error::inval;
    auto d = TRY(driver->make());
    d->side_ = side_;
    d->other_domain_ = static_cast<domid_t>(domain);
    d->id_ = parse_number(component(folder, levels_ - 1)).value_or(0);
    copy_name(d->type_, sizeof d->type_, driver->type);
    copy_name(d->folder_, sizeof d->folder_, folder);
    copy_name(d->other_folder_, sizeof d->other_folder_, other.view());
    return d;
}

void Bus::add(std::string_view folder)
{
    auto made = make(folder);
    auto entry = made.ok() ? new (std::nothrow) Entry{made.value(), entries_} : nullptr;
    if (!entry)
        return;
    entries_ = entry;
    auto &device = *entry->device;
    device.begin();
    auto watched = device.other_watch_.start({device.other_folder(), "state"});
    if (!watched.ok())
        device.fail(watched.error(), "cannot watch the other end");
}

void Bus::drop(Entry **at)
{
    std::unique_ptr<Entry> gone{*at};
    *at = gone->next;
    gone->device->other_watch_.stop();
    gone->device->removed();
}

void Bus::failed(void *)
{
    for (auto bus : buses->all)
        for (auto e = bus->entries_; e; e = e->next) {
            if (auto complaint = std::exchange(e->device->complaint_, nullptr))
                e->device->fail(Error::proto, "%s", complaint);
            if (std::exchange(e->device->give_up_due_, false))
                e->device->give_up();
        }
}

void Bus::fail_devices()
{
    static constinit WatchThreadWork work{failed, nullptr};
    on_watch_thread(work);
}

namespace {
void start_xenbus()
{
    auto started = connection().start();
    if (started.ok())
        started = start_watch_thread();
    for (auto bus : buses->all)
        if (started.ok())
            started = bus->start();
    if (!started.ok() && started.error() != Error::nodev)
        kernel::log("<3>xenbus: cannot start: error %d\n", to_errno(started));
}
DRIVER(xenbus, start_xenbus);
}  // namespace
}  // namespace xenbus
