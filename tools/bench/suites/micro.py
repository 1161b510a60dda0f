# SPDX-License-Identifier: MIT
"""Time of single operations: guarded minima within a launch (userland/bench/measure.cpp), the least over the launches.

The guest knows the best calibration of its own launch only.  Here all launches of all systems are compared: what was measured
while the calibration loop was slower than its best anywhere counts only if there is nothing better, and is noted."""
from rows import MICRO
from systems import Run

NAME, TITLE, UNIT, ROWS = 'time', 'Micro-benchmarks', 'µs', MICRO
TOLERANCE = 1.05

def launches(options):
    return options.launches

def run(system, options):
    ticks, rate = {}, None
    def on_line(fields):
        nonlocal rate
        if fields[0] == 'time':
            _, name, value, calibration, counted, made = fields
            ticks[name] = float(value), int(calibration)
            options.progress(f'{system.name}: {name} ({counted} of {made} batches undisturbed)')
        elif fields[0] == 'tsc':
            rate = float(fields[1]) / float(fields[2])      # ticks in a nanosecond
    Run(system, options.build, ['time', str(options.batches), str(options.seconds_per_row), *options.micro_rows]).go(on_line)
    return {name: {'us': value / rate / 1000, 'calibration': calibration} for name, (value, calibration) in ticks.items()}

def merge(every, note):
    """{system: [launch, ...]} to {system: {row: µs}}."""
    calibrations = [m['calibration'] for runs in every.values() for launch in runs for m in launch.values()]
    limit = min(calibrations, default=0) * TOLERANCE
    result = {}
    for system, runs in every.items():
        disturbed, result[system] = [], {}
        for row in set().union(*runs):
            measured = [launch[row] for launch in runs if row in launch]
            good = [m['us'] for m in measured if m['calibration'] <= limit]
            if not good:
                disturbed.append(row)
            result[system][row] = min(good or [m['us'] for m in measured])
        if disturbed:
            note(f'{system}: never measured undisturbed: {", ".join(sorted(disturbed))}')
    return result
