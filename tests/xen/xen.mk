# SPDX-License-Identifier: MIT
# The original as judge: the same kernel image and the same file system on our
# hypervisor and on Debian's Xen 4.17; the same script must print the same.

.PHONY: test-xen
test-xen: hv guestos-pv-x86 $(BUILD)/xen-test.cpio.gz $(xen_dom0)/dom0.cpio ## compare our hypervisor with a real Xen
	@XEN_DOM0=$(xen_dom0) timeout 900 python3 -B tests/xen/compare.py $(BUILD)

$(BUILD)/xen-test.cpio.gz: $(BUILD)/initrd.cpio.gz tests/xen/init tests/xen/script.sh
	@$(mkcpio) $(initrd_contents) initrd/base --file init=tests/xen/init --file script.sh=tests/xen/script.sh
