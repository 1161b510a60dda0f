# SPDX-License-Identifier: MIT
# build/fio.img: Debian's fio for i386 with the libraries that it is linked with (clients of storage services, most of them), byte for
# byte, on ext2. Programs of a guest that has it mounted at DIR start it so, and change nothing of their own root:
#
#     DIR/lib/ld-linux.so.2 --library-path DIR/lib DIR/bin/fio

fio_debs := $(patsubst %,$(debs)/%_i386.deb, \
    fio libaio1 libargon2-1 libblkid1 libboost-iostreams1.74.0 libboost-thread1.74.0 libcryptsetup12 libdevmapper1.02.1 libfmt9 libgfapi0 \
    libgfrpc0 libgfxdr0 libglusterfs0 libibverbs1 libicu72 libjson-c5 libnbd0 libnl-3-200 libnl-route-3-200 libnuma1 librados2 librbd1 \
    librdmacm1 libudev1 libxml2)
fio_shared_debs := $(patsubst %,$(debs)/%_i386.deb, \
    libacl1 libattr1 libbz2-1.0 libc6 libcom-err2 libffi8 libgcc-s1 libgmp10 libgnutls30 libgssapi-krb5-2 libhogweed6 libidn2-0 libk5crypto3 libkeyutils1 \
    libkrb5-3 libkrb5support0 liblzma5 libnettle8 libp11-kit0 libpcre2-8-0 libselinux1 libssl3 libstdc++6 libtasn1-6 libtirpc3 \
    libunistring2 libuuid1 libzstd1 zlib1g)

$(fio_debs) &: | $(deps)
	@tools/fetch-debs $(patsubst $(debs)/%_i386.deb,%:i386,$(fio_debs))

# Where a library is in its package does not matter to who names the folder.
$(BUILD)/fio.img: $(fio_debs) $(fio_shared_debs) tools/program-fio.mk
	@echo '  EXT2  $@'
	@rm -rf $(BUILD)/fio && mkdir -p $(BUILD)/fio/all $(BUILD)/fio/root/bin $(BUILD)/fio/root/lib
	@for deb in $(filter %.deb,$^); do \
	    dpkg-deb --fsys-tarfile $$deb | tar -x -C $(BUILD)/fio/all --wildcards --no-wildcards-match-slash './usr/bin/fio' './lib/ld-linux.so.2' \
	        './lib/i386-linux-gnu/*.so*' './usr/lib/i386-linux-gnu/*.so*' './usr/lib/i386-linux-gnu/ceph/*.so*' 2>/dev/null; \
	done; find $(BUILD)/fio/all/lib/i386-linux-gnu $(BUILD)/fio/all/usr/lib -name '*.so*' -exec cp -a {} $(BUILD)/fio/root/lib \;
	@cp -L $(BUILD)/fio/all/lib/ld-linux.so.2 $(BUILD)/fio/root/lib && cp $(BUILD)/fio/all/usr/bin/fio $(BUILD)/fio/root/bin
	@mke2fs -q -F -t ext2 -b 4096 -d $(BUILD)/fio/root $@.new 120M >/dev/null && mv $@.new $@
	@rm -rf $(BUILD)/fio
