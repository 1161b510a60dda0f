// SPDX-License-Identifier: MIT
// What all split devices have in common: their own state, the other's, giving up, and how a ring is announced.
#include <bit>
#include <cstdarg>
#include <kernel/log.hpp>
#include <lib/format.hpp>
#include <pvlib/device/bus.hpp>

namespace xenbus {
namespace {
State state_of(Result<std::uint32_t> const &number)
{
    return number.ok() && number.value() <= XenbusStateReconfigured ? static_cast<State>(number.value()) : State::unknown;
}

struct RingNode {
    char name[32];
    RingNode(char const *base, unsigned page) { format(name, sizeof name, "%s%u", base, page); }
};
}  // namespace

// To write into a folder that the toolstack has just removed would make it again, half a device that nobody takes away.
void Device::switch_to(State to)
{
    if (state_ == to)
        return;
    state_ = to;
    auto written = transact([this, to](Tx tx) -> Result<> {
        TRY(xenbus::read({folder_, "state"}, tx));
        return write("state", static_cast<std::uint32_t>(to), tx);
    });
    if (!written.ok() && written.error() != Error::noent)
        kernel::log("<3>%s: cannot write its state: error %d", folder_, to_errno(written));
}

void Device::other_changed(void *context, std::string_view)
{
    kernel::Ref<Device> self{static_cast<Device *>(context)};
    self->other_state_ = state_of(self->other_number("state"));
    self->other_end_changed(self->other_state_);
}

void Device::fail(Error error, char const *text, ...)
{
    if (failed_)
        return;
    failed_ = give_up_due_ = true;
    char why[128], value[160], node[path_size + 8];
    std::va_list arguments;
    va_start(arguments, text);
    vformat(why, sizeof why, text, arguments);
    va_end(arguments);
    kernel::log("<3>%s: %s: error %d", folder_, why, static_cast<int>(error));
    format(value, sizeof value, "%d %s", -static_cast<int>(error), why);
    format(node, sizeof node, "error/%s", folder_);
    (void)xenbus::write({node, "error"}, value);  // the toolstack's to read; the log has it anyway
    Bus::fail_devices();
}

void Device::fail_soon(char const *text)
{
    complaint_ = text;
    Bus::fail_devices();
}

Result<> write_ring(Device const &d, pv::GrantedPages const &pages, Tx tx, char const *name)
{
    if (pages.count() == 1)
        return d.write(name, pages.ref(0), tx);
    TRY(d.write("ring-page-order", static_cast<std::uint32_t>(std::countr_zero(pages.count())), tx));
    for (unsigned i = 0; i < pages.count(); ++i)
        TRY(d.write(RingNode{name, i}.name, pages.ref(i), tx));
    return {};
}

Result<unsigned> read_ring(Device const &d, grant_ref_t *refs, unsigned most, char const *name)
{
    auto order = d.other_number("ring-page-order");
    if (!order.ok() && order.error() != Error::noent)
        return order.error();
    if (!order.ok()) {
        refs[0] = TRY(d.other_number(name));
        return 1u;
    }
    if (order.value() > 5 || 1u << order.value() > most)
        return Error::inval;
    for (unsigned i = 0; i < 1u << order.value(); ++i)
        refs[i] = TRY(d.other_number(RingNode{name, i}.name));
    return 1u << order.value();
}
}  // namespace xenbus
