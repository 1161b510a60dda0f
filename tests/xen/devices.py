#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""devices.py BUILD: Xen's protocols with the original at the other end.

A guest of Debian's Xen, with Debian's xenstored and Linux in domain 0 and
Debian's own xenstore clients in the guest: tests/xen/devices-init says what it
does, tests/xen/beside what domain 0 does for it.
"""
import os, re, subprocess, sys

TIMEOUT = 360
BOOT_MEGABYTES = 96

def boot(build):
    command = ['tools/xen-boot', '--memory', str(BOOT_MEGABYTES), '--timeout', str(TIMEOUT),
               '--log', f'{build}/test/xen-devices.log', '--add', 'tests/xen/beside', '--add', f'{build}/xendev/peer',
               f'{build}/guestos-pv-x86.elf', f'{build}/xen-devices.cpio.gz']
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=TIMEOUT + 15)
        status, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as expired:
        status, output = 'time-out', expired.stdout or b''
    text = output.decode(errors='replace').replace('\r', '')
    with open(f'{build}/test/console-xen-devices.log', 'w') as file:
        file.write(text)
    return status, [line[2:] for line in text.splitlines() if line.startswith('| ')]

class Verdict:
    passed = failed = 0

    def check(self, good, what):
        if good:
            self.passed += 1
        else:
            self.failed += 1
        print(f'{"ok" if good else "FAILED"}: {what}')

def judge(verdict, status, lines):
    def has(pattern):
        return any(re.fullmatch(pattern, line) for line in lines)

    verdict.check(status == 0, f'the guest boots and switches off when asked to (status {status})')
    for what, pattern in (("Debian's xenstore-read", 'name lodger'), ('xenstore-write', "read Debian's own client"),
                          ('xenstore-list', 'list debian'), ('xenstore-exists', 'exists no'),
                          ('xenstore-watch, first', 'watch data/watched'),
                          ('xenstore-watch, a change below', 'watch data/watched/below'),
                          ('xenstore-rm', 'removed'), ('xenfs', 'xenfs xenbus'),
                          ('a page and a channel shared with Linux', 'ok peer.page_and_channel'),
                          ('its peer agrees', 'peer: 0'), ('xl mem-set', 'mem-set 48: 0'),
                          ('suspend is refused', 'log control: suspend'), ('xl sysrq', 'log sysrq: memory'),
                          ('features are announced', 'features 1 1 '), ('xl shutdown', 'asked to power off')):
        verdict.check(has(pattern), what)
    for line in lines:
        if match := re.fullmatch(r'(ok|FAILED) ((evtchn|store|grant|hostile|privcmd)\..*)', line):
            verdict.check(match[1] == 'ok', match[2])
    verdict.check(has(r'\d+ passed, 0 failed'), 'all tests of /dev/xen')
    sizes = [list(map(int, line.split()[1:])) for line in lines if line.startswith('balloon ')]
    verdict.check(sizes and sizes[0][1] <= 48 * 1024 < sizes[0][0] <= sizes[0][2],
                  f'the balloon takes and gives back (KB: {sizes[0] if sizes else "none"})')

def main():
    build = sys.argv[1]
    os.makedirs(f'{build}/test', exist_ok=True)
    verdict = Verdict()
    judge(verdict, *boot(build))
    print(f'{verdict.passed} passed, {verdict.failed} failed')
    sys.exit(verdict.failed > 0)

if __name__ == '__main__':
    main()
