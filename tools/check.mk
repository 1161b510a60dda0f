# SPDX-License-Identifier: MIT
# Checks that run nothing: layers, instructions, layout, both compilers.

.PHONY: check format tidy stats both

check: guestos-pv-x86 ## check layers, file names, instructions of the PV kernel, layout of the sources
	@tools/count-results tools/check-layers \
	  "tools/check-sensitive $(BUILD)/guestos-pv-x86.elf $(wildcard guestos/arch/pv-x86/sensitive.allow)" \
	  tools/check-format

both: ## build hypervisor and kernels with g++ and with clang
	@$(MAKE) --no-print-directory CXX=g++ hv guestos
	@$(MAKE) --no-print-directory CXX=clang++ BUILD=$(BUILD)/clang hv guestos

# clang-tidy is clang: what only g++ understands is left out.
tidy_flags = $(filter-out -mgeneral-regs-only -mpreferred-stack-boundary=% --param=%,$(freestanding)) -mno-mmx -mno-sse

format: ## lay out the committed sources by .clang-format
	@clang-format -i $$(git ls-files '*.cpp' '*.hpp' '*.h')

tidy: ## analyse the sources with clang-tidy (slow)
	@clang-tidy --quiet $(filter %.cpp,$(call sources,hv lib)) -- $(tidy_flags)
	@clang-tidy --quiet $(filter %.cpp,$(call sources,guestos/kernel guestos/arch/x86-common guestos/arch/pv-x86 \
	    guestos/pvlib guestos/drivers)) -- $(tidy_flags) -Iguestos -Iguestos/arch/pv-x86 -Iguestos/arch/x86-common

stats: ## lines of code for each folder, files and functions longer than the habit
	@tools/stats
