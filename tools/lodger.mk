# SPDX-License-Identifier: MIT
# build/lodger: the user's command, a program for this machine.

lodger_flags   := $(host) -DLODGER_SOURCE='"$(CURDIR)"'
lodger_objects := $(call objects,$(BUILD)/obj/lodger,$(call sources,tools/lodger userland/common))
$(eval $(call compile,$(BUILD)/obj/lodger,$(lodger_flags)))

lodger: $(BUILD)/lodger ## build the user's command, build/lodger
$(BUILD)/lodger: $(lodger_objects)
	@echo '  LD    $@'
	@$(CXX) -o $@ $(filter %.o,$^)
