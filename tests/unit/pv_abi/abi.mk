# SPDX-License-Identifier: MIT

abi_parts = timeout 60 $(BUILD)/tests/ring_test; \
            timeout 300 python3 -B tests/unit/pv_abi/compare.py $(BUILD)/tests/abi

# One count for both parts; a part that dies without its count is a failure.
.PHONY: test-abi
test-abi: $(BUILD)/tests/ring_test | $(deps) ## compare our ABI headers with Xen's own
	@{ $(abi_parts); } | awk ' \
	  /^[0-9]+ passed, [0-9]+ failed$$/ { passed += $$1; failed += $$3; ++counts; next } \
	  { print } \
	  END { failed += 2 - counts; printf "%d passed, %d failed\n", passed, failed; exit failed > 0 }'

$(BUILD)/tests/ring_test: tests/unit/pv_abi/ring_test.cpp include/pv/abi.h $(wildcard include/pv/io/ring.h*) | $(deps)
	@mkdir -p $(@D)
	@echo '  HOST  $<'
	@$(CXX) $(host) -o $@ $<
