# SPDX-License-Identifier: MIT
"""Whole programs of Debian's. What counts is the emulator's own processor time between two marks, for it repeats on a busy
machine where elapsed time does not; the guest waits at each mark until its clock has been read."""
from rows import PROGRAMS
from systems import Run

NAME, TITLE, UNIT, ROWS = 'programs', 'Programs', 'ms', PROGRAMS

def launches(options):
    return options.program_launches

def run(system, options):
    begin, best = 0.0, {}
    def on_line(fields):
        nonlocal begin
        if fields[0] != 'mark':
            return
        _, what, name, turn = fields
        if what == 'begin':
            options.progress(f'{system.name}: {name}')
            begin = machine.cpu_seconds()
        elif turn != '0':                                   # the first turn fills the caches
            best[name] = min(best.get(name, 1e9), (machine.cpu_seconds() - begin) * 1000)
        machine.answer()
    machine = Run(system, options.build, ['programs', str(options.program_turns)], seconds=1500)
    machine.go(on_line)
    return best
