// SPDX-License-Identifier: MIT
// Message interrupts: the hypervisor writes the entries of MSI-X tables, so that no guest names a vector. PCI Local Bus
// Specification 3.0, 6.8.2; lib/x86/apic.hpp says what a message is.
//
// Domain 0 owns configuration space, and may move a table while we look at it. So a table's place is read once, must be the
// one that the guest claims, and must be memory that the domain could write itself: no RAM, no device of ours.
#include <hv/apic.hpp>
#include <hv/frames.hpp>
#include <hv/map.hpp>
#include <hv/pirq.hpp>
#include <hv/validate.hpp>
#include <lib/x86/apic.hpp>
#include <lib/x86/priv.hpp>

namespace hv {
namespace {

constexpr std::uint16_t config_address = 0xcf8, config_data = 0xcfc;
constexpr unsigned command_status = 0x04, first_bar = 0x10, capabilities = 0x34;
constexpr std::uint32_t answers_memory = 1u << 1, has_capabilities = 1u << 20;
constexpr std::uint32_t msix_id = 0x11, msix_enable = 1u << 31, msix_mask_all = 1u << 30;
constexpr unsigned entry_bytes = 16, most_capabilities = 48;

// One register of a function; the address that the guest left in 0xcf8 stays.
class ConfigRegister {
public:
    ConfigRegister(unsigned bus, unsigned devfn, unsigned offset)
        : address_{1u << 31 | bus << 16 | devfn << 8 | (offset & 0xfc)}
    {
    }
    std::uint32_t read() const
    {
        std::uint32_t guests = x86::inl(config_address);
        x86::outl(config_address, address_);
        std::uint32_t value = x86::inl(config_data);
        x86::outl(config_address, guests);
        return value;
    }
    void write(std::uint32_t value) const
    {
        std::uint32_t guests = x86::inl(config_address);
        x86::outl(config_address, address_);
        x86::outl(config_data, value);
        x86::outl(config_address, guests);
    }

private:
    std::uint32_t address_;
};

struct Function {
    unsigned bus, devfn;
    ConfigRegister at(unsigned offset) const { return {bus, devfn, offset}; }
    // 0: it has no MSI-X. The list is the device's: it may be a circle.
    unsigned find_msix() const
    {
        if (at(0).read() == ~0u || !(at(command_status).read() & has_capabilities))
            return 0;
        unsigned next = at(capabilities).read() & 0xfc;
        for (unsigned i = 0; i < most_capabilities && next >= 0x40; ++i) {
            std::uint32_t header = at(next).read();
            if ((header & 0xff) == msix_id)
                return next;
            next = header >> 8 & 0xfc;
        }
        return 0;
    }
    // 0: not a memory BAR.
    std::uint64_t memory_bar(unsigned number) const
    {
        std::uint32_t low = at(first_bar + 4 * number).read();
        if (low & 1)
            return 0;
        std::uint64_t high = (low & 6) == 4 && number < 5 ? at(first_bar + 4 * number + 4).read() : 0;
        return high << 32 | (low & ~15u);
    }
};

// The four words of an entry; its page is mapped for the moment.
class Entry {
public:
    explicit Entry(MessageSlot const &s)
        : words_{reinterpret_cast<std::uint32_t volatile *>(
            static_cast<char *>(map_device_briefly(to_mfn(Maddr{s.address}))) + page_offset(Maddr{s.address}))}
    {
    }
    void mask() const { words_[3] = words_[3] | 1; }
    void unmask() const { words_[3] = words_[3] & ~1u; }
    void set(std::uint32_t address, std::uint32_t data) const
    {
        words_[0] = address;
        words_[1] = 0;
        words_[2] = data;
    }

private:
    std::uint32_t volatile *words_;
};

}  // namespace

Result<MessageSlot> find_message(physdev_map_pirq const &op)
{
    if (op.bus < 0 || op.bus > 255 || op.devfn < 0 || op.devfn > 255)  // the upper half of bus: a segment; there is one
        return Error::nodev;
    Function f{static_cast<unsigned>(op.bus), static_cast<unsigned>(op.devfn)};
    unsigned msix = f.find_msix();
    if (!msix)
        return Error::nodev;
    std::uint32_t where = f.at(msix + 4).read();
    std::uint32_t entries = (f.at(msix).read() >> 16 & 0x7ff) + 1;
    std::uint64_t table = f.memory_bar(where & 7) + (where & ~7u);
    if ((where & 7) > 5 || table != op.table_base || op.entry_nr < 0 || static_cast<std::uint32_t>(op.entry_nr) >= entries)
        return Error::inval;
    std::uint64_t address = table + static_cast<std::uint32_t>(op.entry_nr) * entry_bytes;
    std::uint64_t frame = address >> page_shift;
    if (!io_frame_allowed(current_domain(), frame) || !is_io(Mfn{static_cast<std::uint32_t>(frame)}))
        return Error::perm;
    if (!(f.at(command_status).read() & answers_memory))
        return Error::nxio;
    return MessageSlot{static_cast<std::uint8_t>(op.bus), static_cast<std::uint8_t>(op.devfn),
                       static_cast<std::uint16_t>(op.entry_nr), address};
}

void arm_message(MessageSlot const &s, unsigned vector)
{
    Entry entry{s};
    entry.mask();
    entry.set(x86::message_address(apic_id()), x86::message_data(vector));
    entry.unmask();
    Function f{s.bus, s.devfn};
    if (unsigned msix = f.find_msix())
        f.at(msix).write((f.at(msix).read() | msix_enable) & ~msix_mask_all);
}

void disarm_message(MessageSlot const &s) { Entry{s}.mask(); }

}  // namespace hv
