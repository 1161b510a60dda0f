# SPDX-License-Identifier: MIT
# Tests that boot the machine and use it like a person, in QEMU and Bochs.

boot_flags   := $(host) -DLODGER_SOURCE='"$(CURDIR)"' -DLODGER_BUILD='"$(abspath $(BUILD))"'
boot_objects := $(call objects,$(BUILD)/obj/boot,$(call sources,tests/boot tests/support))
$(eval $(call compile,$(BUILD)/obj/boot,$(boot_flags)))

$(BUILD)/tests/boot/boot: $(boot_objects)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) -o $@ $(filter %.o,$^) -lutil -pthread

.PHONY: test-boot
test-boot: $(BUILD)/tests/boot/boot hv guestos initrd $(BUILD)/lodger $(BUILD)/initrd-test.cpio.gz $(BUILD)/root-busybox.img $(BUILD)/posix/posix-tests ## boot and use the guest like a person, in QEMU and Bochs
	@$(BUILD)/tests/boot/boot --durations yes $(TESTS)
