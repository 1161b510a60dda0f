# SPDX-License-Identifier: MIT
# Debian's network programs for i386, unmodified, below build/root-net: what the network is tested and measured with.

net_debs := $(patsubst %,$(debs)/%_i386.deb, \
    iperf3 libiperf0 libsctp1 \
    curl libcurl4 libbrotli1 libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libcom-err2 libkeyutils1 libidn2-0 \
    libldap-2.5-0 libsasl2-2 libnghttp2-14 libpsl5 librtmp1 libgnutls30 libhogweed6 libnettle8 libp11-kit0 libtasn1-6 \
    libunistring2 libssh2-1 \
    nginx dropbear-bin openssh-sftp-server libtomcrypt1 libtommath1 \
    iproute2 libbpf1 libbsd0 libdb5.3 libelf1 libmnl0 libtirpc3 libxtables12 \
    tcpdump libpcap0.8 libdbus-1-3)

$(net_debs) &: | $(deps)
	@tools/fetch-debs $(patsubst $(debs)/%_i386.deb,%:i386,$(net_debs))

$(BUILD)/root-net.unpacked: $(net_debs) $(test_debs)
	@rm -rf $(@:.unpacked=) && mkdir -p $(@:.unpacked=)
	@for deb in $^; do dpkg-deb -x $$deb $(@:.unpacked=) || exit 1; done
	@rm -rf $(addprefix $(@:.unpacked=)/,usr/share/doc usr/share/man usr/share/locale usr/lib/i386-linux-gnu/gconv)
	@touch $@

# The programs, and what the tests do with them below /srv/network.
net_scripts := $(wildcard tests/network/guest/*)

.PHONY: initrd-net
initrd-net: $(BUILD)/initrd-net.cpio.gz
$(BUILD)/initrd-net.cpio.gz: $(BUILD)/root-net.unpacked $(BUILD)/initrd.cpio.gz $(net_scripts)
	@echo '  CPIO  $@'
	@$(mkcpio) $(initrd_contents) $(BUILD)/root-net initrd/base $(foreach file,$(net_scripts),--file srv/network/$(notdir $(file))=$(file))

# --- the tests: minutes, so not part of `make test` -----------------------------

net_objects := $(call objects,$(BUILD)/obj/network,$(call sources,tests/network tests/support) tests/boot/console.cpp tests/boot/host.cpp)
$(eval $(call compile,$(BUILD)/obj/network,$$(boot_flags)))

$(BUILD)/tests/network: $(net_objects)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CXX) -o $@ $(filter %.o,$^) -lutil -pthread

.PHONY: net-programs
net-programs: $(BUILD)/tests/network hv guestos initrd $(BUILD)/lodger $(BUILD)/initrd-net.cpio.gz ## use Debian's network programs in the guest, and from this host
	@$(BUILD)/tests/network --durations yes $(TESTS)
