# SPDX-License-Identifier: MIT
# Write-back and reclaim compiled for this machine, with threads that take turns. Each case in a process of its own. No sanitizers: they do
# not follow a program from stack to stack.

pressure_unit := $(BUILD)/obj/pressure-unit
pressure_unit_flags := -m32 -msse2 -O1 -g -std=c++20 -fno-strict-aliasing -DUNIT_TEST -DWITH_WRITE_BACK $(includes) -Iguestos \
    -Itests/unit/kernel/memory/fake -Iguestos/arch/x86-common -Itests/unit/kernel/memory \
    $(filter-out -Wmissing-declarations,$(warnings)) -Wno-maybe-uninitialized
pressure_unit_objects := $(call objects,$(pressure_unit),$(call sources,tests/unit/kernel/pressure) tests/unit/kernel/memory/world.cpp \
    $(addprefix guestos/kernel/memory/,frames.cpp heap.cpp region.cpp address_space.cpp fault.cpp fork.cpp maps.cpp protect.cpp \
        remap.cpp page_cache.cpp page_io.cpp page_tree.cpp reclaim.cpp write_back.cpp user.cpp) \
    guestos/arch/x86-common/page_tables.cpp tests/support/catch_main.cpp lib/format.cpp)
$(eval $(call compile,$(pressure_unit),$$(pressure_unit_flags)))

$(BUILD)/tests/pressure-unit: $(pressure_unit_objects)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) $(pressure_unit_flags) -o $@ $(filter %.o,$^)

.PHONY: test-unit-pressure
test-unit-pressure: $(BUILD)/tests/pressure-unit ## test write-back and reclaim while memory is short, on this machine
	@tests/unit/kernel/pressure/run $<
