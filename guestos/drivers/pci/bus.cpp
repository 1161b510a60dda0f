// SPDX-License-Identifier: MIT
// Which functions there are: every device of bus 0, every function of a device with several, and the buses behind bridges,
// which the firmware has numbered. PCI-to-PCI Bridge Architecture Specification 1.2, 3.2.
#include <drivers/pci/pci.hpp>
#include <kernel/log.hpp>

namespace pci {
namespace {
constexpr unsigned max_functions = 64;
constexpr std::uint8_t several_functions = 0x80, is_bridge = 1, type_mask = 0x7f;
constexpr std::uint16_t nobody = 0xffff;

constinit Function functions[max_functions]{};
constinit unsigned found = 0;
constinit bool walked = false;

class Walk {
public:
    void bus(std::uint8_t number)
    {
        if (seen_[number / 32] >> number % 32 & 1)
            return;  // a bridge that leads back
        seen_[number / 32] |= 1u << number % 32;
        for (unsigned device = 0; device < 32; ++device)
            this->device(number, device);
    }

private:
    void device(std::uint8_t bus, unsigned device)
    {
        Function first{bus, device << 3};
        if (first.vendor() == nobody)
            return;
        unsigned n = first.read8(header_type) & several_functions ? 8 : 1;
        for (unsigned i = 0; i < n; ++i)
            function({bus, device << 3 | i});
    }
    void function(Function const &f)
    {
        if (f.vendor() == nobody)
            return;
        if (found < max_functions)
            functions[found++] = f;
        else
            kernel::log("<4>pci: more than %u functions; %02x:%02x.%u is left out\n", max_functions, f.bus,
                        f.devfn >> 3, f.devfn & 7u);
        if ((f.read8(header_type) & type_mask) == is_bridge)
            bus(f.read8(secondary_bus));  // at most once for each of the 256 buses
    }
    std::uint32_t seen_[8] = {};
};
}  // namespace

void for_each(void (*f)(void *context, Function &), void *context)
{
    if (!walked && arch::claim_devices()) {
        Walk walk;
        walk.bus(0);
    }
    walked = true;
    for (unsigned i = 0; i < found; ++i)
        f(context, functions[i]);
}
}  // namespace pci
