# SPDX-License-Identifier: MIT
# The drivers' code that is only memory, compiled for this machine, 32-bit, with the address and undefined-behaviour sanitizers.

drivers_unit := $(BUILD)/obj/drivers-unit
drivers_unit_flags := -m32 -msse2 -O1 -g -std=c++20 -fno-strict-aliasing -DUNIT_TEST $(includes) -Iguestos \
    $(filter-out -Wmissing-declarations,$(warnings)) -fsanitize=address,undefined -fno-sanitize-recover=all
drivers_unit_objects := $(call objects,$(drivers_unit),$(call sources,tests/unit/drivers) \
    guestos/drivers/virtio/split_queue.cpp)
drivers_unit_main := $(call objects,$(BUILD)/obj/drivers-unit-main,tests/support/catch_main.cpp)
$(eval $(call compile,$(BUILD)/obj/drivers-unit-main,-m32 -std=c++20 -O0 -Wall $(includes)))
$(eval $(call compile,$(drivers_unit),$$(drivers_unit_flags)))

$(BUILD)/tests/drivers-unit: $(drivers_unit_objects) $(drivers_unit_main)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) $(drivers_unit_flags) -o $@ $(filter %.o,$^)

.PHONY: test-unit-drivers
test-unit-drivers: $(BUILD)/tests/drivers-unit ## test virtqueues on this machine, against devices good and hostile
	@timeout 300 $(BUILD)/tests/drivers-unit $(TESTS)
