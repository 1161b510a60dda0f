# SPDX-License-Identifier: MIT
# What pvctl and xenconsoled are made of, on this machine, 32-bit, with the address and undefined-behaviour sanitizers.

tools_unit := $(BUILD)/obj/tools-unit
tools_unit_flags := -m32 -msse2 $(host) -O1 -I$(BUILD)/bz2/usr/include -Wno-missing-declarations \
    -fsanitize=address,undefined -fno-sanitize-recover=all -D_GLIBCXX_ASSERTIONS
tools_unit_objects := $(call objects,$(tools_unit),$(call sources,tests/unit/userland/tools) \
    $(addprefix userland/toolstack/,config_text.cpp guest_config.cpp device_config.cpp nic_rate.cpp device_nodes.cpp guest_nodes.cpp uuid.cpp kernel_file.cpp) \
    $(addprefix userland/xenconsoled/,backlog.cpp log_file.cpp guest_console.cpp) \
    userland/pvctl/json.cpp userland/pvctl/symbols.cpp userland/xen/store.cpp userland/xen/console_ring.cpp lib/inflate.cpp)
tools_unit_main := $(call objects,$(BUILD)/obj/tools-unit-main,tests/support/catch_main.cpp)
$(eval $(call compile,$(BUILD)/obj/tools-unit-main,-m32 -std=c++20 -O0 -Wall $(includes)))
$(eval $(call compile,$(tools_unit),$$(tools_unit_flags)))
$(tools_unit_objects): | $(BUILD)/bz2/.unpacked

$(BUILD)/tests/tools-unit: $(tools_unit_objects) $(tools_unit_main)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) $(tools_unit_flags) -o $@ $(filter %.o,$^) $(BUILD)/bz2/usr/lib/i386-linux-gnu/libbz2.a

.PHONY: test-unit-tools
test-unit-tools: $(BUILD)/tests/tools-unit $(BUILD)/userland/xenstored ## test what pvctl and xenconsoled are made of on this machine
	@XENSTORED=$(abspath $(BUILD))/userland/xenstored timeout 300 $(BUILD)/tests/tools-unit $(TESTS)
