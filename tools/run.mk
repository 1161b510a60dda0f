# SPDX-License-Identifier: MIT
# Starting what was built.  The guest's console is this terminal; ^A x ends
# QEMU, ^C goes to the guest.
#
# QEMU's status: 0 after `poweroff` in the guest (ACPI), otherwise the
# hypervisor ended the machine through isa-debug-exit: a crash.

ARGS   ?=
MEMORY ?= 256
# Domain 0 where it has others beside it.
DOM0        ?= $(BUILD)/dom0.cpio
DOM0_MEMORY ?= 80
ACCEL  ?= tcg
# NET=0: without a network. FORWARD="8080:80 2222:22": connections to those ports of 127.0.0.1 reach the
# guest's, and of domain 0, if there is one; with "8080-10.0.2.16:80" those of the machine with that address. Nothing else
# leaves the machine or comes in (restrict=on).
NET     ?= 1
FORWARD ?=

escaped  = $(subst $(comma),$(comma)$(comma),$(1))

# Neither the hypervisor nor the native kernel switches AVX state. Programs that look only at the processor (cksum does) would
# use it all the same, so the processor has none.
CPU = $(if $(filter kvm,$(ACCEL)),host,max),-avx

qemu = qemu-system-x86_64 -accel $(ACCEL) -cpu $(CPU) -smp 1 -m $(MEMORY) \
    -nodefaults -display none -serial mon:stdio -no-reboot \
    -device isa-debug-exit,iobase=0xf4,iosize=0x04 $(QEMU_ARGS)

forwards   = $(foreach f,$(FORWARD),$(comma)hostfwd=tcp:127.0.0.1:$(if $(findstring -,$(f)),$(f),$(subst :,-:,$(f))))
network    = $(if $(filter 1,$(NET)),-netdev user$(comma)id=net0$(comma)restrict=on$(subst $() ,,$(forwards)) \
    -device virtio-net-pci$(comma)netdev=net0$(comma)disable-legacy=on$(comma)romfile=)
net_argument = $(if $(filter 1,$(NET)),LODGER_NET=dhcp )
guest_args   = $(net_argument)$(ARGS)

pv_boot     = -kernel $(BUILD)/hv.elf \
    -initrd "$(BUILD)/guestos-pv-x86.elf $(call escaped,$(ARGS)),$(BUILD)/initrd.cpio.gz"
# Domain 0 with the control plane; what follows "--" is its first guest's command line. Of 256 MB it leaves room for that. Each of
# the two asks for an address: the guest's packets pass domain 0's bridge.
dom0_args    = dom0_mem=$(DOM0_MEMORY)M
domains_boot = -kernel $(BUILD)/hv.elf -append "$(dom0_args)" \
    -initrd "$(BUILD)/guestos-pv-x86.elf $(net_argument)quiet -- $(call escaped,$(guest_args)),$(DOM0)"
native_boot = -kernel $(BUILD)/guestos-x86.elf -initrd $(BUILD)/initrd.cpio.gz -append "$(ARGS)"

.PHONY: run run-dom0 run-native run-iso run-bochs run-xen gdb gdb-native iso

run: hv guestos-pv-x86 initrd ## boot to the shell of an unprivileged domain, in QEMU; Ctrl-] leaves it for domain 0's
	@$(qemu) $(network) $(domains_boot)

run-dom0: ARGS := $(guest_args)
run-dom0: hv guestos-pv-x86 initrd ## boot to domain 0's shell, without other domains
	@$(qemu) $(network) $(pv_boot)

run-native: ARGS := $(guest_args)
run-native: guestos-x86 initrd ## boot the same kernel on the bare machine, in QEMU
	@$(qemu) $(network) $(native_boot)

run-iso: iso ## boot the CD, in QEMU
	@$(qemu) -cdrom $(BUILD)/lodger.iso

run-bochs: iso ## boot the CD in Bochs, which enforces segment limits
	@tools/run-bochs --memory $(MEMORY) $(BUILD)/lodger.iso

run-xen: guestos-pv-x86 initrd xen-dom0 ## boot the guest under Debian's own Xen, in QEMU
	@XEN_DOM0=$(xen_dom0) tools/xen-boot --memory $(MEMORY) --timeout 0 \
	    $(BUILD)/guestos-pv-x86.elf $(BUILD)/initrd.cpio.gz "$(ARGS)"

# --- the boot CD: GRUB, multiboot 2 ------------------------------------------

iso: $(BUILD)/lodger.iso ## build a boot CD with GRUB, build/lodger.iso
$(BUILD)/lodger.iso: $(BUILD)/hv.elf $(BUILD)/guestos-pv-x86.elf $(BUILD)/dom0.cpio tools/make-iso
	@echo '  ISO   $@'
	@tools/make-iso $@ "$(dom0_args)" "quiet -- $(ARGS)" $(filter-out tools/%,$^)

# --- debugging ----------------------------------------------------------------

# gdb knows the hypervisor, the kernel (both have debug information) and, by
# its sections only, busybox: Debian strips it.  The 32-bit QEMU describes a
# 32-bit processor to gdb.
GDB_PORT  ?= 1234
gdb_script = -ex 'target remote :$(GDB_PORT)' -ex 'set disassemble-next-line auto'
gdb_qemu   = $(subst qemu-system-x86_64,qemu-system-i386,$(qemu:mon:stdio=file:$(BUILD)/gdb-console.log)) \
    -S -gdb tcp::$(GDB_PORT)

gdb: hv guestos-pv-x86 initrd ## boot in QEMU, stopped, with gdb attached (console in build/gdb-console.log)
	@$(gdb_qemu) $(pv_boot) & \
	 qemu=$$!; trap 'kill $$qemu 2>/dev/null' EXIT; \
	 gdb -q $(BUILD)/hv.elf -ex 'add-symbol-file $(BUILD)/guestos-pv-x86.elf' \
	     -ex 'add-symbol-file $(BUILD)/root/bin/busybox' $(gdb_script)

gdb-native: guestos-x86 initrd ## the same for the kernel on the bare machine
	@$(gdb_qemu) $(native_boot) & \
	 qemu=$$!; trap 'kill $$qemu 2>/dev/null' EXIT; \
	 gdb -q $(BUILD)/guestos-x86.elf -ex 'add-symbol-file $(BUILD)/root/bin/busybox' $(gdb_script)
