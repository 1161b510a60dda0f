// SPDX-License-Identifier: MIT
#include <algorithm>
#include <fstream>
#include <iterator>
#include <userland/toolstack/device_config.hpp>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/guest_config.hpp>
#include <userland/toolstack/uuid.hpp>

namespace {
using config::Setting;
using config::Value;

// Boot parameters come from several keys.
struct Draft {
    GuestConfig guest;
    std::string root, extra;
    bool has_command_line = false;
};

class Reader {
public:
    explicit Reader(Setting const &setting) : setting_{setting} {}

    [[noreturn]] void wrong(std::string const &what) const
    {
        throw Failure{setting_.place + ": " + setting_.key + " " + what};
    }
    std::string const &text() const
    {
        auto text = setting_.value.text();
        if (!text)
            wrong("has to be a string, in quotes");
        return *text;
    }
    std::uint32_t number(std::int64_t from, std::int64_t to) const
    {
        auto n = setting_.value.number();
        if (!n || *n < from || *n > to)
            wrong("has to be a number from " + std::to_string(from) + " to " + std::to_string(to));
        return static_cast<std::uint32_t>(*n);
    }
    std::vector<std::string> texts() const
    {
        std::vector<std::string> result;
        auto list = setting_.value.list();
        if (!list)
            wrong("has to be a list of strings, in [ ]");
        for (auto const &value : *list) {
            if (!value.text())
                wrong("has to be a list of strings, in [ ]");
            result.push_back(*value.text());
        }
        return result;
    }
    Action action() const
    {
        static constexpr std::pair<char const *, Action> actions[] = {{"destroy", Action::destroy},
                                                                      {"restart", Action::restart},
                                                                      {"rename-restart", Action::rename_restart},
                                                                      {"preserve", Action::preserve}};
        for (auto [name, action] : actions)
            if (text() == name)
                return action;
        wrong("has to be \"destroy\", \"restart\", \"rename-restart\" or \"preserve\"");
    }
    // A key that is there for the sake of files as they are: only one value of it is possible.
    void only(std::string const &value) const
    {
        if (text() != value)
            wrong("can be \"" + value + "\" only: guests are paravirtual here");
    }

private:
    Setting const &setting_;
};

struct Key {
    char const *name;
    void (*take)(Draft &, Reader const &);
};

constexpr std::uint32_t most_memory_mb = 3800;

// clang-format off
constexpr Key keys[] = {
    {"builder",     [](Draft &, Reader const &r) { r.only("generic"); }},
    {"cap",         [](Draft &d, Reader const &r) { d.guest.cap = r.number(0, 100); }},
    {"cmdline",     [](Draft &d, Reader const &r) { d.guest.command_line = r.text(); d.has_command_line = true; }},
    {"cpu_weight",  [](Draft &d, Reader const &r) { d.guest.weight = r.number(1, 65535); }},
    {"disk",        [](Draft &d, Reader const &r) {
        for (auto const &text : r.texts()) {
            std::string why;
            auto disk = parse_disk(text, why);
            if (!disk)
                r.wrong("\"" + text + "\": " + why);
            d.guest.disks.push_back(*disk);
        } }},
    {"extra",       [](Draft &d, Reader const &r) { d.extra = r.text(); }},
    {"kernel",      [](Draft &d, Reader const &r) { d.guest.kernel = r.text(); }},
    {"maxmem",      [](Draft &d, Reader const &r) { d.guest.max_memory_mb = r.number(1, most_memory_mb); }},
    {"maxvcpus",    [](Draft &d, Reader const &r) { d.guest.max_vcpus = r.number(1, 32); }},
    {"memory",      [](Draft &d, Reader const &r) { d.guest.memory_mb = r.number(1, most_memory_mb); }},
    {"name",        [](Draft &d, Reader const &r) {
        d.guest.name = r.text();
        auto good = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '+'; };
        if (d.guest.name.empty() || d.guest.name.size() > 63 || !std::all_of(d.guest.name.begin(), d.guest.name.end(), good))
            r.wrong("has to be 1 to 63 letters, digits, and - _ . +"); }},
    {"on_crash",    [](Draft &d, Reader const &r) { d.guest.actions.crash = r.action(); }},
    {"on_poweroff", [](Draft &d, Reader const &r) { d.guest.actions.poweroff = r.action(); }},
    {"on_reboot",   [](Draft &d, Reader const &r) { d.guest.actions.reboot = r.action(); }},
    {"on_watchdog", [](Draft &d, Reader const &r) { d.guest.actions.watchdog = r.action(); }},
    {"ramdisk",     [](Draft &d, Reader const &r) { d.guest.ramdisk = r.text(); }},
    {"root",        [](Draft &d, Reader const &r) { d.root = r.text(); }},
    {"type",        [](Draft &, Reader const &r) { r.only("pv"); }},
    {"uuid",        [](Draft &d, Reader const &r) {
        d.guest.uuid = parse_uuid(r.text());
        if (!d.guest.uuid)
            r.wrong("has to be like 01234567-89ab-cdef-0123-456789abcdef"); }},
    {"vcpus",       [](Draft &d, Reader const &r) { d.guest.vcpus = r.number(1, 32); }},
    {"vif",         [](Draft &d, Reader const &r) {
        for (auto const &text : r.texts()) {
            std::string why;
            auto nic = parse_nic(text, why);
            if (!nic)
                r.wrong("\"" + text + "\": " + why);
            d.guest.nics.push_back(*nic);
        } }},
};
// clang-format on

// Keys of xl.cfg(5) that ask for something that is not here.
constexpr std::string_view not_here[] = {"bootloader",
                                         "bootloader_args",
                                         "channel",
                                         "cpuid",
                                         "cpus",
                                         "cpus_soft",
                                         "device_tree",
                                         "driver_domain",
                                         "dtdev",
                                         "e820_host",
                                         "firmware",
                                         "init_seclabel",
                                         "iomem",
                                         "ioports",
                                         "irqs",
                                         "keymap",
                                         "localtime",
                                         "max_event_channels",
                                         "max_grant_frames",
                                         "max_maptrack_frames",
                                         "nomigrate",
                                         "on_soft_reset",
                                         "p9",
                                         "passthrough",
                                         "pci",
                                         "pci_permissive",
                                         "pool",
                                         "pvcalls",
                                         "pvh",
                                         "pvshim",
                                         "rtc_timeoffset",
                                         "seclabel",
                                         "suppress_spurious_page_faults",
                                         "tsc_mode",
                                         "usbctrl",
                                         "usbdev",
                                         "vdispl",
                                         "vfb",
                                         "vkb",
                                         "vnuma",
                                         "vscsi",
                                         "vsnd",
                                         "vtpm",
                                         "xend_suspend_evtchn_compat"};

void take(Draft &draft, Setting const &setting)
{
    Reader reader{setting};
    for (auto const &key : keys)
        if (setting.key == key.name)
            return key.take(draft, reader);
    if (std::find(std::begin(not_here), std::end(not_here), setting.key) != std::end(not_here))
        reader.wrong("is a key of xl.cfg that is not supported here; leave it out");
    reader.wrong("is no key of a guest file; pvctl create --help lists them");
}

void finish(Draft &draft, std::string const &file)
{
    auto &g = draft.guest;
    auto missing = [&](char const *key) { throw Failure{file + ": the setting " + key + " is missing"}; };
    if (g.name.empty())
        missing("name = \"...\"");
    if (g.kernel.empty())
        missing("kernel = \"...\"");
    if (!draft.has_command_line) {
        g.command_line = draft.root.empty() ? "" : "root=" + draft.root;
        if (!draft.extra.empty())
            g.command_line += (g.command_line.empty() ? "" : " ") + draft.extra;
    }
    if (g.command_line.size() > 1023)
        throw Failure{file + ": the kernel's command line has more than 1023 characters"};
    if (g.max_memory_mb == 0)
        g.max_memory_mb = g.memory_mb;
    if (g.max_memory_mb < g.memory_mb)
        throw Failure{file + ": maxmem is less than memory"};
    if (g.max_vcpus == 0)
        g.max_vcpus = g.vcpus;
    if (g.max_vcpus < g.vcpus)
        throw Failure{file + ": maxvcpus is less than vcpus"};
}
}  // namespace

std::string guest_file_keys()
{
    std::string names;
    for (auto const &key : keys)
        names += (names.empty() ? "" : " ") + std::string{key.name};
    return names;
}

GuestConfig read_guest_config(std::vector<config::Setting> const &settings, std::string const &file)
{
    Draft draft;
    for (auto const &setting : settings)
        take(draft, setting);
    finish(draft, file);
    return std::move(draft.guest);
}

GuestConfig read_guest_file(std::string const &path, std::string const &more)
{
    std::ifstream in(path, std::ios::binary);
    if (!in)
        throw Failure{path + ": cannot be read: " + text_of(last_error())};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    auto settings = config::parse(text, path);
    for (auto const &setting : config::parse(more, "the command line")) {
        std::erase_if(settings, [&](Setting const &s) { return s.key == setting.key; });
        settings.push_back(setting);
    }
    return read_guest_config(settings, path);
}
