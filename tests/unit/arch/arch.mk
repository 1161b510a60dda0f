# SPDX-License-Identifier: MIT
# What both architectures share, compiled for this machine, 32-bit, with sanitizers: page tables over a fake of the MMU contract
# that enforces a hypervisor's rules, signal frames, formats.

arch_unit_flags := -m32 -msse2 $(host) -Itests/unit/arch/fake -Iguestos -Iguestos/arch/x86-common \
    -Wno-missing-declarations -fsanitize=address,undefined -fno-sanitize-recover=all
arch_unit_objects := $(call objects,$(BUILD)/obj/arch-unit, \
    $(sort $(wildcard tests/unit/arch/*.cpp tests/unit/arch/fake/*.cpp)) \
    $(addprefix guestos/arch/x86-common/,page_tables.cpp signal_frame.cpp signal_fpu.cpp))
# Catch2's own code is large and not what is tested.
arch_unit_main := $(call objects,$(BUILD)/obj/arch-unit-main,tests/support/catch_main.cpp)
$(eval $(call compile,$(BUILD)/obj/arch-unit-main,-m32 -std=c++20 -O0 -Wall $(includes)))
$(eval $(call compile,$(BUILD)/obj/arch-unit,$$(arch_unit_flags)))

$(BUILD)/tests/arch-unit: $(arch_unit_objects) $(arch_unit_main)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) $(arch_unit_flags) -o $@ $(filter %.o,$^)

.PHONY: test-unit-arch
test-unit-arch: $(BUILD)/tests/arch-unit ## test page tables, signal frames and formats of the guest on this machine
	@timeout 300 $(BUILD)/tests/arch-unit $(TESTS)
