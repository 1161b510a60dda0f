# SPDX-License-Identifier: MIT
# Programs of our own for the guest: ordinary static Linux i386 programs, hosted C++.  Each folder with a main.cpp is one; of the
# other folders, and of lib/, they link what they need.

userland_flags := -m32 -O2 -g -std=c++20 $(warnings) $(includes) -I$(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))/bz2/usr/include -ffunction-sections -fdata-sections
userland_programs := init xenstored xenconsoled pvctl foreground bench
userland_shared   := $(call objects,$(BUILD)/obj/userland,$(call sources,userland/common userland/xen userland/toolstack lib/pv) lib/inflate.cpp)
$(eval $(call compile,$(BUILD)/obj/userland,$(userland_flags)))

.PHONY: userland
userland: $(addprefix $(BUILD)/userland/,$(userland_programs)) ## build our own guest programs (static Linux i386)

# Debian's libbz2 for i386, to be linked statically: the system itself need not know that architecture.
bz2_deb := $(debs)/libbz2-dev_i386.deb
$(bz2_deb): | $(deps)
	@tools/fetch-debs libbz2-dev:i386
$(BUILD)/bz2/.unpacked: $(bz2_deb)
	@mkdir -p $(@D) && dpkg-deb -x $< $(@D) && touch $@
$(call objects,$(BUILD)/obj/userland,userland/toolstack/kernel_file.cpp): $(BUILD)/bz2/.unpacked

$(BUILD)/obj/userland/shared.a: $(userland_shared)
	@rm -f $@ && ar rcs $@ $^

define userland_program
$(BUILD)/userland/$(1): $(call objects,$(BUILD)/obj/userland,$(call sources,userland/$(1))) $(BUILD)/obj/userland/shared.a
	@mkdir -p $$(@D)
	@echo '  LD    $$@'
	@$$(CXX) -m32 -static -s -Wl,--gc-sections -o $$@ $$(filter %.o %.a,$$^) -lutil $(2)
endef
with_builder := pvctl foreground bench
$(foreach program,$(filter-out $(with_builder),$(userland_programs)),$(eval $(call userland_program,$(program))))
$(foreach program,$(with_builder),$(eval $(call userland_program,$(program),$(BUILD)/bz2/usr/lib/i386-linux-gnu/libbz2.a)))
