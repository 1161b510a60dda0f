# SPDX-License-Identifier: MIT
"""Suites: each module here is one kind of measurement.

    NAME   = 'time'                       # for --suites, and the key of its results
    TITLE  = 'Micro-benchmarks'
    UNIT   = 'µs'                         # of the values in the table; smaller is better
    ROWS   = [rows.Row(...), ...]
    def launches(options): ...            # how often each system is started; they take turns
    def run(system, options) -> {name: number}       # one launch
    def merge({system: [launch, ...]}, note) -> {system: {name: number}}   # optional; if not given, the least
    SYSTEMS = ('pv',)                     # optional: which systems can be measured so; if not given, all but guest

Whoever adds a module adds its name to SUITES.
"""
from . import counters, cpu, disk, instructions, micro, network, programs

SUITES = {s.NAME: s for s in (micro, instructions, counters, programs, disk, network, cpu)}
