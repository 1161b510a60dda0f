# SPDX-License-Identifier: MIT
# A real Xen as judge.  Debian's Xen 4.17 with a Debian Linux as domain 0 runs
# inside QEMU; our image is a guest of its PV shim, which supports 32-bit PV.
# What domain 0 needs fits in one initial file system, and no disk:
#
#   build/xen-dom0/xen.elf  vmlinuz  dom0.cpio      used by tools/xen-boot

xen_dom0 := $(BUILD)/xen-dom0
xen_debs := $(patsubst %,$(debs)/%_amd64.deb, \
    busybox-static linux-image-amd64 xen-hypervisor-4.17-amd64 xen-utils-4.17 xenstore-utils grub-xen-host \
    libxencall1 libxenevtchn1 libxenforeignmemory1 libxengnttab1 libxenmisc4.17 libxenstore4 \
    libxentoollog1 libxentoolcore1 libxendevicemodel1 libxenhypfs1 libyajl2 libuuid1 zlib1g \
    liblzma5 libzstd1 libgcc-s1 libc6)

$(xen_debs) &: | $(deps)
	@tools/fetch-debs $(patsubst $(debs)/%_amd64.deb,%,$(xen_debs))

# What of the packages goes into domain 0's file system.
xen_programs := xl xenstored xenconsoled xenconsole xen-init-dom0 libxl-save-helper
xen_modules  := xen-privcmd xenfs/xenfs xen-evtchn xen-gntdev xen-gntalloc
dom0_files    = bin/busybox usr/bin/xenstore-read usr/lib/xen-4.17/boot/xen-shim \
    $(addprefix usr/lib/xen-4.17/bin/,$(xen_programs)) \
    $(patsubst %,lib/modules/*/kernel/drivers/xen/%.ko,$(xen_modules)) \
    lib64 lib/x86_64-linux-gnu/*.so* usr/lib/x86_64-linux-gnu/*.so*

.PHONY: xen-dom0
xen-dom0: $(xen_dom0)/dom0.cpio ## build Debian's Xen and a domain 0 for it, build/xen-dom0
$(xen_dom0)/dom0.cpio: $(xen_debs) tools/xen/init tools/xen.mk
	@echo '  XEN   $@'
	@rm -rf $(@D) && mkdir -p $(@D)/all $(@D)/root/etc/xen
	@tools/fetch-debs $$(dpkg-deb -f $(debs)/linux-image-amd64_amd64.deb Depends | sed 's/ .*//')
	@for deb in $(xen_debs) $(debs)/$$(dpkg-deb -f $(debs)/linux-image-amd64_amd64.deb Depends | sed 's/ .*//')_amd64.deb; do \
	    dpkg-deb -x $$deb $(@D)/all || exit 1; done
	@zcat $(@D)/all/boot/xen-4.17-amd64.gz >$(@D)/xen.elf
	@cp $(@D)/all/boot/vmlinuz-* $(@D)/vmlinuz
	@cp $(@D)/all/usr/lib/grub-xen/grub-i386-xen.bin $(@D)/grub-i386-xen.bin
	@cd $(@D)/all && cp -a --parents $(dom0_files) ../root/
	@cp tools/xen/init $(@D)/root/init
	@mkdir -p $(addprefix $(@D)/root/,dev proc sys run tmp var/log/xen)
	@cd $(@D)/root && find . | sort | cpio -o -H newc -R 0:0 --quiet >../dom0.cpio.new
	@rm -rf $(@D)/all $(@D)/root
	@mv $@.new $@
