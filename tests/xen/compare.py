#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare.py BUILD: boot BUILD/guestos-pv-x86.elf with BUILD/xen-test.cpio.gz
on our hypervisor and on Debian's Xen, and compare what the guest prints.

It proves that the guest needs nothing that a real Xen does not give (its PV
console ring, clock, timer and events), and that ours behaves like it.
A machine that does not boot is a failure, never an error.
"""
import os, re, subprocess, sys, threading, time

TIMEOUT = {'ours': 120, 'xen': 240}     # seconds; usual are 10 and 40
CLOCK_TOLERANCE = 60                    # seconds between the guest's wall clock and ours
SLEEP_RANGE = (1990, 4000)              # milliseconds that `sleep 2` may take on a busy machine

def commands(build):
    kernel, initrd = f'{build}/guestos-pv-x86.elf', f'{build}/xen-test.cpio.gz'
    return {
        'ours': ['qemu-system-x86_64', '-accel', 'tcg', '-cpu', 'max', '-m', '128', '-nodefaults',
                 '-display', 'none', '-serial', 'stdio', '-no-reboot',
                 '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04',
                 '-kernel', f'{build}/hv.elf', '-initrd', f'{kernel} ,{initrd}'],
        'xen': ['tools/xen-boot', '--memory', '128', '--timeout', str(TIMEOUT['xen']),
                '--log', f'{build}/test/xen.log', kernel, initrd],
    }

class Run:
    """One boot: status, the script's sections, measurements."""
    def __init__(self, name, command, build):
        self.name, self.status, self.sections, self.measured = name, None, {}, {}
        try:
            process = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, timeout=TIMEOUT[name] + 15)
            output, self.status = process.stdout, process.returncode
        except subprocess.TimeoutExpired as expired:
            output, self.status = expired.stdout or b'', 'time-out'
        self.ended = time.time()
        self.text = output.decode(errors='replace').replace('\r', '')
        self.log = f'{build}/test/console-{name}.log'
        with open(self.log, 'w') as file:
            file.write(self.text)
        self.parse()

    def parse(self):
        section = None
        for line in self.text.splitlines():
            if line.startswith('|# '):
                section = self.sections.setdefault(line[3:], [])
            elif line.startswith('|') and section is not None:
                section.append(line[1:])
            elif match := re.match(r'@(\w+) (\d+)$', line):
                self.measured[match[1]] = int(match[2])

class Verdict:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, good, what, remark=''):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print(f'{"ok" if good else "FAILED"}: {what}{"" if good or not remark else ": " + remark}')

def expected_sections():
    with open('tests/xen/script.sh') as script:
        return re.findall(r'^section (\w+)$', script.read(), re.M)

def main():
    build = sys.argv[1]
    os.makedirs(f'{build}/test', exist_ok=True)
    runs, started = {}, time.time()
    threads = [threading.Thread(target=lambda n=name, c=command: runs.__setitem__(n, Run(n, c, build)))
               for name, command in commands(build).items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ours, xen = runs['ours'], runs['xen']

    verdict = Verdict()
    for run in (ours, xen):
        verdict.check(run.status == 0, f'{run.name}: boots, runs the script and switches off',
                      f'status {run.status}, see {run.log}')
        wall, slept = run.measured.get('wall', 0), run.measured.get('slept', 0)
        verdict.check(started - CLOCK_TOLERANCE < wall < run.ended + CLOCK_TOLERANCE,
                      f'{run.name}: wall clock', f'{wall}, ours is {run.ended:.0f}')
        verdict.check(SLEEP_RANGE[0] <= slept <= SLEEP_RANGE[1], f'{run.name}: sleep 2',
                      f'took {slept} ms')
    for name in expected_sections():
        mine, theirs = ours.sections.get(name), xen.sections.get(name)
        verdict.check(bool(mine) and mine == theirs, f'same output: {name}', first_difference(mine, theirs))
    print(f'{verdict.passed} passed, {verdict.failed} failed')
    sys.exit(verdict.failed > 0)

def first_difference(mine, theirs):
    if not mine or not theirs:
        return 'no output on ' + ' and '.join(name for name, text in (('ours', mine), ('xen', theirs)) if not text)
    for ours, xen in zip(mine + ['(end)'], theirs + ['(end)']):
        if ours != xen:
            return f'ours {ours!r}, xen {xen!r}'
    return ''

main()
