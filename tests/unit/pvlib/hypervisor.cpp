// SPDX-License-Identifier: MIT
// As much of a hypervisor as pvlib asks for. It believes nothing: what a real one would refuse is refused here or ends the test.
#include "world.hpp"
#include <arch/irq.hpp>
#include <arch/mmu.hpp>
#include <arch/upcalls.hpp>
#include <cstring>
#include <map>
#include <pv/event_channel.h>
#include <pv/hypercalls.h>
#include <pv/memory.h>
#include <pv/xen.h>

namespace hypervisor {
std::vector<unsigned> sent;
unsigned next_port = 10;
bool refuses_memory = false;
std::uint32_t pages = 0;
unsigned table_limit = 4;
std::vector<gnttab_copy> copies;

namespace {
constexpr std::uint32_t table_machine = 0x9000;  // machine frames of the grant table
unsigned table_frames = 0;
char *table_at[64] = {};  // where the guest has mapped them
std::map<grant_ref_t, int> maps_of_ours;
struct Offer {
    std::uint32_t frame;
    bool writable;
    int maps = 0;
    char *contents = nullptr;  // of a page
};
std::map<std::pair<domid_t, grant_ref_t>, Offer> offers;
struct Mapping {
    std::uint64_t address;
    Offer *offer;
    bool writable;
    char *memory() const { return reinterpret_cast<char *>(static_cast<std::uintptr_t>(address)); }
};
std::map<grant_handle_t, Mapping> handles;
grant_handle_t next_handle = 1;
std::set<std::uint32_t> emptied;  // pages of the linear map that are not there
std::set<unsigned> masked, pending;
std::uint32_t next_machine = 0x20000;

[[noreturn]] void breach(char const *what) { posix::fail("hypervisor.cpp", 0, what); }

int update(std::uint32_t v, Pte entry)
{
    auto frame = entry.frame().raw();
    if (entry.present() && frame >= table_machine && frame < table_machine + 64) {
        if (frame - table_machine >= table_frames)
            return -static_cast<int>(Error::inval);
        table_at[frame - table_machine] = reinterpret_cast<char *>(v);
        return 0;
    }
    if (entry.present())
        emptied.erase(v);
    else
        emptied.insert(v);
    return 0;
}
}  // namespace

grant_entry_v1 &entry(grant_ref_t r)
{
    if (r / 512 >= table_frames || !table_at[r / 512])
        breach("a reference beyond the table");
    return reinterpret_cast<grant_entry_v1 *>(table_at[r / 512])[r % 512];
}

bool map_ours(grant_ref_t r, domid_t by, bool write)
{
    auto &e = entry(r);
    if ((e.flags & GTF_type_mask) != GTF_permit_access || e.domid != by || (write && (e.flags & GTF_readonly)))
        return false;
    ++maps_of_ours[r];
    e.flags = static_cast<std::uint16_t>(e.flags | GTF_reading | (write ? GTF_writing : 0));
    return true;
}

void unmap_ours(grant_ref_t r)
{
    if (--maps_of_ours[r] == 0)
        entry(r).flags = static_cast<std::uint16_t>(entry(r).flags & ~(GTF_reading | GTF_writing));
}

void offer(domid_t d, grant_ref_t r, std::uint32_t frame, bool writable) { offers[{d, r}] = {frame, writable}; }

void offer_page(domid_t d, grant_ref_t r, char *contents, bool writable)
{
    static std::uint32_t frame = 0x80000;
    offers[{d, r}] = {frame++, writable, 0, contents};
}

char *mapped_at(domid_t d, grant_ref_t r)
{
    auto wanted = offers.find({d, r});
    for (auto const &[handle, m] : handles)
        if (wanted != offers.end() && m.offer == &wanted->second)
            return m.memory();
    return nullptr;
}

std::uint32_t mapped_foreign() { return static_cast<std::uint32_t>(handles.size()); }

void send(unsigned port)
{
    pending.insert(port);
    if (masked.count(port))
        return;
    pending.erase(port);
    TrapFrame frame{};
    kernel::on_irq(arch::Line{static_cast<std::uint16_t>(port)}, frame);
}

namespace {
int setup(gnttab_setup_table &op)
{
    op.status = GNTST_general_error;
    if (op.dom != DOMID_SELF || op.nr_frames > table_limit)
        return 0;
    table_frames = std::max(table_frames, op.nr_frames);
    for (unsigned i = 0; i < op.nr_frames; ++i)
        op.frame_list[i] = table_machine + i;
    op.status = GNTST_okay;
    return 0;
}

void map(gnttab_map_grant_ref &op)
{
    auto found = offers.find({op.dom, op.ref});
    auto v = static_cast<std::uint32_t>(op.host_addr);
    if (op.flags & GNTMAP_contains_pte)
        breach("no test maps by entry");
    if (!emptied.count(v))
        breach("a grant is mapped over a page that is there");
    if (found == offers.end()) {
        op.status = GNTST_bad_gntref;
    } else if (!(op.flags & GNTMAP_readonly) && !found->second.writable) {
        op.status = GNTST_permission_denied;
    } else {
        op.handle = next_handle++;
        op.dev_bus_addr = std::uint64_t{found->second.frame} << page_shift;
        op.status = GNTST_okay;
        ++found->second.maps;
        auto &m = handles[op.handle] = {op.host_addr, &found->second, (op.flags & GNTMAP_readonly) == 0};
        emptied.erase(v);
        if (m.offer->contents)
            std::memcpy(m.memory(), m.offer->contents, page_size);
    }
}

void unmap(gnttab_unmap_grant_ref &op)
{
    auto found = handles.find(op.handle);
    if (found == handles.end() || found->second.address != op.host_addr)
        breach("unmapping what is not mapped");
    auto &m = found->second;
    if (m.writable && m.offer->contents)
        std::memcpy(m.offer->contents, m.memory(), page_size);
    --m.offer->maps;
    emptied.insert(static_cast<std::uint32_t>(op.host_addr));
    handles.erase(found);
    op.status = GNTST_okay;
}

void copy(gnttab_copy &op)
{
    copies.push_back(op);
    bool in_page = op.source.offset + op.len <= static_cast<int>(page_size)
        && op.dest.offset + op.len <= static_cast<int>(page_size);
    op.status = in_page ? GNTST_okay : GNTST_bad_copy_arg;
    auto foreign = op.flags & GNTCOPY_source_gref ? op.source : op.dest;
    auto found = offers.find({foreign.domid, foreign.u.ref});
    if (found == offers.end())
        op.status = GNTST_bad_gntref;
    else if (op.status == GNTST_okay && found->second.contents && (op.flags & GNTCOPY_source_gref))
        std::memcpy(static_cast<char *>(arch::Mmu::frame_ptr(arch::Mmu::to_pseudo(Mfn{op.dest.u.gmfn}))) + op.dest.offset,
                    found->second.contents + op.source.offset, op.len);
}

int grant_op(unsigned command, void *p, unsigned count)
{
    for (unsigned i = 0; i < count; ++i) {
        switch (command) {
        case GNTTABOP_setup_table: setup(static_cast<gnttab_setup_table *>(p)[i]); break;
        case GNTTABOP_query_size:
            static_cast<gnttab_query_size *>(p)[i] = {DOMID_SELF, table_frames, table_limit, 0};
            break;
        case GNTTABOP_map_grant_ref: map(static_cast<gnttab_map_grant_ref *>(p)[i]); break;
        case GNTTABOP_unmap_grant_ref: unmap(static_cast<gnttab_unmap_grant_ref *>(p)[i]); break;
        case GNTTABOP_copy: copy(static_cast<gnttab_copy *>(p)[i]); break;
        default: return -static_cast<int>(Error::nosys);
        }
    }
    return 0;
}

int memory(unsigned command, xen_memory_reservation &r)
{
    for (unsigned i = 0; i < r.nr_extents; ++i) {
        if (command == XENMEM_decrease_reservation) {
            auto f = arch::Mmu::to_pseudo(Mfn{r.extent_start[i]});
            if (!emptied.count(vaddr_of(arch::Mmu::frame_ptr(f)).raw()))
                breach("memory is given back while it is mapped");
            --pages;
        } else if (command == XENMEM_populate_physmap) {
            if (refuses_memory)
                return static_cast<int>(i);
            r.extent_start[i] = next_machine++;
            ++pages;
        } else {
            return -static_cast<int>(Error::nosys);
        }
    }
    return static_cast<int>(r.nr_extents);
}

int events(unsigned command, void *p)
{
    switch (command) {
    case EVTCHNOP_alloc_unbound: static_cast<evtchn_alloc_unbound *>(p)->port = next_port++; return 0;
    case EVTCHNOP_bind_interdomain: static_cast<evtchn_bind_interdomain *>(p)->local_port = next_port++; return 0;
    case EVTCHNOP_send: sent.push_back(static_cast<evtchn_send *>(p)->port); return 0;
    case EVTCHNOP_close: return 0;
    default: return -static_cast<int>(Error::nosys);
    }
}
}  // namespace
}  // namespace hypervisor

extern "C" int fake_hypercall(unsigned n, unsigned a, unsigned b, unsigned c, unsigned d, unsigned e);
int fake_hypercall(unsigned n, unsigned a, unsigned b, unsigned c, unsigned d, unsigned)
{
    using namespace hypervisor;
    auto pointer = [](unsigned v) { return reinterpret_cast<void *>(v); };
    switch (n) {
    case __HYPERVISOR_multicall:
        for (unsigned i = 0; i < b; ++i) {
            auto &call = static_cast<multicall_entry *>(pointer(a))[i];
            call.result = static_cast<xen_ulong_t>(
                fake_hypercall(call.op, call.args[0], call.args[1], call.args[2], call.args[3], call.args[4]));
        }
        return 0;
    case __HYPERVISOR_update_va_mapping: return update(a, Pte{b | std::uint64_t{c} << 32});
    case __HYPERVISOR_grant_table_op: return grant_op(a, pointer(b), c);
    case __HYPERVISOR_memory_op: return memory(a, *static_cast<xen_memory_reservation *>(pointer(b)));
    case __HYPERVISOR_event_channel_op: return events(a, pointer(b));
    default: static_cast<void>(d); return -static_cast<int>(Error::nosys);
    }
}

namespace arch {
void irq_mask(Line l) { hypervisor::masked.insert(l.raw()); }
void irq_unmask(Line l)
{
    hypervisor::masked.erase(l.raw());
    if (hypervisor::pending.count(l.raw()))
        hypervisor::send(l.raw());
}
}  // namespace arch
