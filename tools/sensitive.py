# SPDX-License-Identifier: MIT
"""Which instructions a kernel may not use as before once it runs in ring 1: check-sensitive and port-scan share this.

Two kinds (Intel SDM Vol. 2, "Protected Mode Exceptions" of each; Vol. 3A, 5.9 "Privileged Instructions"): those that fault, and
those that lie - they run, and show or change the hardware's state instead of the guest's.
"""
import re, subprocess

FAULTS = set('cli sti hlt lgdt lgdtl lgdtw lidt lidtl lidtw lldt ltr lmsw clts invlpg invd wbinvd rdmsr wrmsr rdpmc xsetbv '
             'sysexit sysret in inb inw inl out outb outw outl ins insb insw insl outs outsb outsw outsl'.split())
LIES = set('popf popfl popfw pushf pushfl pushfw smsw sgdt sgdtl sgdtw sidt sidtl sidtw sldt str lar lsl verr verw iret iretl '
           'cpuid'.split())
REGISTERS = re.compile(r'%[cd]r\d|%db\d|%st\b|%[xyz]?mm\d')
FLOATING = re.compile(r'f\w+|xsave\w*|xrstor\w*')
PREFIXES = {'lock', 'rep', 'repz', 'repnz', 'data16', 'addr16', 'cs', 'ds', 'es', 'ss', 'fs', 'gs'}

def instructions(image):
    """Yield (function, address, mnemonic, whole text)."""
    text = subprocess.run(['objdump', '-d', '--no-show-raw-insn', image], check=True,
                          capture_output=True, text=True).stdout
    function = '?'
    for line in text.splitlines():
        if match := re.match(r'[0-9a-f]+ <(.+)>:$', line):
            function = match[1]
        elif match := re.match(r'\s*([0-9a-f]+):\s+(.+)', line):
            words = [word for word in match[2].split() if word not in PREFIXES]
            yield function, match[1], words[0] if words else '', match[2]

def without_emulated_cpuid(stream):
    """Drop `ud2; .ascii "xen"; cpuid`, which disassembles as ud2, js, outsb, cpuid: Xen's forced emulation makes it fine."""
    pending = list(stream)
    shape = ['ud2', 'js', 'outsb', 'cpuid']
    skip = 0
    for i, item in enumerate(pending):
        names = [entry[2].removesuffix('a') if entry[2] == 'ud2a' else entry[2]
                 for entry in pending[i:i + 5]]
        if skip:
            skip -= 1
        elif names[:4] == shape or names[:3] == shape[:2] + ['cpuid']:
            skip = names.index('cpuid')
        else:
            yield item

def sensitive(mnemonic, text):
    return mnemonic in FAULTS or mnemonic in LIES or bool(FLOATING.match(mnemonic)) or bool(REGISTERS.search(text))
