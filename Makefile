# SPDX-License-Identifier: MIT
#
# Everything is built below $(BUILD); sources are found by wildcard, so adding
# a file needs no edit here.  A folder with needs of its own has a fragment
# (*.mk, see the end), which may use these names:
#
#   $(freestanding)        compiler flags of ring-0 and ring-1 code
#   $(freestanding_link)   linker flags of the same; add -T SCRIPT
#   $(host)                compiler flags of programs that run on this machine
#   $(call objects,DIR,SOURCES)   the objects of SOURCES, compiled below DIR
#   $(deps)                order-only prerequisite: the packages are installed

BUILD    ?= build
# One name for the folder, however it was given: a path in a compiler's flags that changes makes everything anew.
override BUILD := $(patsubst $(CURDIR)/%,%,$(BUILD))
CXX      ?= g++
# As many jobs as processors, unless -j says otherwise.
ifeq (0,$(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)))
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.PHONY: all
all: hv guestos userland lodger initrd ## build everything but the tests

# --- help -------------------------------------------------------------------

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z][a-z0-9 _-]*:.*##' $(MAKEFILE_LIST) \
	  | sed -E 's/^([^:]*):.*##( *)(.*)/\1\t\3/' | sort -u \
	  | awk -F'\t' '{ printf "  make %-18s %s\n", $$1, $$2 }'
	@echo 'Variables: BUILD=folder CXX=g++|clang++ ARGS="guest command line" QEMU_ARGS="more devices" MEMORY=MB'

# --- packages ---------------------------------------------------------------

deps := $(BUILD)/.deps

.PHONY: deps
deps: ## install the Debian packages that are missing (says which and why first)
	@tools/deps

$(deps): tools/deps
	@mkdir -p $(@D)
	@tools/deps
	@touch $@

# --- flags ------------------------------------------------------------------

# A parameter may bear the name of the public member it sets, so g++'s -Wshadow is as wide as clang's.
warnings := -Wall -Wextra $(if $(findstring clang,$(CXX)),-Wshadow,-Wshadow=local) -Wconversion -Wno-sign-conversion \
            -Wmissing-declarations -Wnon-virtual-dtor -Werror
includes := -I. -Iinclude

# Integer registers only: the floating-point state belongs to user programs.
# clang's -mgeneral-regs-only rejects long double even in unused libstdc++
# functions, so it gets the same by parts.  The stack is 4-byte aligned, so
# assembly may call C++ without realigning it.
ifneq (,$(findstring clang,$(CXX)))
registers := -mno-mmx -mno-sse -msoft-float -mstack-alignment=4
else
registers := -mgeneral-regs-only -mpreferred-stack-boundary=2 --param=min-pagesize=0
endif

# i686 alone would copy and clear by bytes (rep movsb), for a processor of 1995.
machine      := -m32 -march=i686 -mtune=generic -fno-pic -fno-pie -g
freestanding := $(machine) $(registers) -std=c++20 -O2 $(warnings) $(includes) \
    -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-use-cxa-atexit \
    -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
    -fno-strict-aliasing -fno-omit-frame-pointer -ffunction-sections -fdata-sections
freestanding_link := -m32 -nostdlib -static \
    -Wl,--gc-sections,--build-id=none,-z,noexecstack,-z,max-page-size=4096

# Hypervisor and kernels: the first three arguments come in eax, edx and ecx; a Result or a page-table entry goes back in registers, not
# through memory. The calls that the compiler makes up are no exception, so lib/libgcc_calls.cpp stands between.
kernel_abi := -mregparm=3 -freg-struct-return
comma := ,
libgcc_calls := __udivdi3 __umoddi3 __udivmoddi4 __divdi3 __moddi3 __divmoddi4 __ctzdi2 __popcountsi2
host := -std=c++20 -O2 -g $(warnings) $(includes)

# --- rules ------------------------------------------------------------------

# $(call objects,DIR,SOURCES): where the objects of SOURCES go.
objects = $(patsubst %,$(1)/%.o,$(2))

# $(call sources,FOLDERS): all C++ and assembler sources in or below FOLDERS.
sources = $(sort $(shell find $(wildcard $(1)) /dev/null -name '*.cpp' -o -name '*.S' 2>/dev/null))

# Several build folders, and a build after `make clean`, compile each source only once.
ccache := $(shell command -v ccache)
export CCACHE_DIR ?= $(CURDIR)/build/ccache
export CCACHE_NOHASHDIR := 1
export CCACHE_SLOPPINESS := pch_defines,time_macros,include_file_mtime,include_file_ctime
export CCACHE_PCH_EXTSUM := 1

# Tests by Catch2 are compiled in a quarter of the time without optimisation, which they do not need: what they test is optimised as
# before, and so are models, which run long.
catch_tests := tests/boot/% tests/domains/% tests/guest_disk/% tests/network/% tests/unit/%
quickly      = $(if $(filter $(catch_tests),$(filter-out %model_test.cpp,$(filter %_test.cpp,$(1)))),-O0 -DCATCH_CONFIG_FAST_COMPILE)

# $(call compile,DIR,FLAGS,BEFORE): how objects below DIR are made; BEFORE: what must be there first (headers that are fetched).  A
# change of the flags or the compiler makes them again, any other change of a makefile does not.
define compile
$(1)/%.cpp.o: %.cpp $(1)/.flags | $$(deps) $(3)
	@mkdir -p $$(@D)
	@echo '  CXX   $$<'
	@$$(ccache) $$(CXX) $(2) $$(call quickly,$$<) $$(precompiled) -MMD -MP -c -o $$@ $$<
$(1)/%.S.o: %.S $(1)/.flags | $$(deps)
	@mkdir -p $$(@D)
	@echo '  AS    $$<'
	@$$(CXX) $(filter-out -std=% -Wmissing-% -Wnon-%,$(2)) -D__ASSEMBLY__ -MMD -MP -c -o $$@ $$<
$(1)/.flags: flags-of-this-run
	@mkdir -p $$(@D)
	@echo '$$(CXX) $(2)' | cmp -s - $$@ || echo '$$(CXX) $(2)' >$$@
-include $$(shell find $(1) -name '*.d' 2>/dev/null)
endef

.PHONY: flags-of-this-run
flags-of-this-run: ;

# $(call precompile,DIR,HEADER,FLAGS,OBJECTS): the files of guestos/ among OBJECTS, which $(call compile,DIR,FLAGS) makes, begin
# with HEADER, parsed once.  The sum tells ccache that equal headers and flags give equal results in every build folder.
define precompile
$(1)/$(notdir $(2)).gch: $(2) $(1)/.flags | $$(deps)
	@echo '  PCH   $$<'
	@cp $$< $$(@:.gch=)
	@cat $$< $(1)/.flags | sha256sum >$$@.sum
	@$$(CXX) $(3) -x c++-header -o $$@ $$<
$(filter $(1)/guestos/%.cpp.o,$(4)): $(1)/$(notdir $(2)).gch
$(filter $(1)/guestos/%.cpp.o,$(4)): private precompiled := -include $(1)/$(notdir $(2)) -Winvalid-pch $(if $(findstring clang,$(CXX)),,-fpch-preprocess)
endef

# An image with a section .symbols gets its own function names into it.
# Listings beside each image, for reading a crash report: .asm and .sym.
define link
@echo '  LD    $@'
@$(CXX) $(freestanding_link) $(if $(filter %/lib/libgcc_calls.cpp.o,$^),$(libgcc_calls:%=-Wl$(comma)--wrap=%)) -Wl,-T,$(1) -o $@ $(filter %.o,$^) -lgcc
@tools/embed-symbols $@
@objdump -dC --no-show-raw-insn $@ >$(@:.elf=.asm)
@nm -nC $@ >$(@:.elf=.sym)
endef

# --- the hypervisor ---------------------------------------------------------

hv_objects := $(call objects,$(BUILD)/obj/hv,$(call sources,hv lib))
$(eval $(call compile,$(BUILD)/obj/hv,$(freestanding) $(kernel_abi)))

.PHONY: hv
hv: $(if $(wildcard hv/hv.ld),$(BUILD)/hv.elf) ## build the hypervisor, build/hv.elf
$(BUILD)/hv.elf: $(hv_objects) hv/hv.ld tools/embed-symbols
	$(call link,hv/hv.ld)

# --- the guest kernel, once for each architecture ---------------------------

include guestos/kernel/net/lwip/lwip.mk
include guestos/vdso/vdso.mk

# arch.mk sets arch_sources: what this architecture links besides the kernel,
# its own folder and x86-common (the parts of pvlib/ and drivers/ it needs).
define guestos
arch_sources :=
-include guestos/arch/$(1)/arch.mk
guestos_$(1)_objects := $$(call objects,$(BUILD)/obj/$(1),$$(sort \
    $$(call sources,guestos/kernel guestos/arch/x86-common guestos/arch/$(1) lib) $$(arch_sources))) \
    $(BUILD)/obj/vdso/vdso.o
guestos_$(1)_flags := $(freestanding) $(kernel_abi) -Iguestos -Iguestos/arch/$(1) -Iguestos/arch/x86-common $(lwip_includes)
$(call compile,$(BUILD)/obj/$(1),$$(guestos_$(1)_flags),$(lwip_stamp))
$$(eval $$(call precompile,$(BUILD)/obj/$(1),guestos/standard.hpp,$$(guestos_$(1)_flags),$$(guestos_$(1)_objects)))
.PHONY: guestos-$(1)
guestos-$(1): $(if $(wildcard guestos/arch/$(1)/link.ld),$(BUILD)/guestos-$(1).elf)
$(BUILD)/guestos-$(1).elf: $$(guestos_$(1)_objects) $(lwip_objects) guestos/arch/$(1)/link.ld tools/embed-symbols
	$$(call link,guestos/arch/$(1)/link.ld)
endef
$(eval $(call guestos,x86))
$(eval $(call guestos,pv-x86))

.PHONY: guestos
guestos: guestos-x86 guestos-pv-x86 ## build the guest kernel for both architectures

# --- fragments --------------------------------------------------------------

.PHONY: userland lodger initrd
userland:
lodger:
initrd: ## build the guest's first file system, build/initrd.cpio.gz

fragments := $(wildcard tools/*.mk userland/*.mk tests/*/*.mk tests/*/*/*.mk tests/*/*/*/*.mk)
include $(fragments)

# --- tests ------------------------------------------------------------------

# Every target test-NAME of a fragment is a suite, but those in $(long_suites), and what stands behind its colon is built
# before any runs.  The longest go first.
suites := $(shell sed -n 's/^\(test-[a-z0-9-]*\):.*/\1/p' $(fragments) /dev/null)
first  := check test-boot
suites := $(filter $(suites) check,$(first)) $(filter-out $(first) $(long_suites),$(sort $(suites)))
prerequisites := $(shell sed -n 's/^test-[a-z0-9-]*:\([^\#]*\).*/\1/p' $(fragments) /dev/null)

.PHONY: test what-tests-need
test: $(deps) ## run all tests; the last line is "N passed, N failed"
	@$(MAKE) --no-print-directory what-tests-need
	@tools/run-suites --logs $(BUILD)/test $(suites)

$(eval what-tests-need: all $(prerequisites)) ## build everything that the tests need

.PHONY: clean
clean: ## remove what was built, keep what was downloaded
	rm -rf $(filter-out $(addprefix $(BUILD)/,apt debs ccache),$(wildcard $(BUILD)/* $(BUILD)/.deps))
