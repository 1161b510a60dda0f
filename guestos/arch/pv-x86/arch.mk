# SPDX-License-Identifier: MIT
# What the paravirtual port links besides the kernel: the guest's side of the hypercalls, and front ends.
arch_sources := $(call sources,guestos/pvlib)
