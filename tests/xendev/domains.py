#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""domains.py BUILD: unprivileged domains of our hypervisor, as a person sees them who sits at domain 0's console.

domain 0: our xenstored, xenconsoled and pvctl, tests of /dev/xen, Debian's xenstore clients
guest "lodger": tests/xen/devices-init, the same as under Debian's Xen
guest "second": the ordinary system: console, orderly ends, another start
"""
import hashlib, os, pty, re, select, signal, subprocess, sys, time, tty

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'xen'))
from devices import Verdict, judge

PATIENCE = 150  # seconds, for one answer
PROMPT = 'ready[12]> '

class Machine:
    """QEMU's serial line, as a terminal."""

    def __init__(self, build):
        terminal, line = pty.openpty()
        tty.setraw(line)
        self.process = subprocess.Popen(
            ['qemu-system-x86_64', '-accel', 'tcg', '-cpu', 'max,-avx', '-m', '400', '-nodefaults', '-display', 'none',
             '-serial', 'stdio', '-no-reboot', '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04',
             '-kernel', f'{build}/hv.elf', '-append', 'dom0_mem=160M',
             '-initrd', f'{build}/guestos-pv-x86.elf noguest,{build}/xendev/domains.cpio'],
            stdin=line, stdout=line, stderr=subprocess.STDOUT, start_new_session=True)
        os.close(line)
        self.terminal, self.text, self.at = terminal, '', 0
        self.commands = 0
        self.log = open(f'{build}/test/console-domains.log', 'w')

    def pump(self, seconds):
        if select.select([self.terminal], [], [], seconds)[0]:
            try:
                came = os.read(self.terminal, 65536).decode(errors='replace').replace('\r', '')
                self.text += came
                self.log.write(came)
                self.log.flush()
            except OSError:
                return False
        return True

    def wait_for(self, pattern, seconds=PATIENCE):
        """The match, or None; what was printed until then is taken."""
        end = time.monotonic() + seconds
        while not (match := re.compile(pattern, re.M).search(self.text, self.at)):
            if time.monotonic() > end or not self.pump(0.2):
                return None
        self.before, self.at = self.text[self.at:match.start()], match.end()
        return match

    def type(self, keys):
        """As fast as the terminal takes it."""
        keys = keys.encode()
        while keys:
            self.pump(0)
            keys = keys[os.write(self.terminal, keys[:256]):]

    def enter(self, line):
        self.type(line + '\r')

    def command(self, line, seconds=PATIENCE):
        """What it printed, its echo before that."""
        self.commands += 1
        self.enter(f"{line}; echo 'en''d'{self.commands}.")
        if not self.wait_for(rf'end{self.commands}\.', seconds):
            raise TimeoutError(line)
        return self.before

    def use_shell(self, number):
        good = self.wait_for(r'# (\x1b\[6n)?')
        self.enter(f"PS1='ready''{number}> '")
        return bool(good and self.wait_for(rf'^ready{number}> '))

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.terminal)

def free_memory(machine):
    match = re.search(r'"free_mb": *(\d+)', machine.command('pvctl info --json'))
    return match and match[1]

def tests_in_domain_0(verdict, machine):
    text = machine.command('/guest/xendev-tests evtchn privcmd grant store hostile')
    for result, name in re.findall(r'^(ok|FAILED) (\w+\.\w+)', text, re.M):
        verdict.check(result == 'ok', f'domain 0: {name}')
    verdict.check(bool(re.search(r'^\d+ passed, 0 failed', text, re.M)), 'domain 0: all tests of /dev/xen')

def nodes_of_domain_0(verdict, machine):
    text = machine.command('xenstore-read /local/domain/0/name /local/domain/0/domid')
    verdict.check(text.split()[-2:] == ['Domain-0', '0'], 'domain 0: has its name and number in xenstore')

def device_guest(verdict, machine):
    machine.command('/guest/beside >/tmp/beside 2>&1 & pvctl create /guest/lodger.cfg; wait $!', 450)
    text = machine.command('cat /var/log/xen/console/guest-lodger.log; pvctl dmesg')
    ended = re.search(r'^\(hv\) domain \d+ ends: (.*)', text, re.M)
    judge(verdict, 0 if ended and ended[1] == 'power off' else ended and ended[1],
          [line[2:] for line in text.splitlines() if line.startswith('| ')])

def start_second(machine):
    machine.enter('pvctl create -c /guest/second.cfg; echo status $?')
    return machine.use_shell(2)

def detach(verdict, machine):
    machine.type('\x1d')
    machine.wait_for(r'^status \d+')
    verdict.check('dom0' in machine.command('hostname'), '^] leads back to domain 0')

def pasted(machine):
    """True if all bytes of a long text arrive that is typed while nobody reads."""
    text = ''.join(f'{i:03} a line of a paste that is longer than the ring\n' for i in range(300))
    machine.enter("stty raw -echo; echo 'go'ing; sleep 2; head -c %d >/tmp/x; stty sane; md5sum /tmp/x" % len(text))
    if not machine.wait_for('going'):
        return False
    machine.type(text)
    match = machine.wait_for(r'([0-9a-f]{32})  /tmp/x')
    return bool(match) and match[1] == hashlib.md5(text.encode()).hexdigest()

def console_of_the_second(verdict, machine):
    verdict.check(start_second(machine), 'second: a shell on hvc0')
    verdict.check('/dev/ttyS0' in machine.command('tty'), 'second: its terminal')
    lines = [line for line in machine.command('seq 1 9000').splitlines() if line.isdigit()]
    verdict.check(lines == [str(i) for i in range(1, 9001)], 'second: 43 KB of output, in order')
    verdict.check(pasted(machine), 'second: 15 KB of input while nobody reads')
    machine.enter('sh -c \'echo star""ted; cat >/dev/null\'')
    machine.wait_for('^started')
    machine.type('\x03')
    machine.wait_for('^' + PROMPT)  # a reader that ends may take with it what comes before
    verdict.check('130' in machine.command('echo $?'), 'second: ^C ends a program')

def hears_of_it(verdict, machine, what, times):
    machine.command("(trap 'sleep 0.4; echo told to end >/dev/console; exit' TERM; while :; do sleep 1; done) & true")
    detach(verdict, machine)
    machine.command(what)
    log = '/var/log/xen/console/guest-second.log'
    told = machine.command(f'until [ "$(grep -c "^told to end" {log})" = {times} ]; do sleep 0.2; done; echo go""od')
    verdict.check('good' in told, f'second: programs hear of an end ({times})')

def orderly_ends(verdict, machine):
    """Somebody in the guest hears of each end, by SIGTERM, and has time to finish; then the domain starts again, or goes."""
    number = "$(pvctl list second | awk 'NR == 2 { print $2 }')"
    hears_of_it(verdict, machine, f'before={number}; pvctl reboot second', 1)
    machine.command(f'until now={number}; [ -n "$now" ] && [ "$now" != "$before" ]; do sleep 0.2; done')
    machine.enter('pvctl console second; echo status $?')
    machine.enter('')
    verdict.check(machine.use_shell(2), 'second: has started again')
    hears_of_it(verdict, machine, 'xenstore-write /local/domain/$now/control/shutdown halt', 2)
    gone = machine.command('while pvctl list second >/dev/null 2>&1; do sleep 0.2; done; echo go""ne')
    verdict.check('gone' in gone, 'second: halted, it is no more')

def hang_up(verdict, machine):
    """A trap waits for the program in the foreground, and one that starts after the signal does not hear of it: short ones."""
    start_second(machine)
    machine.enter("""sh -c 'trap "" TERM; trap "echo hung up >/dev/console" HUP; kill -9 $PPID; while :; do sleep 0.1; done'""")
    verdict.check(machine.wait_for('^hung up'), 'second: the end of the session hangs the console up')
    verdict.check(machine.wait_for(r'^status 0$'), 'second: and without a shell it switches off')

def unread_console(verdict, machine):
    """A guest that fills the ring of its console while nobody empties it."""
    machine.command('killall xenconsoled; pvctl create /guest/second.cfg; sleep 6')
    text = machine.command('pvctl shutdown -w --timeout 50 second && echo en""ded')
    verdict.check('ended' in text, 'second: comes up with nobody at its console, and ends when asked to')

def main():
    build = sys.argv[1]
    os.makedirs(f'{build}/test', exist_ok=True)
    verdict, machine = Verdict(), Machine(build)
    try:
        verdict.check(machine.use_shell(1), 'domain 0 comes up')
        before = free_memory(machine)
        tests_in_domain_0(verdict, machine)
        nodes_of_domain_0(verdict, machine)
        device_guest(verdict, machine)
        verdict.check(before and free_memory(machine) == before, 'its memory is free again')
        console_of_the_second(verdict, machine)
        orderly_ends(verdict, machine)
        hang_up(verdict, machine)
        unread_console(verdict, machine)
        verdict.check(before and free_memory(machine) == before, 'all memory is free again')
    except TimeoutError as stuck:
        verdict.check(False, f'no answer to "{stuck}"')
    finally:
        machine.end()
    print(f'{verdict.passed} passed, {verdict.failed} failed')
    sys.exit(verdict.failed > 0)

main()
