// SPDX-License-Identifier: MIT
#include <algorithm>
#include <charconv>
#include <userland/toolstack/device_nodes.hpp>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/guest_nodes.hpp>
#include <userland/toolstack/uuid.hpp>

namespace {
class Writer {
public:
    Writer(xen::Store &store, domid_t domain) : store_{store}, n_{std::to_string(domain)} {}

    // A folder with its own permissions; what is written into it has the same.
    Result<> ours(std::string const &path) { return folder(path, "n0|r" + n_ + "|"); }
    Result<> theirs(std::string const &path) { return folder(path, "n" + n_ + "|r0|"); }
    Result<> write(std::string const &path, std::string const &value) { return store_.write(path, value); }
    Result<> write(std::string const &path, std::uint64_t value) { return store_.write(path, std::to_string(value)); }
    // A value that the domain may change.
    Result<> give(std::string const &path, std::string const &value)
    {
        TRY(store_.write(path, value));
        return store_.set_permissions(path, "n" + n_ + "|r0|");
    }

private:
    Result<> folder(std::string const &path, std::string const &permissions)
    {
        TRY(store_.make_directory(path));
        return store_.set_permissions(path, permissions);
    }
    xen::Store &store_;
    std::string n_;
};

Result<> write_vm(Writer &w, GuestIdentity const &who, GuestConfig const &config, BuiltDomain const &built)
{
    auto vm = vm_of(who.uuid);
    TRY(w.ours(vm));
    TRY(w.write(vm + "/uuid", text_of(who.uuid)));
    TRY(w.write(vm + "/name", config.name));
    TRY(w.write(vm + "/image/ostype", std::string{"linux"}));
    TRY(w.write(vm + "/image/guest_os", built.guest_os));
    return w.write(vm + "/image/kernel", config.kernel);
}

Result<> write_console(Writer &w, std::string const &home, BuiltDomain const &built, BuildOrder const &order)
{
    TRY(w.ours(home + "/console"));
    TRY(w.write(home + "/console/type", std::string{"xenconsoled"}));
    TRY(w.write(home + "/console/output", std::string{"pty"}));
    TRY(w.write(home + "/console/backend-id", 0));
    TRY(w.write(home + "/console/ring-ref", built.console_frame));
    TRY(w.write(home + "/console/port", order.console_port));
    TRY(w.write(home + "/store/ring-ref", built.store_frame));
    return w.write(home + "/store/port", order.store_port);
}

Result<> write_home(Writer &w, GuestIdentity const &who, GuestConfig const &config)
{
    auto home = home_of(who.domain);
    TRY(w.ours(home));
    TRY(w.write(home + "/vm", vm_of(who.uuid)));
    TRY(w.write(home + "/name", config.name));
    TRY(w.write(home + "/domid", who.domain));
    for (std::uint32_t i = 0; i < config.max_vcpus; ++i)
        TRY(w.write(home + "/cpu/" + std::to_string(i) + "/availability",
                    std::string{i < config.vcpus ? "online" : "offline"}));
    TRY(w.write(home + "/memory/static-max", std::uint64_t{config.max_memory_mb} << 10));
    TRY(w.write(home + "/memory/target", std::uint64_t{config.memory_mb} << 10));
    for (auto name : {"shutdown", "feature-poweroff", "feature-reboot", "feature-suspend", "sysrq"})
        TRY(w.give(home + "/control/" + name, ""));
    for (auto name : {"data", "drivers", "feature", "attr", "error"})
        TRY(w.theirs(home + "/" + name));
    return w.ours(home + "/device");
}

bool is_number(std::string const &text, domid_t &n)
{
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    return error == std::errc{} && end == text.data() + text.size();
}
}  // namespace

std::string home_of(domid_t domain) { return "/local/domain/" + std::to_string(domain); }
std::string vm_of(Uuid const &uuid) { return "/vm/" + text_of(uuid); }

void write_guest_nodes(xen::Store &store, GuestIdentity const &who, GuestConfig const &config, BuiltDomain const &built,
                       BuildOrder const &order)
{
    auto result = store.atomically([&]() -> Result<> {
        Writer w{store, who.domain};
        TRY(write_vm(w, who, config, built));
        TRY(write_home(w, who, config));
        TRY(write_console(w, home_of(who.domain), built, order));
        return write_device_nodes(store, who.domain, config);
    });
    if (!result.ok())
        fail("the new domain cannot be written into xenstore", result.error());
}

void remove_guest_nodes(xen::Store &store, domid_t domain)
{
    auto home = home_of(domain);
    if (auto vm = store.read(home + "/vm"); vm.ok())
        (void)store.remove(vm.value()).ok();
    remove_device_nodes(store, domain);
    (void)store.remove(home).ok();
}

std::string name_of(xen::Store &store, domid_t domain)
{
    auto name = store.read(home_of(domain) + "/name");
    return name.ok() ? name.take() : domain == 0 ? "Domain-0" : "(null)";
}

domid_t find_guest(xen::Store &store, std::string const &name_or_number)
{
    domid_t domain = 0;
    if (is_number(name_or_number, domain))
        return domain;
    for (auto const &number : store.directory("/local/domain").value_or({}))
        if (is_number(number, domain) && name_of(store, domain) == name_or_number)
            return domain;
    throw Failure{name_or_number + ": no domain has that name or number; pvctl list shows them"};
}
