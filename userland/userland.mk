# SPDX-License-Identifier: MIT
# Programs of our own for the guest: ordinary static Linux i386 programs, hosted C++.

userland_flags := -m32 -O2 -g -std=c++20 $(warnings) $(includes)
init_objects := $(call objects,$(BUILD)/obj/userland,$(call sources,userland/init userland/common))
$(eval $(call compile,$(BUILD)/obj/userland,$(userland_flags)))

.PHONY: userland
userland: $(BUILD)/userland/init ## build our own guest programs (static Linux i386)
$(BUILD)/userland/init: $(init_objects)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) -m32 -static -s -o $@ $(filter %.o,$^) -lutil
