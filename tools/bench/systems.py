# SPDX-License-Identifier: MIT
"""The systems that are compared, and one run of one of them in QEMU.

All get the same machine and the same initial file system (bench.mk), whose
/init is build/userland/bench; it is told what to do on the kernel's command
line and answers with lines that begin with "@".
"""
import os, select, signal, subprocess, time

QEMU = 'qemu-system-x86_64'
MEMORY_MB = 256
DOM0_MB = 112  # besides, under a guest domain that has the others

class Failure(Exception):
    """What went wrong, in one sentence for the user."""

class System:
    def __init__(self, name, title, files, boot):
        self.name, self.title, self.files, self.boot = name, title, files, boot

    def machine_mb(self):
        return MEMORY_MB + DOM0_MB + 32 if self.name == 'guest' else MEMORY_MB

    def missing(self, build):
        return [f for f in self.files if not os.path.exists(os.path.join(build, f))]

    def command(self, build, words, exact, extra=(), dom0_words=''):
        """The emulator's command line; `words` are for the guest's /init, `extra` for the emulator, `dom0_words` for a domain 0 with guests."""
        in_build = lambda name: os.path.join(build, name).replace(',', ',,')
        machine = [QEMU, '-accel', 'tcg', '-cpu', 'max', '-smp', '1', '-m', str(self.machine_mb()), '-nodefaults', '-display', 'none',
                   '-no-reboot', '-nic', 'none', '-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console',
                   '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04']
        if exact:  # the same instructions at every run
            machine += ['-icount', 'shift=0,sleep=off', '-rtc', 'base=2026-01-01,clock=vm', '-seed', '1']
        boot = self.boot(in_build, ' '.join(words), exact)
        if self.name == 'guest':
            boot = [part.replace(DOM0_WORDS, dom0_words) for part in boot]
        return machine + boot + list(extra)

def _initrd(path):
    return path('bench/initrd.cpio.gz')

def _native(path, words, exact):
    return ['-kernel', path('guestos-x86.elf'), '-initrd', _initrd(path), '-append', f'quiet -- {words}']

def _pv(path, words, exact):
    return ['-kernel', path('hv.elf'),
            '-initrd', f'{path("guestos-pv-x86.elf")} quiet -- {words.replace(",", ",,")},{_initrd(path)}']

DOM0_WORDS = '@DOM0@ '

def _guest(path, words, exact):
    return ['-kernel', path('hv.elf'), '-append', f'dom0_mem={DOM0_MB}M',
            '-initrd', f'{path("guestos-pv-x86.elf")} {DOM0_WORDS}quiet -- {words.replace(",", ",,")},{path("bench/dom0.cpio")}']

def _linux(path, words, exact):
    options = 'console=ttyS0 quiet mitigations=off panic=-1' + (' nokaslr norandmaps' if exact else '')
    return ['-kernel', path('bench/vmlinuz'), '-initrd', path('bench/linux.cpio.gz'), '-append', f'{options} -- {words}']

SYSTEMS = {s.name: s for s in (
    System('native', 'Lodger, ring 0', ['guestos-x86.elf'], _native),
    System('pv', 'Lodger, ring 1', ['hv.elf', 'guestos-pv-x86.elf'], _pv),
    System('guest', 'Lodger, a guest domain', ['hv.elf', 'guestos-pv-x86.elf', 'bench/dom0.cpio'], _guest),
    System('linux', 'Linux 6.1', ['bench/vmlinuz', 'bench/linux.cpio.gz'], _linux),
)}

class Run:
    """A machine from its start to its end. `on_line(fields)` gets each result line, split at tabs."""
    def __init__(self, system, build, words, exact=False, seconds=600, extra=(), dom0_words='', log=''):
        self.system, self.seconds = system, seconds
        self.command = system.command(build, words, exact, extra, dom0_words)
        self.console = os.path.join(build, 'bench', f'console-{system.name}{log}.log')

    def cpu_seconds(self):
        """What the emulator has used: the clock of its process, by clock_getcpuclockid(3)."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def answer(self):
        self.process.stdin.write(b'\n')

    def lines(self):
        """Console lines until the machine ends; a Failure if it does not, or ends too soon."""
        end, pending = time.monotonic() + self.seconds, b''
        out = self.process.stdout.fileno()
        with open(self.console, 'wb') as log:
            while True:
                left = end - time.monotonic()
                if left <= 0:
                    raise Failure(f'{self.system.title}: no end within {self.seconds} s; its console is in {self.console}')
                if not select.select([out], [], [], min(left, 1))[0]:
                    continue
                data = os.read(out, 65536)
                if not data:
                    return
                log.write(data)
                log.flush()
                *complete, pending = (pending + data).split(b'\n')
                yield from (line.decode(errors='replace').strip() for line in complete)

    def go(self, on_line):
        done = False
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        bufsize=0, start_new_session=True)
        try:
            for line in self.lines():
                if line.startswith('@failed'):
                    raise Failure(f'{self.system.title}: {line[8:]}')
                done = done or line.startswith('@done')
                if line.startswith('@'):
                    on_line(line[1:].split('\t'))
                if done and self.system.name == 'guest':  # domain 0 goes on
                    break
        finally:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if not done:
            raise Failure(f'{self.system.title} ended before its results were complete; its console is in {self.console}')
