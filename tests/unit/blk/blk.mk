# SPDX-License-Identifier: MIT
# Block front end and back end on this machine, 32-bit, with the address and undefined-behaviour sanitizers, each against another end
# that is played by the test: honest, and hostile. Below both the fake hypervisor of tests/unit/pvlib.

blk_unit := $(BUILD)/obj/blk-unit
blk_unit_objects := $(call objects,$(blk_unit),$(call sources,tests/unit/blk) tests/posix/main.cpp \
    $(addprefix tests/unit/pvlib/,world.cpp hypervisor.cpp fake/hypercall_page.S) \
    $(addprefix guestos/pvlib/,device/grant.cpp device/grant_table.cpp device/foreign.cpp device/hollow.cpp reservation.cpp) \
    $(addprefix guestos/drivers/,blkfront/front_disk.cpp blkback/request.cpp blkback/mappings.cpp blkback/server.cpp) \
    $(addprefix guestos/kernel/block/,block_device.cpp queued_disk.cpp) \
    guestos/kernel/memory/frames.cpp guestos/kernel/interrupts.cpp)
$(eval $(call compile,$(blk_unit),$$(pvlib_unit_flags) -Itests/unit/blk))

$(BUILD)/tests/blk-unit: $(blk_unit_objects) $(call objects,$(BUILD)/obj/pvlib-unit-format,lib/format.cpp)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) $(pvlib_unit_flags) -o $@ $(filter %.o,$^) -lpthread

.PHONY: test-unit-blk
test-unit-blk: $(BUILD)/tests/blk-unit ## test block front end and back end on this machine, against honest and hostile other ends
	@ASAN_OPTIONS=detect_leaks=0 timeout 300 $(BUILD)/tests/blk-unit $(TESTS)
