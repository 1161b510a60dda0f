# SPDX-License-Identifier: MIT
"""Disks: Debian's fio and dd (userland/bench/disks.cpp). All systems have the same virtio disk, a file that QEMU keeps in this
machine's memory (cache=unsafe: what is flushed does not wait for this machine's disk); the guest has it behind domain 0's back end.

Time is elapsed time in the guest: the least of several rounds of fio's, of several dd, and of all launches."""
import os, tempfile
from rows import DISK
from systems import Run

NAME, TITLE, UNIT, ROWS = 'disk', 'Disks: one transfer', 'µs', DISK
SYSTEMS = ('native', 'pv', 'guest', 'linux')
DISK_MB = 64

def launches(options):
    return options.program_launches

def run(system, options):
    found = {}
    def on_line(fields):
        if fields[0] == 'disk':
            found[fields[1]] = float(fields[2])
            options.progress(f'{system.name}: {fields[1]}')
    with tempfile.NamedTemporaryFile(dir=os.path.join(options.build, 'bench'), suffix='.img') as image:
        image.write(os.urandom(1 << 20) * DISK_MB)
        image.flush()
        extra = ['-drive', f'file={image.name.replace(",", ",,")},format=raw,if=none,id=disk,cache=unsafe',
                 '-device', 'virtio-blk-pci,drive=disk,disable-legacy=on',
                 '-drive', f'file={os.path.join(options.build, "fio.img").replace(",", ",,")},format=raw,if=none,id=fio,read-only=on',
                 '-device', 'virtio-blk-pci,drive=fio,disable-legacy=on']
        Run(system, options.build, ['disks', '1'], extra=extra).go(on_line)
    return found
