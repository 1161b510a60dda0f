# SPDX-License-Identifier: MIT
# What the native port links besides the kernel: drivers of real devices.
arch_sources := $(call sources,guestos/drivers/pci guestos/drivers/virtio) $(wildcard guestos/drivers/*.cpp)
