# SPDX-License-Identifier: MIT
# Checks that run nothing: layers, instructions, layout, both compilers.

.PHONY: check format quotations tidy stats both system-calls test-clang test-clang-all

documents = $(wildcard *.md) $(shell find docs examples -name '*.md')

check: guestos-pv-x86 ## check layers, file names, instructions of the PV kernel, layout of the sources, documents
	@tools/count-results tools/check-layers \
	  "tools/check-sensitive $(BUILD)/guestos-pv-x86.elf tools/sensitive.allow" \
	  "tools/list-syscalls --check tests/build/busybox-calls $(BUILD)/guestos-pv-x86.elf" \
	  "tools/check-docs $(documents)" "tools/quote-hunks $(documents)" \
	  tools/check-format

quotations: ## write the quotations of the sources in the documents anew
	@tools/quote-hunks --write $(documents)
	@tools/stats --table README.md

system-calls: guestos-pv-x86 ## list Linux's i386 system calls and what the kernel has of them
	@tools/list-syscalls $(BUILD)/guestos-pv-x86.elf

both: ## build everything with g++ and with clang
	@$(MAKE) --no-print-directory CXX=g++ hv guestos
	@$(MAKE) --no-print-directory CXX=clang++ BUILD=$(BUILD)/clang hv guestos

# clang's own opinion, with warnings as errors, and its work in use.  A build folder of its own; ccache makes the second time cheap.
clang_make = $(MAKE) --no-print-directory CXX=clang++ BUILD=$(BUILD)/clang
clang_run  = timeout 120 $(1)/lodger run $(2) -- echo ok: built by clang, run with $(2)

# Outside of `make test`, which builds the hypervisor and leaves the rest, minutes of compiling, out.
long_suites += test-clang-all

# Kernel and programs are g++'s here, in a folder of their own.
test-clang: lodger initrd guestos-pv-x86 ## build the hypervisor with clang, and run it
	@mkdir -p $(BUILD)/clang-hv && cp $(BUILD)/lodger $(BUILD)/initrd.cpio.gz $(BUILD)/guestos-pv-x86.elf $(BUILD)/clang-hv
	@tools/count-results \
	  "$(clang_make:clang=clang-hv) hv >&2 && echo 'ok: clang builds without a warning'" "$(call clang_run,$(BUILD)/clang-hv,--dom0)"

test-clang-all: ## build everything with clang, and run it on both architectures
	@tools/count-results \
	  "$(clang_make) hv guestos userland lodger initrd >&2 && echo 'ok: clang builds without a warning'" \
	  "$(call clang_run,$(BUILD)/clang,--arch pv)" "$(call clang_run,$(BUILD)/clang,--arch native)"

# clang-tidy is clang: what only g++ understands is left out.
tidy_flags = $(filter-out -mgeneral-regs-only -mpreferred-stack-boundary=% --param=% -Wshadow=% -Werror,$(freestanding)) \
    -mno-mmx -mno-sse
# $(call tidy,SOURCES,FLAGS): several at a time, a line for each finding.
tidy = printf '%s\n' $(1) | xargs -P $(shell nproc) -n 4 sh -c 'clang-tidy --quiet "$$@" -- $(tidy_flags) $(2) 2>/dev/null' tidy

format: ## lay out the committed sources by .clang-format
	@clang-format -i $$(git ls-files '*.cpp' '*.hpp' '*.h')

tidy: ## analyse the sources with clang-tidy (slow)
	@$(call tidy,$(filter %.cpp,$(call sources,hv lib)))
	@$(call tidy,$(filter %.cpp,$(call sources,guestos/kernel guestos/arch/x86-common guestos/arch/pv-x86 guestos/pvlib \
	    guestos/drivers)),-Iguestos -Iguestos/arch/pv-x86 -Iguestos/arch/x86-common)

stats: ## lines of code for each folder, files and functions longer than the habit
	@tools/stats
