# SPDX-License-Identifier: MIT
# Micro-guests: each file here is a guest kernel of its own that runs as domain 0 and reports.
#
#   NAME.cpp           runs under QEMU
#   bochs_NAME.cpp     runs under Bochs only: needs segment limits that are enforced

pv_sources := $(wildcard tests/pv/*.cpp)
pv_support := $(call objects,$(BUILD)/obj/pv,tests/pv/support/start.S tests/pv/support/guest.cpp tests/pv/support/domu.cpp lib/format.cpp lib/string.cpp)
pv_all     := $(patsubst tests/pv/%.cpp,$(BUILD)/tests/pv/%.elf,$(pv_sources))
pv_bochs   := $(filter $(BUILD)/tests/pv/bochs_%,$(pv_all))
pv_qemu    := $(filter-out $(pv_bochs),$(pv_all))

$(eval $(call compile,$(BUILD)/obj/pv,$(freestanding) -Itests/pv/support))

$(pv_all): $(BUILD)/tests/pv/%.elf: $(BUILD)/obj/pv/tests/pv/%.cpp.o $(pv_support) tests/pv/support/guest.ld
	@mkdir -p $(@D)
	$(call link,tests/pv/support/guest.ld)

.PHONY: test-pv test-pv-bochs
test-pv: $(BUILD)/hv.elf $(pv_qemu) ## run the micro-guests over the hypervisor, in QEMU
	@tests/pv/run qemu $(BUILD) $(sort $(pv_qemu))

test-pv-bochs: $(BUILD)/hv.elf $(pv_all) ## run them in Bochs, which enforces segment limits
	@tests/pv/run bochs $(BUILD) $(sort $(pv_all))
