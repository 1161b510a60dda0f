# SPDX-License-Identifier: MIT
# What a disk must stand: the machine killed at random moments, random operations by every way to a file's bytes. guest/ is for the
# guest: static Linux i386 programs, one a file. What takes long is a soak-NAME, which `make test` leaves out.

disk_guest := $(patsubst tests/disk/guest/%.cpp,$(BUILD)/disk/%,$(wildcard tests/disk/guest/*.cpp))
$(BUILD)/disk/%: tests/disk/guest/%.cpp tests/disk/guest/pattern.hpp
	@mkdir -p $(@D)
	@echo '  CXX   $@'
	@$(CXX) -m32 -O2 -std=c++20 $(warnings) -D_FILE_OFFSET_BITS=64 -static -s -o $@ $<

disk_needs := $(disk_guest) hv guestos initrd $(BUILD)/lodger

.PHONY: test-disk test-pressure test-fio test-fio-jobs soak-crash soak-fsx
test-disk: $(disk_needs) ## random operations on a file of the guest's disk, and the machine killed at three moments
	@tests/disk/run $(BUILD) 3 2000
test-pressure: $(disk_needs) ## writers, mappings and readers on a disk while memory is short: nothing lost, nobody killed
	@tests/disk/pressure $(BUILD)
test-fio: $(disk_needs) $(BUILD)/fio.img ## Debian's fio on the guest's disks: what it writes it reads again
	@tests/disk/fio $(BUILD)
test-fio-jobs: $(disk_needs) $(BUILD)/fio.img ## Debian's fio with 72 processes in 80 MB of memory (two minutes)
	@tests/disk/fio-jobs $(BUILD) 80
long_suites += test-fio-jobs
soak-crash: $(disk_needs) ## kill the machine at 100 random moments: nothing made durable may be missing
	@tests/disk/crash $(BUILD) 100
soak-fsx: $(disk_needs) ## a million random operations on a file of the guest's disk (half an hour each; WAY=native|guest for one of them)
	@tests/disk/run $(BUILD) 0 1000000 $(WAY)
