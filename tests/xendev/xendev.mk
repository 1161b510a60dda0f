# SPDX-License-Identifier: MIT
# /dev/xen: one program that runs as domain 0 of our hypervisor and as a guest of Debian's Xen.

xendev_flags   := -m32 -O1 -g -std=c++20 $(warnings) -Wno-sign-compare -Wno-shadow $(includes)
xendev_objects := $(call objects,$(BUILD)/obj/xendev,$(call sources,tests/xendev) tests/posix/main.cpp)
$(eval $(call compile,$(BUILD)/obj/xendev,$(xendev_flags)))

$(BUILD)/xendev/xendev-tests: $(xendev_objects)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) -m32 -static -s -o $@ $(filter %.o,$^)

.PHONY: test-xendev
test-xendev: $(BUILD)/xendev/xendev-tests hv guestos-pv-x86 initrd $(BUILD)/lodger ## test /dev/xen in domain 0 of our hypervisor
	@timeout 400 $(BUILD)/lodger run --timeout 350 -- $(BUILD)/xendev/xendev-tests evtchn privcmd grant
