# SPDX-License-Identifier: MIT
# The Linux i386 ABI, judged by the same program on three kernels: the host's Linux (the oracle), ours natively, ours in ring 1.

posix_flags   := -m32 -O1 -g -std=c++20 $(warnings) -Wno-sign-compare -Wno-infinite-recursion -Wno-shadow $(includes)
posix_objects := $(call objects,$(BUILD)/obj/posix,$(call sources,tests/posix))
$(eval $(call compile,$(BUILD)/obj/posix,$(posix_flags)))

$(BUILD)/posix/posix-tests: $(posix_objects)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) -m32 -static -s -o $@ $(filter %.o,$^) -lutil

.PHONY: test-posix
test-posix: $(BUILD)/posix/posix-tests hv guestos initrd $(BUILD)/lodger ## test the Linux ABI on the host, native and PV
	@tests/posix/run-everywhere $(BUILD)
