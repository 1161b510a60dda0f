# SPDX-License-Identifier: MIT
# Measurements: what the port cost in lines, and what it costs in time.
#
#   bench/initrd.cpio.gz   /init = userland/bench, some programs of Debian's and what they work on (tools/bench/inputs)
#   bench/vmlinuz          Debian's Linux for i386, to compare with
#   bench/linux.cpio.gz    the same file system for it, with its drivers of virtio devices and ext2
#   bench/dom0.cpio        the same as the file system of a guest of domain 0

.PHONY: port-cost bench bench-quick bench-files
port-cost: ## count what the port to ring 1 cost, file by file (build/port-cost.md)
	@tools/port-cost $(BUILD)/port-cost.md

bench_debs := $(patsubst %,$(debs)/%_i386.deb, \
    libc6 dash coreutils gzip xz-utils liblzma5 zlib1g tcc sqlite3 libsqlite3-0 libreadline8 libtinfo6 libssl3 linux-image-686-pae)
bench_net_debs := $(patsubst %,$(debs)/%_i386.deb,iperf3 libiperf0 libsctp1) # fetched by tests/network/network.mk
bench_files = bin/true bin/rm bin/dd bin/dash bin/sh bin/gzip usr/bin/xz usr/bin/tcc usr/bin/sqlite3 usr/bin/iperf3 lib/ld-linux.so.2 \
    $(patsubst %,%.so*,$(foreach l,libc libm ld-linux liblzma libz libsqlite3 libreadline libtinfo libdl libpthread libiperf libsctp libcrypto,\
    lib/i386-linux-gnu/$(l) usr/lib/i386-linux-gnu/$(l)))
# Linux's drivers are modules.
bench_modules = -path '*/drivers/virtio/virtio*' -o -name virtio_blk.ko -o -name virtio_net.ko -o -name net_failover.ko -o -name failover.ko \
    $(foreach module,ext4 jbd2 mbcache crc16 crc32c_generic,-o -name $(module).ko)

# linux-image-686-pae only names the kernel of the day.
bench_own_debs := $(filter-out $(test_debs),$(bench_debs))
$(bench_own_debs) &: | $(deps)
	@tools/fetch-debs $(patsubst $(debs)/%_i386.deb,%:i386,$(bench_own_debs))

$(BUILD)/bench/vmlinuz: $(bench_debs) $(bench_net_debs) tools/measure.mk
	@echo '  BENCH $(@D)'
	@rm -rf $(@D)/all $(@D)/root && mkdir -p $(@D)/all $(@D)/root
	@image=$$(dpkg-deb -f $(debs)/linux-image-686-pae_i386.deb Depends | sed 's/ .*//'); tools/fetch-debs $$image:i386; \
	 dpkg-deb --fsys-tarfile $(debs)/$${image}_i386.deb | tar -x -C $(@D)/all ./boot ./lib/modules
	@for deb in $(filter-out $(debs)/linux-image-%,$(bench_debs)) $(bench_net_debs); do dpkg-deb -x $$deb $(@D)/all || exit 1; done
	@cd $(@D)/all && ln -sf dash bin/sh && \
	 for file in $(bench_files); do [ ! -e $$file ] || cp -a --parents $$file ../root; done
	@rm -rf $(@D)/modules && mkdir -p $(@D)/modules/modules && \
	 cp $$(find $(@D)/all/lib/modules $(bench_modules)) $(@D)/modules/modules
	@cp $(@D)/all/boot/vmlinuz-* $@.new && rm -rf $(@D)/all && mv $@.new $@

$(BUILD)/bench/inputs/programs: tools/bench/inputs
	@rm -rf $(@D) && tools/bench/inputs $(@D)

$(BUILD)/bench/initrd.cpio.gz: $(BUILD)/bench/vmlinuz $(BUILD)/userland/bench $(BUILD)/bench/inputs/programs initrd/nodes tools/mkcpio
	@echo '  CPIO  $@'
	@rm -rf $(@D)/root/bench && cp -a $(@D)/inputs $(@D)/root/bench
	@tools/mkcpio $@ --nodes initrd/nodes --file init=$(BUILD)/userland/bench $(@D)/root

$(BUILD)/bench/linux.cpio.gz: $(BUILD)/bench/initrd.cpio.gz
	@echo '  CPIO  $@'
	@tools/mkcpio $@ --nodes initrd/nodes --file init=$(BUILD)/userland/bench $(@D)/root $(@D)/modules

$(BUILD)/bench/dom0.cpio: $(BUILD)/bench/initrd.cpio.gz $(BUILD)/dom0.cpio tools/bench/guest.cfg tools/bench/two-guests
	@echo '  CPIO  $@'
	@tools/mkcpio $@ --nodes initrd/nodes $(dom0_contents) --file boot/bench.cpio.gz=$< --file etc/xen/lodger.cfg=tools/bench/guest.cfg \
	    --file etc/profile=tools/bench/two-guests \
	    $(BUILD)/root initrd/base

bench-files: hv guestos userland $(addprefix $(BUILD)/bench/,initrd.cpio.gz linux.cpio.gz dom0.cpio) $(BUILD)/fio.img
bench: bench-files ## measure native, PV and Linux side by side, all of it (an hour; BENCH="options", see tools/bench/run --help)
	@tools/bench/run --build $(BUILD) $(BENCH)
bench-quick: bench-files ## the same in a few minutes
	@tools/bench/run --build $(BUILD) --quick $(BENCH)
