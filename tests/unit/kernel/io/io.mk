# SPDX-License-Identifier: MIT
# The terminal's line discipline compiled for this machine, 32-bit, with the address and undefined-behaviour sanitizers; this
# machine's own terminals are the oracle.

io_unit := $(BUILD)/obj/io-unit
io_unit_flags := -m32 -msse2 -O1 -g -std=c++20 -fno-strict-aliasing $(includes) -Iguestos -Itests/unit/kernel/io \
    $(filter-out -Wmissing-declarations,$(warnings)) -fsanitize=address,undefined -fno-sanitize-recover=all
io_unit_objects := $(call objects,$(io_unit),$(call sources,tests/unit/kernel/io) \
    guestos/kernel/tty/line_input.cpp guestos/kernel/tty/line_output.cpp)
# Catch2's own code is large and not what is tested.
io_unit_main := $(call objects,$(BUILD)/obj/io-unit-main,tests/support/catch_main.cpp)
$(eval $(call compile,$(BUILD)/obj/io-unit-main,-m32 -std=c++20 -O0 -Wall $(includes)))
$(eval $(call compile,$(io_unit),$$(io_unit_flags)))

$(BUILD)/tests/io-unit: $(io_unit_objects) $(io_unit_main)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) $(io_unit_flags) -o $@ $(filter %.o,$^)

.PHONY: test-unit-io
test-unit-io: $(BUILD)/tests/io-unit ## test the terminal's line discipline on this machine, Linux as oracle
	@timeout 300 $(BUILD)/tests/io-unit $(TESTS)
