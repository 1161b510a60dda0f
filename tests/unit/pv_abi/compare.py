#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The ABI headers in include/pv against Xen's own (Debian's libxen-dev), fact by fact.

The names clash, so each side is compiled by itself at -m32 and its facts are read from the object: every
structure's size and every member's offset and size from DWARF, every constant from the compiler's
assembly. The facts of our side are found by machine (each structure, member and #define in any header),
so that nothing new goes unchecked. Then each header must compile alone, in each language it promises.

usage: compare.py WORK-DIRECTORY        prints each failure, then "N passed, N failed"
"""
import pathlib
import re
import subprocess
import sys

from layouts import layouts

ROOT = pathlib.Path(__file__).resolve().parents[3]
HEADERS = sorted((ROOT / "include/pv").rglob("*.h"))

XEN = ["xen", "event_channel", "sched", "vcpu", "version", "memory", "physdev", "callback", "nmi",
       "elfnote", "features", "errno", "grant_table", "domctl", "sysctl", "platform", "io/console",
       "io/xs_wire", "io/xenbus", "io/protocols", "io/blkif", "io/netif"]
XEN_PRELUDE = ["#define __XEN_TOOLS__ 1", "#define __XEN_INTERFACE_VERSION__ 0x00040e00",
               "#include <stddef.h>", "#include <stdint.h>", "#include <string.h>",
               "#include <linux/ioctl.h>"]
XEN_SYS = ["privcmd", "evtchn", "gntdev", "gntalloc", "xenbus_dev"]

# Ours alone: the headers' own machinery, and a name for a size that Xen spells as a number.
OURS = re.compile(r"PV_\w+")
# Macros that declare or change something and have no value to compare.
NO_VALUE = {"XEN_GUEST_HANDLE", "XEN_GUEST_HANDLE_64", "set_xen_guest_handle_64",
            "TI_GET_DPL", "TI_GET_IF", "TI_SET_DPL", "TI_SET_IF"}
# Macros and functions with arguments are compared at these.
SAMPLES = ["xen_pfn_to_cr3(0x00345678)", "xen_pfn_to_cr3(0xabcdef01)", "xen_cr3_to_pfn(0xfedcba98)",
           "XENMEMF_address_bits(31)", "XENMEMF_get_address_bits(0x10020)",
           "XEN_DOMCTL_GRANT_version(0x72)", "MASK_XENSTORE_IDX(5000)",
           "MASK_XENCONS_IDX(5000, ((struct xencons_interface *)0)->out)",
           "TI_GET_DPL(&(struct trap_info){.flags = 7})", "TI_GET_IF(&(struct trap_info){.flags = 7})"]
# What Xen's structures have and ours leave out on purpose: other spellings of a register, operations
# outside the subset, one driver's private byte in a ring.
LEFT_OUT = re.compile(r"struct ((cpu_user_regs|vcpu_guest_context\.user_regs)\.(_?e?[a-z]{2}|_?e?flags)"
                      r"|(xen_domctl|xen_sysctl|xen_platform_op)\.u\..*"
                      r"|\w+_sring\.pvt\..*)")


def run(*command, text=None):
    return subprocess.run(command, input=text, capture_output=True, text=True)


def macros():
    """Names of our #defines without and with arguments."""
    plain, called = [], set()
    for header in HEADERS:
        for name, bracket in re.findall(r"^#\s*define\s+(\w+)(\(?)", header.read_text(), re.M):
            if OURS.fullmatch(name):
                continue
            if bracket:
                called.add(name)
            elif name not in plain:
                plain.append(name)
    return plain, called


class Side:
    """One set of headers: the source that includes them, and the facts it states."""

    def __init__(self, name, work, prelude, flags):
        self.name, self.work, self.flags = name, work, ["-m32", "-w", *flags]
        self.prelude = "\n".join(prelude) + "\n"
        source, made = work / f"{name}.c", work / f"{name}.o"
        source.write_text(self.prelude)
        self.must(run("gcc", *self.flags, "-g", "-fno-eliminate-unused-debug-types", "-c",
                      str(source), "-o", str(made)))
        self.records, self.enumerators = layouts(str(made))

    def must(self, result):
        if result.returncode:
            sys.exit(f"{self.name} headers do not compile:\n{result.stderr}")
        return result.stdout

    def constants(self, names):
        """{name: value}, a number or a string; a name this side lacks is left out."""
        probe = self.prelude + "".join(f'#ifdef {name}\n@@ "{name}" {name}\n#endif\n'
                                       for name in names)
        text = self.must(run("gcc", *self.flags, "-E", "-P", "-xc", "-", text=probe))
        values, numeric = {}, []
        for name, body in re.findall(r'^@@ "(\w+)" ?(.*)$', text, re.M):
            if body.startswith('"'):
                values[name] = "".join(re.findall(r'"([^"]*)"', body))
            elif body:
                numeric.append(name)
        values.update(self.numbers(numeric))
        for name in names:
            if name not in values and name in self.enumerators:
                values[name] = self.enumerators[name]
        return values

    def numbers(self, expressions):
        """Each expression's value as the compiler puts it into assembly, in two halves."""
        lines = [f'    asm volatile("@@ {index} %c0 %c1" :: "i"((unsigned)((long long)({text}) '
                 f'& 0xffffffff)), "i"((unsigned)((unsigned long long)(long long)({text}) >> 32)));'
                 for index, text in enumerate(expressions)]
        probe = self.prelude + "void probe(void)\n{\n" + "\n".join(lines) + "\n}\n"
        text = self.must(run("gcc", *self.flags, "-O2", "-S", "-xc", "-", "-o", "-", text=probe))
        values = {}
        for index, low, high in re.findall(r"@@ (\d+) (-?\d+) (-?\d+)", text):
            low, high = int(low) & 0xffffffff, int(high) & 0xffffffff
            # An int -1 and an unsigned 0xffffffff are the same bits to whoever passes them.
            value = low if high in (0, 0xffffffff) and (high == 0 or low >> 31) else high << 32 | low
            values[expressions[int(index)]] = value
        return values


class Score:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, good, sentence):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAIL {sentence}")

    def equal(self, what, ours, xen):
        self.check(ours == xen, f"{what}: ours {ours}, Xen's {xen}")


def compare_constants(score, ours, xen):
    plain, called = macros()
    mine, theirs = ours.constants(plain), xen.constants(plain)
    for name in plain:
        if name in mine:  # an include guard has no value
            score.equal(name, mine[name], theirs.get(name, "none"))
    sampled = {re.match(r"\w+", sample)[0] for sample in SAMPLES}
    for name in sorted(called - NO_VALUE - sampled):
        score.check(False, f"{name}(): a macro with arguments needs a sample in compare.py")
    mine, theirs = ours.numbers(SAMPLES), xen.numbers(SAMPLES)
    for sample in SAMPLES:
        score.equal(sample, mine.get(sample), theirs.get(sample))


def compare_structures(score, ours, xen):
    for record, (size, members) in sorted(ours.records.items()):
        if record not in xen.records:
            score.check(False, f"{record}: Xen has none of that name")
            continue
        xen_size, xen_members = xen.records[record]
        score.equal(f"sizeof({record})", size, xen_size)
        for path, place in members.items():
            score.equal(f"{record}.{path} (offset, bytes)", place, xen_members.get(path, "none"))
        for path in xen_members:
            if path not in members:
                score.check(LEFT_OUT.fullmatch(f"{record}.{path}"), f"{record}.{path}: ours lacks it")


def compare_list(score, ours):
    """The hypercall list agrees with the constants, and holds each of them."""
    names = [name for name in macros()[0] if name.startswith("__HYPERVISOR_")]
    text = ours.must(run("gcc", *ours.flags, "-E", "-P", "-xc", "-", text=ours.prelude +
                         "#define CALL(name, number, arguments) @@ name number\n"
                         "PV_HYPERCALL_LIST(CALL)\n"))
    listed = {f"__HYPERVISOR_{name}": int(number)
              for name, number in re.findall(r"@@ (\w+) (\d+)", text)}
    for name, value in ours.constants(names).items():
        if not re.search(r"_arch_[1-7]$", name):  # reserved, without meaning on x86
            score.equal(f"PV_HYPERCALL_LIST, {name}", listed.get(name), value)


LANGUAGES = [["g++", "-std=c++20", "-xc++"], ["clang++", "-std=c++20", "-xc++"],
             ["gcc", "-std=c11", "-xc"], ["clang", "-std=c11", "-xc"],
             ["gcc", "-xassembler-with-cpp"]]


def compile_alone(score, work):
    for header in [*HEADERS, *sorted((ROOT / "include/pv").rglob("*.hpp"))]:
        for compiler, *options in LANGUAGES:
            if header.suffix == ".hpp" and "-xc++" not in options:
                continue
            for width in ("-m32", "-m64"):
                code = f'#include "{header}"\n'
                if "-xassembler-with-cpp" not in options:
                    code += f'#include "{header}"\nextern int not_empty;\n'
                result = run(compiler, *options, width, "-Wall", "-Wextra", "-Wpedantic", "-Wshadow",
                             "-Wconversion", "-Werror", "-c", "-", "-o", str(work / "alone.o"),
                             text=code)
                name = header.relative_to(ROOT)
                score.check(result.returncode == 0,
                            f"{name} as {compiler} {' '.join(options)} {width}:\n{result.stderr}")


def assemble(score, ours):
    """Every number is one to the assembler too."""
    names = macros()[0]
    numbers = [name for name, value in ours.constants(names).items() if isinstance(value, int)]
    code = ours.prelude + "".join(f".quad {name}\n" for name in numbers)
    result = run("gcc", "-xassembler-with-cpp", "-m32", "-c", "-", "-o", str(ours.work / "numbers.o"),
                 text=code)
    score.check(result.returncode == 0, f"constants in assembly:\n{result.stderr}")


def main():
    work = pathlib.Path(sys.argv[1])
    work.mkdir(parents=True, exist_ok=True)
    ours = Side("ours", work, [f'#include "{header}"' for header in HEADERS], [])
    xen = Side("xen", work, XEN_PRELUDE + [f"#include <xen/{name}.h>" for name in XEN]
               + [f"#include <xen/sys/{name}.h>" for name in XEN_SYS], [])
    score = Score()
    compare_constants(score, ours, xen)
    compare_structures(score, ours, xen)
    compare_list(score, ours)
    assemble(score, ours)
    compile_alone(score, work)
    print(f"{score.passed} passed, {score.failed} failed")
    return 1 if score.failed else 0


if __name__ == "__main__":
    sys.exit(main())
