# SPDX-License-Identifier: MIT
# Debian's own xenstore clients, unmodified, against our xenstored, both on this machine.

xenstore_debs := $(patsubst %,$(debs)/%_amd64.deb,xenstore-utils libxenstore4 libxentoolcore1 xen-utils-4.17)

# What is fetched already (also for other tests) is not fetched again.
$(BUILD)/xenstore-clients/.unpacked: | $(deps)
	@tools/fetch-debs $(notdir $(patsubst %_amd64.deb,%,$(xenstore_debs)))
	@mkdir -p $(@D)
	@for deb in $(xenstore_debs); do dpkg-deb -x $$deb $(@D) || exit 1; done
	@touch $@

.PHONY: test-xenstore
test-xenstore: $(BUILD)/userland/xenstored $(BUILD)/xenstore-clients/.unpacked ## try Debian's xenstore clients on our xenstored
	@tools/count-results "timeout 120 tests/xenstore/run $(BUILD)/userland/xenstored $(BUILD)/xenstore-clients"
