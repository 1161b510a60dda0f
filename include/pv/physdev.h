// SPDX-License-Identifier: MIT
// physdev_op(PHYSDEVOP_*, argument): interrupts, I/O ports and PCI devices, for domains with
// devices.
#ifndef PV_PHYSDEV_H
#define PV_PHYSDEV_H

#include "abi.h"

#define PHYSDEVOP_IRQ_UNMASK_NOTIFY  4
#define PHYSDEVOP_irq_status_query   5
#define PHYSDEVOP_set_iopl           6
#define PHYSDEVOP_set_iobitmap       7
#define PHYSDEVOP_apic_read          8  // physdev_apic
#define PHYSDEVOP_apic_write         9  // physdev_apic
#define PHYSDEVOP_alloc_irq_vector   10
#define PHYSDEVOP_free_irq_vector    11
#define PHYSDEVOP_eoi                12
#define PHYSDEVOP_map_pirq           13
#define PHYSDEVOP_unmap_pirq         14
#define PHYSDEVOP_manage_pci_add     15
#define PHYSDEVOP_manage_pci_remove  16
#define PHYSDEVOP_pirq_eoi_gmfn_v1   17
#define PHYSDEVOP_restore_msi        19
#define PHYSDEVOP_manage_pci_add_ext 20
#define PHYSDEVOP_setup_gsi          21
#define PHYSDEVOP_get_free_pirq      23
#define PHYSDEVOP_pci_mmcfg_reserved 24
#define PHYSDEVOP_pci_device_add     25
#define PHYSDEVOP_pci_device_remove  26
#define PHYSDEVOP_restore_msi_ext    27
#define PHYSDEVOP_pirq_eoi_gmfn_v2   28
#define PHYSDEVOP_dbgp_op            29
#define PHYSDEVOP_prepare_msix       30
#define PHYSDEVOP_release_msix       31

#define _XENIRQSTAT_needs_eoi 0
#define XENIRQSTAT_needs_eoi  (1 << _XENIRQSTAT_needs_eoi)
#define _XENIRQSTAT_shared    1
#define XENIRQSTAT_shared     (1 << _XENIRQSTAT_shared)

#define MAP_PIRQ_TYPE_MSI       0x0
#define MAP_PIRQ_TYPE_GSI       0x1
#define MAP_PIRQ_TYPE_UNKNOWN   0x2
#define MAP_PIRQ_TYPE_MSI_SEG   0x3
#define MAP_PIRQ_TYPE_MULTI_MSI 0x4

#define XEN_PCI_MMCFG_RESERVED 0x1
#define XEN_PCI_DEV_EXTFN      0x1
#define XEN_PCI_DEV_VIRTFN     0x2
#define XEN_PCI_DEV_PXM        0x4

#ifndef PV_ASSEMBLY

// The guest has dealt with a level interrupt.
struct physdev_eoi {
    uint32_t irq;
};
PV_STRUCT(physdev_eoi, 4);

// A frame of the guest's where the hypervisor keeps one bit per interrupt: wants an eoi.
struct physdev_pirq_eoi_gmfn {
    xen_pfn_t gmfn;
};
PV_STRUCT(physdev_pirq_eoi_gmfn, 4);

struct physdev_irq_status_query {
    uint32_t irq;
    uint32_t flags;  // XENIRQSTAT_*, given
};
PV_STRUCT(physdev_irq_status_query, 8);

// I/O privilege level of the calling virtual processor; 1 lets the kernel in ring 1 reach its
// ports.
struct physdev_set_iopl {
    uint32_t iopl;
};
PV_STRUCT(physdev_set_iopl, 4);

// One bit per port, set = fault, for ring 3 of the calling virtual processor.
struct physdev_set_iobitmap {
    XEN_GUEST_HANDLE(uint8_t) bitmap;
    uint32_t nr_ports;
};
PV_STRUCT(physdev_set_iobitmap, 8);

// One register of the I/O APIC at that physical address.
struct physdev_apic {
    uint32_t apic_physbase;
    uint32_t reg;
    uint32_t value;
};
PV_STRUCT(physdev_apic, 12);

struct physdev_irq {
    uint32_t irq;
    uint32_t vector;
};
PV_STRUCT(physdev_irq, 8);

// Ties a line (GSI index) or a message interrupt to a pirq: pirq < 0 asks for any, and is then
// given. table_base is the physical address of the MSI-X table (0: plain MSI), entry_nr the entry
// in it.
struct physdev_map_pirq {
    domid_t domid;
    int32_t type;  // MAP_PIRQ_TYPE_*
    int32_t index;
    int32_t pirq;
    int32_t bus;  // bits 16-31: segment, with MSI_SEG
    int32_t devfn;
    int32_t entry_nr;  // MULTI_MSI: how many
    uint64_t table_base;
};
PV_STRUCT(physdev_map_pirq, 36);
PV_OFFSET(physdev_map_pirq, table_base, 28);

struct physdev_unmap_pirq {
    domid_t domid;
    int32_t pirq;
};
PV_STRUCT(physdev_unmap_pirq, 8);

struct physdev_manage_pci {
    uint8_t bus;
    uint8_t devfn;
};
PV_STRUCT(physdev_manage_pci, 2);

struct physdev_restore_msi {
    uint8_t bus;
    uint8_t devfn;
};
PV_STRUCT(physdev_restore_msi, 2);

// Trigger (0 edge, 1 level) and polarity (0 high, 1 low) of a line.
struct physdev_setup_gsi {
    int32_t gsi;
    uint8_t triggering;
    uint8_t polarity;
};
PV_STRUCT(physdev_setup_gsi, 8);

struct physdev_get_free_pirq {
    int32_t type;
    uint32_t pirq;
};
PV_STRUCT(physdev_get_free_pirq, 8);

struct physdev_pci_mmcfg_reserved {
    uint64_t address;
    uint16_t segment;
    uint8_t start_bus;
    uint8_t end_bus;
    uint32_t flags;
};
PV_STRUCT(physdev_pci_mmcfg_reserved, 16);

struct physdev_pci_device {
    uint16_t seg;
    uint8_t bus;
    uint8_t devfn;
};
PV_STRUCT(physdev_pci_device, 4);

// physdev_op_compat: the older calls in one argument.
struct physdev_op {
    uint32_t cmd;
    union {
        struct physdev_irq_status_query irq_status_query;
        struct physdev_set_iopl set_iopl;
        struct physdev_set_iobitmap set_iobitmap;
        struct physdev_apic apic_op;
        struct physdev_irq irq_op;
    } u;
};
PV_STRUCT(physdev_op, 16);

#endif  // PV_ASSEMBLY
#endif  // PV_PHYSDEV_H
