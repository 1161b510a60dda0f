# SPDX-License-Identifier: MIT
# The kernel's memory code and exec's parsers compiled for this machine, 32-bit, with the address and undefined-behaviour
# sanitizers, over real page tables that nobody runs on.

memory_unit := $(BUILD)/obj/memory-unit
memory_unit_flags := -m32 -msse2 -O1 -g -std=c++20 -fno-strict-aliasing -DUNIT_TEST $(includes) -Iguestos \
    -Itests/unit/kernel/memory/fake -Iguestos/arch/x86-common -Itests/unit/kernel/memory \
    $(filter-out -Wmissing-declarations,$(warnings)) -Wno-maybe-uninitialized \
    -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all
memory_unit_objects := $(call objects,$(memory_unit),$(call sources,tests/unit/kernel/memory) \
    $(addprefix guestos/kernel/memory/,frames.cpp heap.cpp region.cpp address_space.cpp fault.cpp fork.cpp maps.cpp protect.cpp \
        remap.cpp page_cache.cpp page_io.cpp page_tree.cpp reclaim.cpp user.cpp) \
    $(addprefix guestos/kernel/process/,elf.cpp exec_script.cpp) \
    guestos/arch/x86-common/page_tables.cpp)
# Catch2's and stb_sprintf's code is not what is tested.
memory_unit_main := $(call objects,$(BUILD)/obj/memory-unit-main,tests/support/catch_main.cpp lib/format.cpp)
$(eval $(call compile,$(BUILD)/obj/memory-unit-main,-m32 -std=c++20 -O0 -Wall $(includes)))
$(eval $(call compile,$(memory_unit),$$(memory_unit_flags)))

$(BUILD)/tests/memory-unit: $(memory_unit_objects) $(memory_unit_main)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) $(memory_unit_flags) -o $@ $(filter %.o,$^)

.PHONY: test-unit-memory
test-unit-memory: $(BUILD)/tests/memory-unit ## test frames, heap, address spaces, page cache and exec's parsers on this machine
	@timeout 300 $(BUILD)/tests/memory-unit $(TESTS)
