# SPDX-License-Identifier: MIT
# Programs of our own for the guest: ordinary static Linux i386 programs, hosted C++.  Each folder with a main.cpp is one;
# common/ and xen/ are linked to all of them, as far as they need it.

userland_flags := -m32 -O2 -g -std=c++20 $(warnings) $(includes) -ffunction-sections -fdata-sections
userland_programs := init xenstored
userland_shared   := $(call objects,$(BUILD)/obj/userland,$(call sources,userland/common userland/xen))
$(eval $(call compile,$(BUILD)/obj/userland,$(userland_flags)))

.PHONY: userland
userland: $(addprefix $(BUILD)/userland/,$(userland_programs)) ## build our own guest programs (static Linux i386)

$(BUILD)/obj/userland/shared.a: $(userland_shared)
	@rm -f $@ && ar rcs $@ $^

define userland_program
$(BUILD)/userland/$(1): $(call objects,$(BUILD)/obj/userland,$(call sources,userland/$(1))) $(BUILD)/obj/userland/shared.a
	@mkdir -p $$(@D)
	@echo '  LD    $$@'
	@$$(CXX) -m32 -static -s -Wl,--gc-sections -o $$@ $$(filter %.o %.a,$$^) -lutil
endef
$(foreach program,$(userland_programs),$(eval $(call userland_program,$(program))))
