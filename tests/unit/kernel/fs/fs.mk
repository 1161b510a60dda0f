# SPDX-License-Identifier: MIT
# The kernel's file system code compiled for this machine, 32-bit, with the address and undefined-behaviour sanitizers; this
# machine's Linux is the oracle for what tmpfs must answer.

fs_unit := $(BUILD)/obj/fs-unit
fs_unit_flags := -m32 -msse2 -O1 -g -std=c++20 -fno-strict-aliasing -DUNIT_TEST $(includes) -Iguestos -Itests/unit/kernel/fs/fake \
    -Iguestos/arch/x86-common -Itests/unit/kernel/fs $(filter-out -Wmissing-declarations,$(warnings)) -Wno-maybe-uninitialized \
    -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all
fs_unit_objects := $(call objects,$(fs_unit),$(call sources,tests/unit/kernel/fs) \
    $(filter-out %/root.cpp,$(wildcard guestos/kernel/fs/*.cpp)) \
    $(addprefix guestos/kernel/memory/,page_cache.cpp page_io.cpp page_tree.cpp reclaim.cpp user.cpp) \
    $(addprefix guestos/kernel/block/,block_device.cpp disk_pages.cpp block_pages.cpp) lib/inflate.cpp)
# Catch2's and stb_sprintf's code is not what is tested.
fs_unit_main := $(call objects,$(BUILD)/obj/fs-unit-main,tests/support/catch_main.cpp lib/format.cpp)
$(eval $(call compile,$(BUILD)/obj/fs-unit-main,-m32 -std=c++20 -O0 -Wall $(includes)))
$(eval $(call compile,$(fs_unit),$$(fs_unit_flags)))

$(BUILD)/tests/fs-unit: $(fs_unit_objects) $(fs_unit_main)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) $(fs_unit_flags) -o $@ $(filter %.o,$^)

.PHONY: test-unit-fs
test-unit-fs: $(BUILD)/tests/fs-unit ## test paths, tmpfs, archives and locks on this machine, Linux as oracle
	@timeout 300 $(BUILD)/tests/fs-unit $(TESTS)
