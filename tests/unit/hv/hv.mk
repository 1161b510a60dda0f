# SPDX-License-Identifier: MIT
# The hypervisor's memory code compiled for this machine, 32-bit, with the address and undefined-behaviour sanitizers, over a machine of 256
# frames (tests/unit/hv/machine.cpp).

hv_unit_flags := -m32 -msse2 $(host) -Wno-missing-declarations -Wno-maybe-uninitialized -fsanitize=address,undefined -fno-sanitize-recover=all
hv_unit_objects := $(call objects,$(BUILD)/obj/hv-unit, \
    $(call sources,tests/unit/hv) \
    $(addprefix hv/,frames.cpp buddy.cpp heap.cpp validate.cpp table_entry.cpp mmu_update.cpp mmuext.cpp \
        update_va_mapping.cpp walk.cpp memory_op.cpp exchange.cpp release.cpp check_descriptor.cpp \
        module_reader.cpp domain_list.cpp state.cpp grant_table.cpp grant_pin.cpp maptrack.cpp grant_map.cpp \
        grant_copy.cpp grant_op.cpp domain.cpp vcpu.cpp event.cpp event_op.cpp event_port.cpp) \
    $(addprefix lib/pv/,kernel_image.cpp start_of_day.cpp) lib/format.cpp)
# Catch2's own code is large and not what is tested.
$(BUILD)/obj/hv-unit/tests/unit/hv/main.cpp.o: private hv_unit_flags := -m32 -std=c++20 -O0 -Wall $(includes)
$(eval $(call compile,$(BUILD)/obj/hv-unit,$$(hv_unit_flags)))

$(BUILD)/tests/hv-unit: $(hv_unit_objects)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) $(hv_unit_flags) -o $@ $(filter %.o,$^)

.PHONY: test-unit-hv
test-unit-hv: $(BUILD)/tests/hv-unit ## test the hypervisor's memory code on this machine, and check its model
	@timeout 300 $(BUILD)/tests/hv-unit $(TESTS)
