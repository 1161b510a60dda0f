# SPDX-License-Identifier: MIT
# The guest's side of Xen's protocols on this machine, 32-bit, with the address and undefined-behaviour sanitizers: over a fake
# hypervisor, and against other ends that lie. Each test is a process of its own (tests/posix/main.cpp).

pvlib_unit := $(BUILD)/obj/pvlib-unit
pvlib_unit_flags := -m32 -msse2 -O1 -g -std=c++20 -fno-strict-aliasing -DUNIT_TEST $(includes) -Iguestos \
    -Itests/unit/pvlib/fake -Iguestos/arch/x86-common -Itests/unit/pvlib \
    $(filter-out -Wmissing-declarations,$(warnings)) -Wno-maybe-uninitialized -Wno-sign-compare -Wno-shadow \
    -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all
pvlib_unit_objects := $(call objects,$(pvlib_unit),$(call sources,tests/unit/pvlib guestos/pvlib/device) tests/posix/main.cpp \
    $(addprefix guestos/pvlib/,store_ring.cpp store_message.cpp console_ring.cpp reservation.cpp) \
    guestos/kernel/memory/frames.cpp guestos/kernel/interrupts.cpp)
# stb_sprintf's code is not what is tested.
pvlib_unit_format := $(call objects,$(BUILD)/obj/pvlib-unit-format,lib/format.cpp)
$(eval $(call compile,$(BUILD)/obj/pvlib-unit-format,-m32 -std=c++20 -O1 -Wall $(includes)))
$(eval $(call compile,$(pvlib_unit),$$(pvlib_unit_flags)))

$(BUILD)/tests/pvlib-unit: $(pvlib_unit_objects) $(pvlib_unit_format)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) $(pvlib_unit_flags) -o $@ $(filter %.o,$^) -lpthread

.PHONY: test-unit-pvlib
test-unit-pvlib: $(BUILD)/tests/pvlib-unit ## test grants, rings and the xenstore client on this machine
	@ASAN_OPTIONS=detect_leaks=0 timeout 600 $(BUILD)/tests/pvlib-unit $(TESTS)
