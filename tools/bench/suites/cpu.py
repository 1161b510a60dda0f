# SPDX-License-Identifier: MIT
"""Processor time of QEMU for single operations, the average of many between two marks: for a host that is too busy for
guarded minima.  What a row prepares before each batch (userland/bench) is in it."""
from rows import MICRO
from systems import Run

NAME, TITLE, UNIT, ROWS = 'cpu', 'Processor time of single operations', 'µs', MICRO

def launches(options):
    return options.program_launches

def run(system, options):
    begin, average = 0.0, {}
    def on_line(fields):
        nonlocal begin
        if fields[0] != 'mark':
            return
        _, what, name, operations = fields
        if what == 'begin':
            options.progress(f'{system.name}: {name}')
            begin = machine.cpu_seconds()
        else:
            average[name] = (machine.cpu_seconds() - begin) * 1e6 / int(operations)
        machine.answer()
    machine = Run(system, options.build, ['marked', '400', *options.micro_rows])
    machine.go(on_line)
    return average
