// SPDX-License-Identifier: MIT
// /proc/sys: what sysctl(8) and the C library ask for. Values that nothing here depends on are constants.
#include <kernel/ipc/shared_memory.hpp>
#include <kernel/process/system_info.hpp>
#include <kernel/procfs/procfs.hpp>
#include <kernel/random.hpp>

namespace kernel {
namespace {
constexpr unsigned cap_sys_admin = 21;

template <char const *Constant>
Result<> show_constant(Text &out, ProcTarget const &)
{
    out.append(Constant);
    return {};
}

template <unsigned Number>
Result<> show_number(Text &out, ProcTarget const &)
{
    out.print("%u\n", Number);
    return {};
}

Result<> store_name(std::string_view value, char (&name)[65])
{
    if (!current().credentials.has_cap(cap_sys_admin))
        return Error::perm;
    if (value.size() > 64)
        return Error::inval;
    std::memcpy(name, value.data(), value.size());
    name[value.size()] = 0;
    return {};
}
Result<> show_host_name(Text &out, ProcTarget const &)
{
    out.print("%s\n", system_names().host);
    return {};
}
Result<> store_host_name(std::string_view value, ProcTarget const &) { return store_name(value, system_names().host); }
Result<> show_domain_name(Text &out, ProcTarget const &)
{
    out.print("%s\n", system_names().domain);
    return {};
}
Result<> store_domain_name(std::string_view value, ProcTarget const &)
{
    return store_name(value, system_names().domain);
}

Result<> show_version(Text &out, ProcTarget const &)
{
    out.print("%s\n", system_version);
    return {};
}

void print_uuid(Text &out, std::uint8_t const (&b)[16])  // RFC 4122, version 4
{
    for (unsigned i = 0; i < 16; ++i) {
        unsigned byte = i == 6 ? (b[i] & 0x0f) | 0x40 : i == 8 ? (b[i] & 0x3f) | 0x80 : b[i];
        out.print("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", byte);
    }
    out.append("\n");
}
Result<> show_uuid(Text &out, ProcTarget const &)
{
    std::uint8_t bytes[16];
    random_bytes(bytes, sizeof bytes);
    print_uuid(out, bytes);
    return {};
}
Result<> show_boot_id(Text &out, ProcTarget const &)
{
    static constinit std::uint8_t bytes[16] = {};
    static constinit bool made = false;
    if (!made)
        random_bytes(bytes, sizeof bytes);
    made = true;
    print_uuid(out, bytes);
    return {};
}

Result<> store_nothing(std::string_view, ProcTarget const &) { return {}; }

constexpr char ostype[] = "Linux\n", osrelease[] = "6.1.0-lodger\n", core_pattern[] = "core\n",
               printk[] = "7\t4\t1\t7\n", file_nr[] = "0\t0\t4096\n", port_range[] = "32768\t60999\n",
               semaphores[] = "32000\t1024000000\t500\t32000\n";
static_assert(std::string_view{osrelease}.starts_with(system_release));

constexpr std::uint32_t file = s_ifreg | 0444, writable = s_ifreg | 0644, directory = s_ifdir | 0555;

// clang-format off
constexpr ProcEntry random_entries[] = {
    {.name = "boot_id", .mode = file, .show = show_boot_id},
    {.name = "entropy_avail", .mode = file, .show = show_number<256>},
    {.name = "poolsize", .mode = file, .show = show_number<256>},
    {.name = "uuid", .mode = file, .show = show_uuid},
};
std::span<ProcEntry const> random_directory() { return random_entries; }

constexpr ProcEntry kernel_entries[] = {
    {.name = "cap_last_cap", .mode = file, .show = show_number<40>},
    {.name = "core_pattern", .mode = writable, .show = show_constant<core_pattern>, .store = store_nothing},
    {.name = "domainname", .mode = writable, .show = show_domain_name, .store = store_domain_name},
    {.name = "hostname", .mode = writable, .show = show_host_name, .store = store_host_name},
    {.name = "msgmax", .mode = file, .show = show_number<8192>},
    {.name = "msgmnb", .mode = file, .show = show_number<16384>},
    {.name = "msgmni", .mode = file, .show = show_number<32000>},
    {.name = "ngroups_max", .mode = file, .show = show_number<65536>},
    {.name = "osrelease", .mode = file, .show = show_constant<osrelease>},
    {.name = "ostype", .mode = file, .show = show_constant<ostype>},
    {.name = "overflowgid", .mode = file, .show = show_number<65534>},
    {.name = "overflowuid", .mode = file, .show = show_number<65534>},
    {.name = "pid_max", .mode = file, .show = show_number<32768>},
    {.name = "printk", .mode = writable, .show = show_constant<printk>, .store = store_nothing},
    {.name = "random", .mode = directory, .children = random_directory},
    {.name = "randomize_va_space", .mode = file, .show = show_number<2>},
    {.name = "sem", .mode = file, .show = show_constant<semaphores>},
    {.name = "shmall", .mode = file, .show = show_number<shm_max_pages>},
    {.name = "shmmax", .mode = file, .show = show_number<shm_max_bytes>},
    {.name = "shmmni", .mode = file, .show = show_number<shm_max_segments>},
    {.name = "threads-max", .mode = file, .show = show_number<32768>},
    {.name = "version", .mode = file, .show = show_version},
};
constexpr ProcEntry vm_entries[] = {
    {.name = "max_map_count", .mode = file, .show = show_number<65530>},
    {.name = "mmap_min_addr", .mode = file, .show = show_number<4096>},
    {.name = "overcommit_memory", .mode = writable, .show = show_number<0>, .store = store_nothing},
    {.name = "overcommit_ratio", .mode = writable, .show = show_number<50>, .store = store_nothing},
    {.name = "swappiness", .mode = writable, .show = show_number<60>, .store = store_nothing},
};
constexpr ProcEntry fs_entries[] = {
    {.name = "file-max", .mode = file, .show = show_number<65536>},
    {.name = "file-nr", .mode = file, .show = show_constant<file_nr>},
    {.name = "nr_open", .mode = file, .show = show_number<4096>},
    {.name = "pipe-max-size", .mode = file, .show = show_number<1048576>},
    {.name = "protected_hardlinks", .mode = file, .show = show_number<1>},
    {.name = "protected_symlinks", .mode = file, .show = show_number<0>},
};
constexpr ProcEntry core_entries[] = {
    {.name = "rmem_default", .mode = file, .show = show_number<212992>},
    {.name = "rmem_max", .mode = file, .show = show_number<212992>},
    {.name = "somaxconn", .mode = file, .show = show_number<4096>},
    {.name = "wmem_default", .mode = file, .show = show_number<212992>},
    {.name = "wmem_max", .mode = file, .show = show_number<212992>},
};
constexpr ProcEntry unix_entries[] = {
    {.name = "max_dgram_qlen", .mode = file, .show = show_number<512>},
};
constexpr ProcEntry ipv4_entries[] = {
    {.name = "ip_local_port_range", .mode = file, .show = show_constant<port_range>},
};
std::span<ProcEntry const> kernel_directory() { return kernel_entries; }
std::span<ProcEntry const> vm_directory() { return vm_entries; }
std::span<ProcEntry const> fs_directory() { return fs_entries; }
std::span<ProcEntry const> core_directory() { return core_entries; }
std::span<ProcEntry const> unix_directory() { return unix_entries; }
std::span<ProcEntry const> ipv4_directory() { return ipv4_entries; }

constexpr ProcEntry net_entries[] = {
    {.name = "core", .mode = directory, .children = core_directory},
    {.name = "ipv4", .mode = directory, .children = ipv4_directory},
    {.name = "unix", .mode = directory, .children = unix_directory},
};
std::span<ProcEntry const> net_directory() { return net_entries; }

constexpr ProcEntry sys_entries[] = {
    {.name = "fs", .mode = directory, .children = fs_directory},
    {.name = "kernel", .mode = directory, .children = kernel_directory},
    {.name = "net", .mode = directory, .children = net_directory},
    {.name = "vm", .mode = directory, .children = vm_directory},
};
// clang-format on
}  // namespace

std::span<ProcEntry const> proc_sys_entries() { return sys_entries; }
}  // namespace kernel
