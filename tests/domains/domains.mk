# SPDX-License-Identifier: MIT
# Several domains in one machine, as an administrator has them: pvctl in domain 0, guests of all kinds, and what is left of them.

domains_flags   := $(host) -Itests/boot -DLODGER_SOURCE='"$(CURDIR)"' -DLODGER_BUILD='"$(abspath $(BUILD))"'
domains_objects := $(call objects,$(BUILD)/obj/domains,$(wildcard tests/domains/*.cpp) tests/boot/console.cpp tests/boot/host.cpp tests/support/catch_main.cpp)
$(eval $(call compile,$(BUILD)/obj/domains,$(domains_flags)))

$(BUILD)/tests/domains/domains: $(domains_objects)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) -o $@ $(filter %.o,$^) -lutil

# A micro-guest, made as those of tests/pv are.
hostile_objects := $(call objects,$(BUILD)/obj/pv,tests/domains/guests/hostile.cpp tests/pv/support/start.S tests/pv/support/guest.cpp \
    lib/format.cpp lib/string.cpp)
$(BUILD)/tests/domains/hostile.elf: $(hostile_objects) tests/pv/support/guest.ld
	@mkdir -p $(@D)
	$(call link,tests/pv/support/guest.ld)

# A program for guests, which get it over the network.
$(BUILD)/tests/domains/linkwatch: tests/domains/guests/linkwatch.cpp
	@mkdir -p $(@D)
	@echo '  CXX   $<'
	@$(CXX) -m32 -O2 -std=c++20 $(warnings) -static -s -o $@ $<

# A guest of somebody else's.
$(BUILD)/tests/domains/grub-i386-xen.bin: $(debs)/grub-xen-host_amd64.deb
	@mkdir -p $(@D) && dpkg-deb --fsys-tarfile $< | tar -xO ./usr/lib/grub-xen/grub-i386-xen.bin >$@

domains_guests := --file boot/hostile=$(BUILD)/tests/domains/hostile.elf \
    --file boot/grub-i386-xen.bin=$(BUILD)/tests/domains/grub-i386-xen.bin \
    --file srv/linkwatch=$(BUILD)/tests/domains/linkwatch --file srv/stream=tests/domains/guests/stream tests/domains/root
$(BUILD)/tests/domains/dom0.cpio: $(BUILD)/dom0.cpio $(shell find tests/domains/root -type f) \
    $(addprefix $(BUILD)/tests/domains/,hostile.elf grub-i386-xen.bin linkwatch) tests/domains/guests/stream
	@$(mkcpio) $(dom0_contents) $(BUILD)/root initrd/base initrd/dom0 $(domains_guests)

# Outside of `make test`: minutes long.
# Domain 0 with Debian's tcpdump (tests/network/network.mk), and no more of its libraries than that needs.
tcpdump_libraries := $(addprefix lib/i386-linux-gnu/,libc.so.6 liblzma.so.5 libcap.so.2 libgpg-error.so.0 libdbus-1.so.3) \
    $(addprefix usr/lib/i386-linux-gnu/,libpcap.so.0.8 libcrypto.so.3 libzstd.so.1 liblz4.so.1 libgcrypt.so.20 libsystemd.so.0)
$(BUILD)/tests/domains/network-dom0.cpio: $(BUILD)/tests/domains/dom0.cpio $(BUILD)/root-net.unpacked
	@$(mkcpio) $(dom0_contents) $(BUILD)/root initrd/base initrd/dom0 $(domains_guests) \
	    $(foreach file,usr/bin/tcpdump $(tcpdump_libraries) lib/ld-linux.so.2,--file $(file)=$(BUILD)/root-net/$(file))

long_suites += test-domains-64 test-domains-weights test-domains-network

.PHONY: test-domains test-domains-64 test-domains-weights test-domains-network
domains_test := hv guestos-pv-x86 initrd $(BUILD)/tests/domains/domains $(BUILD)/tests/domains/dom0.cpio
test-domains: $(domains_test) ## use domains as an administrator does, friendly and hostile ones, in QEMU
	@$(BUILD)/tests/domains/domains --durations yes $(or $(TESTS),~[long])

test-domains-64: $(domains_test) ## the same with 64 domains in 4 GB (minutes; not in `make test`)
	@$(BUILD)/tests/domains/domains --durations yes '[64]'

test-domains-weights: $(domains_test) ## measure weights and caps of domains by the hypervisor's accounts (two minutes; not in `make test`)
	@$(BUILD)/tests/domains/domains --durations yes '[weights]'

test-domains-network: $(domains_test) $(BUILD)/tests/domains/network-dom0.cpio ## loss, pauses and floods on domain 0's bridge, read by tshark (minutes; not in `make test`)
	@$(BUILD)/tests/domains/domains --durations yes '[network][long]'
