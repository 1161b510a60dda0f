# SPDX-License-Identifier: MIT
# /dev/xen: one program that runs as domain 0 of our hypervisor, as a guest of it, and as a guest of Debian's Xen.

xendev_flags   := -m32 -O1 -g -std=c++20 $(warnings) -Wno-sign-compare -Wno-shadow $(includes)
xendev_objects := $(call objects,$(BUILD)/obj/xendev,$(call sources,tests/xendev) tests/posix/main.cpp)
$(eval $(call compile,$(BUILD)/obj/xendev,$(xendev_flags)))

$(BUILD)/xendev/xendev-tests: $(xendev_objects)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) -m32 -static -s -o $@ $(filter %.o,$^)

.PHONY: test-xendev
test-xendev: $(BUILD)/xendev/domains.cpio hv guestos-pv-x86 ## test Xen's devices in domain 0 and in guests of our hypervisor
	@timeout 900 python3 -B tests/xendev/domains.py $(BUILD)

$(BUILD)/xendev/peer32: tests/xen/peer.cpp | $(deps)
	@mkdir -p $(@D)
	@$(CXX) -m32 $(host) -static -s -o $@ $<

# What is added to domain 0's file system (its kernel reads one archive after the other).
$(BUILD)/xendev/added.cpio: tests/xen/beside $(BUILD)/xendev/xendev-tests $(BUILD)/xendev/peer32 $(BUILD)/xen-clients.unpacked \
    $(BUILD)/xendev/guest.cpio tests/xendev/lodger.cfg tests/xendev/second.cfg
	@$(mkcpio) $(BUILD)/xen-clients --file guest/beside=tests/xen/beside --file guest/xendev-tests=$(BUILD)/xendev/xendev-tests \
	    --file guest/peer=$(BUILD)/xendev/peer32 --file guest/guest.cpio=$(BUILD)/xendev/guest.cpio \
	    --file guest/lodger.cfg=tests/xendev/lodger.cfg --file guest/second.cfg=tests/xendev/second.cfg
$(BUILD)/xendev/domains.cpio: $(BUILD)/dom0.cpio $(BUILD)/xendev/added.cpio
	@cat $^ >$@
$(BUILD)/xendev/guest.cpio: $(BUILD)/xen-devices.cpio.gz
	@gzip -dc $< >$@
