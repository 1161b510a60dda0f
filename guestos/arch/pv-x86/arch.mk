# SPDX-License-Identifier: MIT
# What the paravirtual port links besides the kernel: the guest's side of the hypercalls, front ends, and for domain 0 the
# drivers of real devices.
arch_sources := $(call sources,guestos/pvlib) \
    $(call sources,guestos/drivers/pci guestos/drivers/virtio guestos/drivers/xendev \
        guestos/drivers/control guestos/drivers/balloon guestos/drivers/netfront guestos/drivers/netback \
        guestos/drivers/blkfront guestos/drivers/blkback) \
    $(wildcard guestos/drivers/*.cpp)
