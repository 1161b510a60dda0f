// SPDX-License-Identifier: MIT
// What a domain is at: registers, the functions that its kernel is in, its stack.
#include <cstdio>
#include <pv/xen.h>
#include <userland/pvctl/commands.hpp>
#include <userland/pvctl/guest_view.hpp>
#include <userland/pvctl/json.hpp>
#include <userland/pvctl/symbols.hpp>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/kernel_file.hpp>
#include <userland/toolstack/lifecycle.hpp>

namespace {
constexpr unsigned most_calls = 24, stack_words = 64;

struct Register {
    char const *name;
    std::uint32_t value;
};

struct Vcpu {
    std::uint32_t number;
    std::vector<Register> registers;
    std::uint32_t eip, esp, ebp;
    std::vector<std::uint32_t> calls;  // return addresses, innermost first
    std::vector<std::pair<std::uint32_t, std::uint32_t>> stack;
};

// While we look, the domain does not run.
class Paused {
public:
    Paused(Toolstack &tools, domid_t domain) : tools_{tools}, domain_{domain}
    {
        need(xen::pause_domain(tools.hypervisor, domain), "the domain cannot be paused");
    }
    ~Paused() { (void)xen::unpause_domain(tools_.hypervisor, domain_).ok(); }
    Paused(Paused const &) = delete;
    Paused &operator=(Paused const &) = delete;

private:
    Toolstack &tools_;
    domid_t domain_;
};

// Frames are linked by %ebp, upwards only: a stack that leads anywhere else ends the walk.
std::vector<std::uint32_t> calls_of(GuestView &memory, std::uint32_t ebp)
{
    std::vector<std::uint32_t> calls;
    while (calls.size() < most_calls) {
        auto next = memory.word(ebp), back = memory.word(ebp + 4);
        if (!next || !back || *back == 0)
            break;
        calls.push_back(*back);
        if (*next <= ebp)
            break;
        ebp = *next;
    }
    return calls;
}

Vcpu look_at(Toolstack &tools, domid_t domain, std::uint32_t number)
{
    auto context = need(xen::VcpuContext::make(1), "memory for a hypercall");
    need(xen::get_vcpu_context(tools.hypervisor, domain, number, context), "the processor's state");
    auto const &c = context[0];
    auto const &r = c.user_regs;
    Vcpu v{number,
           {{"eax", r.eax},
            {"ebx", r.ebx},
            {"ecx", r.ecx},
            {"edx", r.edx},
            {"esi", r.esi},
            {"edi", r.edi},
            {"ebp", r.ebp},
            {"esp", r.esp},
            {"eip", r.eip},
            {"eflags", r.eflags},
            {"cs", r.cs},
            {"ss", r.ss},
            {"ds", r.ds},
            {"es", r.es},
            {"fs", r.fs},
            {"gs", r.gs},
            {"cr2", c.ctrlreg[2]},
            {"cr3", c.ctrlreg[3]}},
           r.eip,
           r.esp,
           r.ebp,
           {},
           {}};
    GuestView memory{tools.hypervisor, domain, xen_cr3_to_pfn(c.ctrlreg[3])};
    v.calls = calls_of(memory, r.ebp);
    for (unsigned i = 0; i < stack_words; ++i)
        if (auto word = memory.word((r.esp & ~3u) + 4 * i))
            v.stack.emplace_back((r.esp & ~3u) + 4 * i, *word);
    return v;
}

void print(Vcpu const &v, Symbols const &symbols)
{
    std::printf("vcpu %u\n", v.number);
    unsigned column = 0;
    for (auto const &r : v.registers)
        std::printf("  %-6s %08x%s", r.name, r.value, ++column % 6 == 0 ? "\n" : "");
    std::printf("  in:\n    %08x  %s\n", v.eip, symbols.name(v.eip).c_str());
    for (auto address : v.calls)
        std::printf("    %08x  %s\n", address, symbols.name(address).c_str());
    std::printf("  stack:\n");
    for (auto [address, word] : v.stack) {
        auto name = symbols.name(word);
        std::printf("    %08x: %08x%s%s\n", address, word, name.empty() ? "" : "  ", name.c_str());
    }
}

void write(Json &json, Vcpu const &v, Symbols const &symbols)
{
    json.open('{').key("vcpu").value(v.number).key("registers").open('{');
    for (auto const &r : v.registers)
        json.key(r.name).hex(r.value);
    json.close('}').key("calls").open('[');
    auto call = [&](std::uint32_t address) {
        json.open('{').key("address").hex(address).key("name").value(symbols.name(address)).close('}');
    };
    call(v.eip);
    for (auto address : v.calls)
        call(address);
    json.close(']').key("stack").open('[');
    for (auto [address, word] : v.stack)
        json.open('{').key("address").hex(address).key("word").hex(word).key("name").value(symbols.name(word)).close('}');
    json.close(']').close('}');
}

Symbols symbols_of(Toolstack &tools, domid_t domain, std::string kernel)
{
    bool asked_for = !kernel.empty();
    if (!asked_for)
        kernel = tools.store.read(tools.store.read(home_of(domain) + "/vm").value_or("") + "/image/kernel").value_or("");
    try {
        return kernel.empty() ? Symbols{} : Symbols{KernelFile{kernel}.bytes()};
    } catch (Failure const &) {
        if (asked_for)
            throw;
        return {};  // addresses without names say something, too
    }
}
}  // namespace

int pvctl::dump(std::string const &name, std::string const &kernel, bool as_json)
{
    Toolstack tools;
    auto domain = find_guest(tools.store, name);
    if (domain == 0)
        throw Failure{"domain 0 cannot look at itself"};
    auto info = info_of(tools, domain);
    auto symbols = symbols_of(tools, domain, kernel);
    std::vector<Vcpu> vcpus;
    {
        Paused paused{tools, domain};
        for (std::uint32_t i = 0; i <= info.max_vcpu_id && info.max_vcpu_id != XEN_INVALID_MAX_VCPU_ID; ++i)
            vcpus.push_back(look_at(tools, domain, i));
    }
    Json json;
    json.open('{').key("domid").value(std::uint32_t{domain}).key("name").value(name_of(tools.store, domain));
    json.key("vcpus").open('[');
    for (auto const &v : vcpus)
        if (as_json)
            write(json, v, symbols);
        else
            print(v, symbols);
    json.close(']').close('}');
    if (as_json)
        json.print();
    return 0;
}
