# SPDX-License-Identifier: MIT
# xenstored's core on this machine, 32-bit, with the address and undefined-behaviour sanitizers: its rules, a model, hostile clients.

xenstored_unit := $(BUILD)/obj/xenstored-unit
xenstored_unit_flags := -m32 -msse2 $(host) -O1 -Wno-missing-declarations -fsanitize=address,undefined -fno-sanitize-recover=all \
    -D_GLIBCXX_ASSERTIONS
xenstored_unit_objects := $(call objects,$(xenstored_unit),$(call sources,tests/unit/userland/xenstored) \
    $(filter-out %/main.cpp %/server.cpp %/xen_machine.cpp %/sockets.cpp,$(call sources,userland/xenstored)))
# Catch2's own code is large and not what is tested.
xenstored_unit_main := $(call objects,$(BUILD)/obj/xenstored-unit-main,tests/support/catch_main.cpp)
$(eval $(call compile,$(BUILD)/obj/xenstored-unit-main,-m32 -std=c++20 -O0 -Wall $(includes)))
$(eval $(call compile,$(xenstored_unit),$$(xenstored_unit_flags)))

$(BUILD)/tests/xenstored-unit: $(xenstored_unit_objects) $(xenstored_unit_main)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) $(xenstored_unit_flags) -o $@ $(filter %.o,$^)

.PHONY: test-unit-xenstored
test-unit-xenstored: $(BUILD)/tests/xenstored-unit ## test xenstored's rules against a model, and hostile clients
	@timeout 300 $(BUILD)/tests/xenstored-unit $(TESTS)
