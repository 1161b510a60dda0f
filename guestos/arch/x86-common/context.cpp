// SPDX-License-Identifier: MIT
#include <context.hpp>

namespace arch {
extern "C" char fresh_context_start[];  // switch.S

Context *fresh_context(void *stack_top, void (*entry)(void *), void *argument)
{
    auto context = static_cast<Context *>(stack_top) - 1;
    *context = Context{};
    context->ebx = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(entry));
    context->esi = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(argument));
    context->eip = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(fresh_context_start));
    return context;
}
}  // namespace arch
