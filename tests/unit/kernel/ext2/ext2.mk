# SPDX-License-Identifier: MIT
# The block layer, the page cache and ext2 compiled for this machine, 32-bit, with the address and undefined-behaviour sanitizers,
# over disks in memory. e2fsprogs is the judge. What takes long is `make soak-ext2`.

ext2_unit := $(BUILD)/obj/ext2-unit
ext2_unit_flags := -m32 -msse2 -O1 -g -std=c++20 -fno-strict-aliasing -DUNIT_TEST $(includes) -Iguestos \
    -Itests/unit/kernel/memory/fake -Iguestos/arch/x86-common -Itests/unit/kernel/ext2 \
    $(filter-out -Wmissing-declarations,$(warnings)) -Wno-maybe-uninitialized \
    -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all
ext2_unit_objects := $(call objects,$(ext2_unit),$(call sources,tests/unit/kernel/ext2 guestos/kernel/fs/ext2) \
    $(addprefix guestos/kernel/memory/,frames.cpp region.cpp address_space.cpp fault.cpp fork.cpp maps.cpp protect.cpp \
        remap.cpp page_cache.cpp page_io.cpp page_tree.cpp reclaim.cpp user.cpp) \
    $(addprefix guestos/kernel/block/,block_device.cpp queued_disk.cpp disk_pages.cpp block_pages.cpp partition_table.cpp) \
    $(addprefix guestos/kernel/fs/,regular_file.cpp direct_file.cpp) \
    guestos/arch/x86-common/page_tables.cpp lib/inflate.cpp)
$(eval $(call compile,$(ext2_unit),$$(ext2_unit_flags)))

$(BUILD)/tests/ext2-unit: $(ext2_unit_objects) $(call objects,$(BUILD)/obj/memory-unit-main,tests/support/catch_main.cpp lib/format.cpp)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) $(ext2_unit_flags) -o $@ $(filter %.o,$^)

.PHONY: test-unit-ext2 soak-ext2
test-unit-ext2: $(BUILD)/tests/ext2-unit ## test block layer and ext2 on this machine: operations, crashes, damaged images
	@timeout 900 $(BUILD)/tests/ext2-unit $(or $(TESTS),~[long])
soak-ext2: $(BUILD)/tests/ext2-unit ## the same for hours: a million operations, every crash point, thousands of damaged images
	@timeout 20000 $(BUILD)/tests/ext2-unit [long]
