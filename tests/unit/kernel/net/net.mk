# SPDX-License-Identifier: MIT
# The network of the kernel in a process of this machine, 32-bit, with the address and undefined-behaviour sanitizers: lwIP, our
# sockets over it, and both ends of netif.h, without a hypervisor.

net_unit := $(BUILD)/obj/net-unit
net_unit_sanitizers := -fsanitize=address,undefined -fno-sanitize=vptr,alignment -fno-sanitize-recover=all
net_unit_flags := -m32 -msse2 -O1 -g -std=c++20 -fno-strict-aliasing -DUNIT_TEST $(includes) -Iguestos \
    -Itests/unit/kernel/memory/fake -Iguestos/arch/x86-common -Itests/unit/kernel/net $(lwip_includes) \
    $(filter-out -Wmissing-declarations,$(warnings)) -Wno-maybe-uninitialized $(net_unit_sanitizers)
net_unit_objects := $(call objects,$(net_unit),$(call sources,tests/unit/kernel/net) \
    $(addprefix guestos/kernel/net/,packet.cpp flow.cpp admit.cpp checksum.cpp train.cpp device.cpp interface.cpp registry.cpp routes.cpp bridge.cpp \
        loopback.cpp timers.cpp thread.cpp lwip/port.cpp) \
    $(wildcard guestos/kernel/net/inet/*.cpp guestos/kernel/net/netlink/*.cpp guestos/kernel/net/packet/*.cpp) \
    $(addprefix guestos/kernel/,memory/frames.cpp memory/user.cpp ipc/socket.cpp) \
    $(wildcard guestos/drivers/netfront/*.cpp guestos/drivers/netback/*.cpp) \
    $(addprefix guestos/pvlib/,store_message.cpp store_ring.cpp device/bus.cpp device/device.cpp device/front_end.cpp device/back_end.cpp))
net_unit_lwip := $(patsubst %,$(net_unit)/lwip/%.o,$(lwip_sources))
net_unit_main := $(call objects,$(BUILD)/obj/net-unit-main,tests/support/catch_main.cpp lib/format.cpp)
$(eval $(call compile,$(BUILD)/obj/net-unit-main,-m32 -std=c++20 -O0 -Wall $(includes)))
$(eval $(call compile,$(net_unit),$$(net_unit_flags),$(lwip_stamp)))

$(net_unit_lwip): $(net_unit)/lwip/%.o: $(lwip_stamp) $(wildcard $(lwip_port)*.h $(lwip_port)arch/*.h)
	@mkdir -p $(@D)
	@echo '  CC    lwip/$* (sanitized)'
	@$(ccache) $(CXX) -x c -m32 -msse2 -O1 -g -std=gnu11 -w -fno-strict-aliasing $(lwip_includes) $(net_unit_sanitizers) -c -o $@ $(lwip)/src/$*

$(BUILD)/tests/net-unit: $(net_unit_objects) $(net_unit_lwip) $(net_unit_main)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) $(net_unit_flags) -o $@ $(filter %.o,$^)

.PHONY: test-unit-net fuzz-net
test-unit-net: $(BUILD)/tests/net-unit ## test packets, bridge, TCP's timers and both ends of netif.h on this machine
	@timeout 600 $(BUILD)/tests/net-unit $(TESTS)

# Packets and rings take FUZZ_SECONDS each.
long_suites += fuzz-net
fuzz-net: $(BUILD)/tests/net-unit ## invented packets and ring contents for ten minutes (FUZZ_SECONDS=300)
	@LODGER_FUZZ_SECONDS=$${FUZZ_SECONDS:-300} timeout 1500 $(BUILD)/tests/net-unit '[fuzz]'
