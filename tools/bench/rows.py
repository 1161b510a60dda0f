# SPDX-License-Identifier: MIT
"""The rows of the table, in its order: which there are, and what the paper has for them.

A row is a name that the guest's program reports (userland/bench), or is
derived from two of them.  `paper`: XenoLinux/Linux in "Xen and the Art of
Virtualization" (SOSP 2003), tables 3 to 5, as far as it has the line.
"""

class Row:
    def __init__(self, name, paper=None, minus=None, of=None, show=None):
        self.name, self.paper = name, paper
        self.show = show           # the value's text in the table; if not given, the plain number
        self.of = of or name       # the reported row it comes from
        self.minus = minus         # a reported row to subtract

    def value(self, reported):
        """From {reported name: number}; None if it was not measured."""
        whole, part = reported.get(self.of), reported.get(self.minus) if self.minus else 0
        return None if whole is None or part is None else max(whole - part, 0)

MICRO = [
    Row('null call (int 0x80)', 1.02),
    Row('null call (vDSO)', 1.02),
    Row('read 1 byte', 1.00),
    Row('write 1 byte', 1.00),
    Row('clock_gettime'),
    Row('sched_yield'),
    Row('stat', 0.95),
    Row('open+close', 0.98),
    Row('select on 100'),
    Row('signal install', 1.01),
    Row('signal catch', 0.70),
    Row('protection fault, caught'),
    Row('protection fault', 1.32, of='protection fault, caught', minus='signal catch'),
    Row('page fault', 1.92),
    Row('first touch of a page'),
    Row('mmap+munmap 64k'),
    Row('mmap 8M, touch, munmap', 2.04),
    Row('fork+exit', 1.80),
    Row('fork+exec', 1.45),
    Row('fork+sh', 1.20),
    Row('thread create+join'),
    Row('context switch 2p/0k', 2.6, of='hop 2p/0k', minus='hop alone/0k'),
    Row('context switch 2p/16k', 2.4, of='hop 2p/16k', minus='hop alone/16k'),
    Row('context switch 8p/16k', 3.0, of='hop 8p/16k', minus='hop alone/16k'),
    Row('context switch 16p/16k', 2.0, of='hop 16p/16k', minus='hop alone/16k'),
    Row('pipe latency'),
    Row('pipe 64k'),
    Row('unix socket latency'),
    Row('futex ping-pong'),
    Row('file create 0k'),
    Row('file delete 0k'),
    Row('file create 10k'),
    Row('file delete 10k'),
]
PROGRAMS = [Row(name) for name in ('tcc, 40 files', 'gzip 1 MB', 'xz 1 MB', 'script, 200 forks', 'sqlite, 3000 inserts')]
DISK = [Row(f'{verb} {size}, {order}{many}') for verb in ('read', 'write') for size in ('4k', '128k')
        for order in ('in a row', 'random') for many in ('', ', 16 at once')]
DISK += [Row('dd read 16 MB, direct'), Row('dd write 16 MB, fsync')]

PIECE = 1 << 16     # a stream's value is the time for so many bytes

def megabits(microseconds):
    return '-' if microseconds is None else f'{PIECE * 8 / microseconds:.1f} Mb/s'

def duration(microseconds):
    return '-' if microseconds is None else f'{microseconds:.0f} µs'

NETWORK = [Row(f'{peer}: {load}', show=duration if 'request' in load else megabits)
           for peer in ('loopback', 'host', 'machine')
           for load in ('TCP out', 'TCP in', 'TCP out, 4 at once', 'TCP in, 4 at once', 'UDP out', 'UDP in', 'TCP request', 'UDP request')
           if peer != 'loopback' or ' in' not in load]
