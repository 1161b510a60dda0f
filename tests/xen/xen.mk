# SPDX-License-Identifier: MIT
# The original as judge: the same kernel image and the same file system on our
# hypervisor and on Debian's Xen 4.17; the same script must print the same.

.PHONY: test-xen
test-xen: hv guestos-pv-x86 $(BUILD)/xen-test.cpio.gz $(xen_dom0)/dom0.cpio ## compare our hypervisor with a real Xen
	@XEN_DOM0=$(xen_dom0) timeout 900 python3 -B tests/xen/compare.py $(BUILD)

$(BUILD)/xen-test.cpio.gz: $(BUILD)/initrd.cpio.gz tests/xen/init tests/xen/script.sh
	@$(mkcpio) $(initrd_contents) initrd/base --file init=tests/xen/init --file script.sh=tests/xen/script.sh

# Devices: what guest and domain 0 do together.
xen_clients_debs := $(patsubst %,$(debs)/bullseye/%_i386.deb,xenstore-utils libxenstore3.0 libxentoolcore1)

$(xen_clients_debs) &: | $(deps)
	@tools/fetch-debs --suite bullseye $(patsubst $(debs)/bullseye/%_i386.deb,%:i386,$(xen_clients_debs))

# Debian's own clients for i386, the last that there are, with what they are linked with.
$(BUILD)/xen-clients.unpacked: $(xen_clients_debs) $(debs)/libc6_i386.deb $(debs)/libgcc-s1_i386.deb
	@rm -rf $(@:.unpacked=) && mkdir -p $(@:.unpacked=)
	@for deb in $^; do dpkg-deb -x $$deb $(@:.unpacked=) || exit 1; done
	@rm -rf $(@:.unpacked=)/usr/share $(@:.unpacked=)/usr/lib/i386-linux-gnu/gconv
	@touch $@

$(BUILD)/xendev/peer: tests/xen/peer.cpp | $(deps)
	@mkdir -p $(@D)
	@$(CXX) $(host) -static -s -o $@ $<

# Outside of `make test`: minutes long.
long_suites += test-xen-devices

.PHONY: test-xen-devices
test-xen-devices: hv guestos-pv-x86 $(BUILD)/xen-devices.cpio.gz $(BUILD)/xendev/peer $(xen_dom0)/dom0.cpio ## test Xen's protocols with Debian's Xen, xenstored and Linux
	@XEN_DOM0=$(xen_dom0) timeout 500 python3 -B tests/xen/devices.py $(BUILD)

$(BUILD)/xen-devices.cpio.gz: $(BUILD)/initrd.cpio.gz $(BUILD)/xen-clients.unpacked $(BUILD)/xendev/xendev-tests tests/xen/devices-init
	@$(mkcpio) $(initrd_contents) $(BUILD)/xen-clients initrd/base --file init=tests/xen/devices-init \
	    --file xendev-tests=$(BUILD)/xendev/xendev-tests
