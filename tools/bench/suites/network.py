# SPDX-License-Identifier: MIT
"""Networks: Debian's iperf3, and requests of one byte with their responses (userland/bench/network.cpp, answer.cpp).

    loopback   within the machine
    host       with programs on this computer, by the emulator's user network: 10.0.2.2 is 127.0.0.1 here
    machine    with another machine: for the guest another guest of the same domain 0, by its bridge; for the others a second emulator
               of the same system, by a socket between the two

All have a virtio network device, but the guest, whose front end reaches domain 0's device by its bridge. Time is elapsed time: of all
launches, the one that took least for a byte that arrived, or for a transaction."""
import contextlib, json, os, socket, subprocess, tempfile, time
from rows import NETWORK, PIECE
from systems import Failure, Run

NAME, TITLE, UNIT, ROWS = 'network', 'Networks', 'Mb/s that arrived; for a request and its response, µs', NETWORK
SYSTEMS = ('native', 'pv', 'guest', 'linux')
MEMORY = ['-m', '400']      # two guests and domain 0
DEVICE = 'virtio-net-pci,disable-legacy=on,romfile='

def launches(options):
    return options.program_launches

def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]

@contextlib.contextmanager
def child(command):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()

@contextlib.contextmanager
def servers_here(build):
    """What answers on this computer's loopback; the two ports."""
    ports = free_port(), free_port()
    try:
        with child(['iperf3', '-s', '-4', '-B', '127.0.0.1', '-p', str(ports[0])]) as one, \
             child([os.path.join(build, 'userland', 'bench'), 'answer', str(ports[1])]) as two:
            time.sleep(0.5)
            if one.poll() is not None or two.poll() is not None:
                raise Failure('iperf3 or build/userland/bench does not run on this computer (it has to run i386 programs)')
            yield ports
    except FileNotFoundError as missing:
        raise Failure(f'{missing.filename} is not there: `make deps` installs it') from None

@contextlib.contextmanager
def second_machine(system, build, folder):
    """Another emulator of the same system; what the first one needs to reach it."""
    path = os.path.join(folder, 'wire')
    end = f'addr.type=unix,addr.path={path}'
    other = Run(system, build, ['serve', 'eth0=10.0.3.2'], log='-peer', extra=[
        *MEMORY, '-netdev', f'stream,id=wire,server=on,{end}', '-device', f'{DEVICE},netdev=wire'])
    with child(other.command):
        for _ in range(100):
            if os.path.exists(path):
                break
            time.sleep(0.1)
        yield ['-netdev', f'stream,id=wire,server=off,{end}', '-device', f'{DEVICE},netdev=wire']

def microseconds(report):
    """Of iperf3's report: for a piece of a stream, as fast as it arrived."""
    end = report['end']
    if 'sum_received' in end and 'lost_packets' not in end['sum_received']:
        rate = end['sum_received']['bits_per_second']
    else:       # datagrams
        total = end['sum']
        rate = total['bits_per_second'] * (1 - total['lost_packets'] / max(total['packets'], 1))
    return PIECE * 8 / rate * 1e6 if rate else None

def run(system, options):
    found = {}
    def on_line(fields):
        if fields[0] == 'transaction':
            found[fields[1]] = float(fields[2])
        elif fields[0] == 'iperf':
            try:
                report = json.loads(fields[2])
            except json.JSONDecodeError as e:
                raise Failure(f"{system.name}: iperf3's report of \"{fields[1]}\" is no JSON ({e}): {fields[2][-60:]}") from None
            if value := microseconds(report):
                found[fields[1]] = value
        else:
            return
        options.progress(f'{system.name}: {fields[1]}')
    seconds = 1 if options.quick else 4
    only = ['only=' + row.strip('"').replace(' ', '_') for row in options.micro_rows[:1]]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix='lodger-bench-'))
        ports = stack.enter_context(servers_here(options.build))
        words = ['network', str(seconds), *only, 'eth0=10.0.2.15', 'host={},{}'.format(*ports)]
        extra = [*MEMORY, '-netdev', 'user,id=host', '-device', f'{DEVICE},netdev=host']
        if system.name == 'guest':
            words = ['noguest', *words, 'peer=10.0.2.16']
        else:
            extra += stack.enter_context(second_machine(system, options.build, folder))
            words += ['eth1=10.0.3.1', 'peer=10.0.3.2']
        Run(system, options.build, words, extra=extra, dom0_words='LODGER_NET=bridge ').go(on_line)
    return found
