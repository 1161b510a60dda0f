// SPDX-License-Identifier: MIT
// CONTRACT kernel -> arch: interrupts. A Line is an interrupt controller's pin natively, an event channel under pv.
#pragma once
#include <concepts>
#include <irq_flags_impl.hpp>  // arch/$(ARCH): defines arch::IrqFlags
#include <lib/addr.hpp>
#include <lib/result.hpp>

namespace arch {
// clang-format off
template <class F>
concept IrqFlagsContract = requires
{
    { F::enabled() } -> std::same_as<bool>;
    { F::enable() } -> std::same_as<void>;  // delivers what became pending meanwhile
    { F::disable() } -> std::same_as<void>;
    { F::wait_enabled() } -> std::same_as<void>;  // enable and sleep, with no window between
};
// clang-format on
static_assert(IrqFlagsContract<IrqFlags>);

class [[nodiscard]] IrqGuard {  // the only way kernel/ turns interrupts off
public:
    IrqGuard() : was_on_{IrqFlags::enabled()} { IrqFlags::disable(); }
    ~IrqGuard()
    {
        if (was_on_)
            IrqFlags::enable();
    }
    IrqGuard(IrqGuard const &) = delete;
    IrqGuard &operator=(IrqGuard const &) = delete;

private:
    bool was_on_;
};

using Line = Number<struct LineTag, std::uint16_t>;
void irq_init();
void irq_mask(Line);
void irq_unmask(Line);
void irq_end(Line);  // arch/ itself, after the handler: end of interrupt natively; under pv of a level interrupt only
}  // namespace arch
