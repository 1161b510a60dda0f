# SPDX-License-Identifier: MIT
# The guest's first file systems:
#
#   initrd.cpio.gz       Debian's static busybox, byte for byte, links to its applets, our /init, initrd/base
#   initrd-test.cpio.gz  the same, with dynamically linked programs from Debian over it
#
# build/debs/ holds the packages they come from (tools/fetch-debs).

debs := build/debs

busybox_deb := $(debs)/busybox-static_i386.deb
test_debs   := $(patsubst %,$(debs)/%_i386.deb, \
    libc6 libc-bin libgcc-s1 libstdc++6 libcrypt1 libtinfo6 libreadline8 libselinux1 libpcre2-8-0 \
    libacl1 libattr1 libgmp10 zlib1g libbz2-1.0 liblzma5 libzstd1 libmd0 libproc2-0 libsystemd0 \
    libcap2 libgcrypt20 libgpg-error0 liblz4-1 libncursesw6 \
    dash bash coreutils grep sed mawk findutils tar gzip bzip2 xz-utils diffutils procps perl-base \
    python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libexpat1 libffi8 libsqlite3-0 libssl3 libuuid1)

terminal_deb := $(debs)/ncurses-base_amd64.deb # for every architecture

$(busybox_deb): | $(deps)
	@tools/fetch-debs busybox-static:i386

$(test_debs) &: | $(deps)
	@tools/fetch-debs $(patsubst $(debs)/%_i386.deb,%:i386,$(test_debs))

$(terminal_deb): | $(deps)
	@tools/fetch-debs ncurses-base

# --- a root file system for each ---------------------------------------------

base_files := $(shell find initrd -type f)
busybox    := $(BUILD)/root/bin/busybox

$(busybox): $(busybox_deb)
	@mkdir -p $(BUILD)/root
	@dpkg-deb --fsys-tarfile $< | tar -x -C $(BUILD)/root ./bin/busybox
	@dpkg-deb --fsys-tarfile $< | tar -xO ./bin/busybox | cmp - $@
	@touch $@

# The list is asked from the program itself; where i386 programs do not run, a copy serves.
$(BUILD)/root.applets: $(busybox) initrd/applets
	@{ $(busybox) --list-full 2>/dev/null || cat initrd/applets; } | grep -vx 'bin/busybox\|linuxrc' >$@
	@while read -r applet; do \
	    mkdir -p $(BUILD)/root/$${applet%/*}; ln -sf /bin/busybox $(BUILD)/root/$$applet; \
	done <$@

$(BUILD)/root-test.unpacked: $(test_debs) $(terminal_deb)
	@rm -rf $(@:.unpacked=) && mkdir -p $(@:.unpacked=)
	@for deb in $^; do dpkg-deb -x $$deb $(@:.unpacked=) || exit 1; done
	@rm -rf $(addprefix $(@:.unpacked=)/,usr/share usr/lib/i386-linux-gnu/gconv var etc/alternatives)
	@ln -sf mawk $(@:.unpacked=)/usr/bin/awk
	@touch $@

# --- the archives --------------------------------------------------------------

# What an archive is made of: first all of busybox and initrd/base, our /init, and then what fragments
# add, as --file PATH=SOURCE or as a tree (and the prerequisite that makes it).
initrd_contents      = --file init=$(BUILD)/userland/init $(BUILD)/root
initrd_test_contents = $(initrd_contents) $(BUILD)/root-test
mkcpio               = tools/mkcpio $@ --nodes initrd/nodes

initrd: $(BUILD)/initrd.cpio.gz
$(BUILD)/initrd.cpio.gz: $(BUILD)/root.applets $(BUILD)/userland/init $(base_files) tools/mkcpio
	@echo '  CPIO  $@'
	@$(mkcpio) $(initrd_contents) initrd/base

.PHONY: initrd-test
initrd-test: $(BUILD)/initrd-test.cpio.gz
$(BUILD)/initrd-test.cpio.gz: $(BUILD)/root-test.unpacked $(BUILD)/initrd.cpio.gz
	@echo '  CPIO  $@'
	@$(mkcpio) $(initrd_test_contents) initrd/base

# --- disks ---------------------------------------------------------------------

.PHONY: image image-debian
image: $(BUILD)/root-busybox.img ## make a root file system for `lodger boot --root`: busybox on ext2
$(BUILD)/root-busybox.img: $(BUILD)/initrd.cpio.gz tools/make-image
	@echo '  EXT2  $@'
	@tools/make-image $@ 64M $< /init

image-debian: $(BUILD)/root-debian.img ## make one of Debian bookworm for i386 (downloads 60 MB)
$(BUILD)/root-debian.img: tools/debian-root tools/make-image | $(deps)
	@tools/debian-root $(BUILD)/root-debian.tar
	@echo '  EXT2  $@'
	@tools/make-image $@ 1G $(BUILD)/root-debian.tar
