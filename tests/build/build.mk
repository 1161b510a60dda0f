# SPDX-License-Identifier: MIT

.PHONY: test-build
test-build: initrd ## test the build's own tools: images, downloads, checks
	@tests/build/run $(BUILD)
