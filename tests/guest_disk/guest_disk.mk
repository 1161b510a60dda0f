# SPDX-License-Identifier: MIT
# Disks that domain 0 serves to a guest: blkfront in the guest, blkback over files and virtio disks, pvctl between them. What the guest
# leaves is judged by e2fsprogs on the host.

guest_disk_flags   := $(host) -Itests/boot -DLODGER_SOURCE='"$(CURDIR)"' -DLODGER_BUILD='"$(abspath $(BUILD))"'
guest_disk_objects := $(call objects,$(BUILD)/obj/guest_disk,$(wildcard tests/guest_disk/*.cpp) tests/boot/console.cpp \
    tests/support/catch_main.cpp)
$(eval $(call compile,$(BUILD)/obj/guest_disk,$(guest_disk_flags)))

$(BUILD)/tests/guest_disk/guest_disk: $(guest_disk_objects)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) -o $@ $(filter %.o,$^) -lutil

.PHONY: test-guest-disk test-image-debian
test-guest-disk: $(BUILD)/tests/guest_disk/guest_disk hv guestos initrd $(BUILD)/lodger $(BUILD)/root-busybox.img $(BUILD)/disk/fsx \
    $(BUILD)/tests/domains/grub-i386-xen.bin ## use disks that domain 0 serves to a guest, in QEMU
	@$(BUILD)/tests/guest_disk/guest_disk --durations yes $(TESTS)

# Half a minute, and Debian's packages to begin with.
long_suites += test-image-debian
test-image-debian: $(BUILD)/tests/guest_disk/guest_disk hv guestos initrd $(BUILD)/lodger ## boot and use Debian on the guest's disk (downloads 60 MB; not in `make test`)
	@$(MAKE) --no-print-directory image-debian $(debs)/bzip2_i386.deb
	@$(BUILD)/tests/guest_disk/guest_disk --durations yes [.debian]
