# SPDX-License-Identifier: MIT
"""What the hypervisor did for one operation: the growth of /proc/xen/counters.  Only for a guest of ours in ring 1."""
from systems import Run

NAME, TITLE, UNIT, ROWS = 'counters', 'Hypervisor counters', 'per operation', []
SYSTEMS = ('pv',)

def launches(options):
    return 1

def run(system, options):
    counts = {}
    def on_line(fields):
        if fields[0] == 'count':
            counts.setdefault(fields[1], {})[fields[2]] = float(fields[3])
        options.progress(f'{system.name}: {" ".join(fields[1:3])}')
    Run(system, options.build, ['counters', *options.micro_rows]).go(on_line)
    return counts

def merge(every, note):
    return {system: runs[0] for system, runs in every.items()}
