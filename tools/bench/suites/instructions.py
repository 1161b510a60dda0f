# SPDX-License-Identifier: MIT
"""Instructions of single operations, exactly: QEMU counts them (-icount), and repeats the whole run to the instruction.

A count says nothing of what an instruction costs: one that loads CR3 counts as one."""
from rows import MICRO
from systems import Run

NAME, TITLE, UNIT, ROWS = 'instructions', 'Instructions', 'instructions', MICRO

def launches(options):
    return 1

def run(system, options):
    counts = {}
    def on_line(fields):
        if fields[0] == 'insn':
            counts[fields[1]] = float(fields[2])
            options.progress(f'{system.name}: {fields[1]}')
    Run(system, options.build, ['instructions', *options.micro_rows], exact=True).go(on_line)
    return counts
