# SPDX-License-Identifier: MIT
# The smallest guests, for a porter to start from: one C file each, built with nothing but a compiler and include/pv.

example_sources := $(wildcard examples/*.c)
examples        := $(patsubst examples/%.c,$(BUILD)/examples/%.elf,$(example_sources))
example_flags   := -m32 -march=i686 -std=c11 -O2 -g -Wall -Wextra -Werror -Iinclude \
    -ffreestanding -fno-pic -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
    $(if $(findstring clang,$(CXX)),-mno-mmx -mno-sse -msoft-float,-mgeneral-regs-only)
example_link    := -no-pie -nostdlib -static -Wl,-Ttext-segment=0xc0000000,-e,_start \
    -Wl,--build-id=none,-z,noexecstack,-z,max-page-size=4096

$(examples): $(BUILD)/examples/%.elf: examples/%.c $(wildcard include/pv/*.h) | $(deps)
	@mkdir -p $(@D)
	@echo '  CC    $<'
	@$(if $(findstring clang,$(CXX)),clang,gcc) $(example_flags) $(example_link) -o $@ $<

EXAMPLE ?= hello

.PHONY: examples run-example test-examples test-guide
examples: $(examples) ## build the smallest guests, examples/*.c

run-example: $(BUILD)/hv.elf $(BUILD)/examples/$(EXAMPLE).elf ## run one of them: EXAMPLE=hello|trap|events|tables|syscall
	@tests/examples/run-one $(BUILD) $(EXAMPLE)

test-examples: $(BUILD)/hv.elf $(examples) ## run the smallest guests; each says what it prints
	@tests/examples/run $(BUILD) $(sort $(example_sources))

test-guide: $(BUILD)/hv.elf $(examples) guestos-pv-x86 guestos-x86 initrd lodger ## run the commands of the porting guide and compare what they print
	@tests/examples/run-guide $(BUILD) $(sort $(wildcard docs/porting-guide/*.md))
