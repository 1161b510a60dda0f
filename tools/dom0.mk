# SPDX-License-Identifier: MIT
# Domain 0's file systems:
#
#   dom0.cpio      busybox, the control plane, and a first guest (make run)
#   dom0-run.cpio  only what one guest in the foreground needs; build/lodger puts that guest behind it
#
# They are not packed: an emulator loads ten megabytes sooner than a guest unpacks two.

# The kernel without what only a debugger reads; its own table of names stays.
guest_kernel := $(BUILD)/guest-kernel.elf
$(guest_kernel): $(BUILD)/guestos-pv-x86.elf
	@objcopy --strip-all $< $@

$(BUILD)/initrd.cpio: $(BUILD)/initrd.cpio.gz
	@echo '  CPIO  $@'
	@gzip -dc $< >$@.new && mv $@.new $@

control_plane  := xenstored xenconsoled pvctl
dom0_contents   = --file init=$(BUILD)/userland/init --file boot/lodger=$(guest_kernel) \
    --file boot/initrd.cpio=$(BUILD)/initrd.cpio $(foreach p,$(control_plane),--file sbin/$(p)=$(BUILD)/userland/$(p))

$(BUILD)/dom0.cpio: $(BUILD)/root.applets $(guest_kernel) $(BUILD)/initrd.cpio $(base_files) tools/mkcpio \
    $(addprefix $(BUILD)/userland/,init $(control_plane))
	@echo '  CPIO  $@'
	@$(mkcpio) $(dom0_contents) $(BUILD)/root initrd/base initrd/dom0

foreground_programs := xenstored foreground
$(BUILD)/dom0-run.cpio: $(BUILD)/root.applets $(guest_kernel) $(base_files) tools/mkcpio \
    $(addprefix $(BUILD)/userland/,init $(foreground_programs))
	@echo '  CPIO  $@'
	@$(mkcpio) --file init=$(BUILD)/userland/init --file boot/lodger=$(guest_kernel) \
	    $(foreach p,$(foreground_programs),--file sbin/$(p)=$(BUILD)/userland/$(p)) $(BUILD)/root initrd/base

initrd: $(BUILD)/dom0.cpio $(BUILD)/dom0-run.cpio
