# SPDX-License-Identifier: MIT
# The vDSO: a shared object for programs, which the kernel carries as bytes (symbols _binary_vdso_so_start and _end).

vdso_flags   := $(machine) -std=c++20 -O2 $(warnings) $(includes) -Iguestos -Iguestos/arch/x86-common -fvisibility=hidden \
    -fno-exceptions -fno-rtti -fno-stack-protector -fcf-protection=none -fasynchronous-unwind-tables -fomit-frame-pointer
vdso_objects := $(call objects,$(BUILD)/obj/vdso,$(call sources,guestos/vdso))
$(eval $(call compile,$(BUILD)/obj/vdso,$(vdso_flags)))

$(BUILD)/vdso.so: $(vdso_objects) guestos/vdso/vdso.ld
	@echo '  LD    $@'
	@$(CXX) -m32 -shared -nostdlib -Wl,-T,guestos/vdso/vdso.ld,-soname=linux-gate.so.1,--hash-style=both,--build-id=none \
	    -Wl,--eh-frame-hdr,-z,noexecstack,-z,max-page-size=4096,--no-undefined,-z,text,-s -o $@ $(filter %.o,$^)

$(BUILD)/obj/vdso/vdso.o: $(BUILD)/vdso.so
	@cd $(<D) && objcopy -I binary -O elf32-i386 -B i386 --rename-section .data=.rodata.vdso,alloc,load,readonly,data,contents \
	    $(<F) $(abspath $@)
