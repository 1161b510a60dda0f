#!/bin/bash
# SPDX-License-Identifier: MIT
# Dynamically linked programs out of Debian's i386 packages: bash, dash, GNU coreutils, sed, grep, mawk, findutils, tar, gzip,
# bzip2, xz, diffutils, procps, perl, python3. Each case prints what depends on nothing but its input; the same script runs in
# the guest and, in a chroot of the same files, on the host's Linux, and both outputs must be equal.
# Usage: programs.sh FOLDER (empty, to work in).
cd "$1" || exit 1
export LC_ALL=C TZ=UTC PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root
umask 022
n=0
# t NAME COMMAND...: runs a bash command line, shows its output and status.
t() {
    n=$((n + 1))
    echo "== $1"
    shift
    (eval "$*") 2>&1 </dev/null
    echo "-> $?"
}

seq 1 2000 >numbers
printf 'pear 3\napple 1\nfig 2\napple 1\n' >fruit
mkdir -p tree/a/b tree/c
for i in 1 2 3 4 5 6; do seq "$i" 400 >"tree/a/$i"; echo "$i" >"tree/c/f$i"; done
ln -s ../a/1 tree/c/link
ln tree/a/2 tree/a/hard

# --- what they are -------------------------------------------------------------
t dynamic 'for p in bash ls perl python3.11 grep tar xz; do head -c 4 $(type -P $p) | tail -c 3; echo; done'
t loader '/lib/ld-linux.so.2 --list /bin/ls | grep -v linux-gate | sed "s/(0x[0-9a-f]*)//" | sort'
t preload 'LD_BIND_NOW=1 ls -d tree; LD_DEBUG=files /bin/true 2>&1 | grep -c "calling init"'

# --- bash ------------------------------------------------------------------------
t bash-arrays 'a=(one "two three" four); a+=(five); echo ${#a[@]} "${a[1]}" "${a[@]:1:2}" "${!a[@]}"; unset "a[0]"; echo "${a[*]}"; declare -A m=([x]=1 [y]=2); for k in x y; do echo $k=${m[$k]}; done'
t bash-strings 's="Hello World"; echo ${s^^} ${s,,} ${s/World/There} ${s:6} ${s: -5:3} ${#s} ${s%% *} ${s##* } ${s//o/0}'
t bash-process-substitution 'diff <(sort fruit) <(sort -u fruit); paste <(seq 3) <(seq 4 6); tee >(wc -l >lines) <numbers >/dev/null; for i in {1..100}; do [ -s lines ] && break; sleep 0.02; done; cat lines'
t bash-here 'cat <<END; cat <<<"string $((6*7))"
here $((2+3)) $(echo substituted)
END'
t bash-mapfile 'mapfile -t lines <fruit; echo ${#lines[@]} "${lines[2]}"; while IFS=" " read -r name count; do ((sum+=count)); done <fruit; echo $sum'
t bash-regex '[[ "release 12.5" =~ ([0-9]+)\.([0-9]+) ]] && echo ${BASH_REMATCH[1]} ${BASH_REMATCH[2]}'
t bash-arithmetic 'echo $((2**31)) $((2**62)) $((-7/2)) $((-7%3)) $((0x1f ^ 2#11)) $((1<<40)); ((x=5,x++)); echo $x; for ((i=0;i<3;i++)); do printf "%d " $i; done; echo'
t bash-functions 'fib() { local n=$1; ((n<2)) && { echo $n; return; }; echo $(($(fib $((n-1)))+$(fib $((n-2))))); }; fib 9'
t bash-coproc 'coproc C { while read -r l; do echo "got $l"; done; }; echo one >&${C[1]}; read -r r <&${C[0]}; echo "$r"; eval "exec ${C[1]}>&-"; wait $C_PID; echo $?'
t bash-traps 'trap "echo exit" EXIT; trap "echo usr1" USR1; trap "echo err" ERR; kill -USR1 $BASHPID; false; (trap - EXIT; exit 0)'
t bash-descriptors 'exec 5>out5; echo five >&5; exec 5>&-; cat out5; exec 6<fruit; read -r l <&6; echo $l; exec 6<&-; { echo out; echo err >&2; } 2>&1 >/dev/null; echo x >&7'
t bash-jobs 'sleep 0.2 & sleep 0.1 & wait -n; echo $?; wait; echo $?; (exit 3) & wait $!; echo $?; set -m; sleep 5 & kill -TERM %1; wait %1; echo $?'
t bash-pipestatus 'false | true | (exit 4); echo ${PIPESTATUS[@]}; set -o pipefail; false | true; echo $?'
t bash-ulimit 'ulimit -n 64; ulimit -n; { bash -c "ulimit -f 1; dd if=/dev/zero of=big bs=1k count=4"; } 2>/dev/null; echo $?; stat -c %s big; (ulimit -t 1; ulimit -t)'
t bash-printf 'printf "%5d|%-5s|%05.1f|%x|%q\n" 42 ab 3.14159 255 "a b"; printf "%(%Y-%m-%d)T\n" 86400; printf -v v "%s-%s" a b; echo $v'
t bash-interactive 'echo "echo interactive \$((1+1)); exit 5" | bash --norc --noprofile -i 2>/dev/null; echo $?'
t dash 'dash -c "f() { local x=\$1; echo \$x; }; f in; trap \"echo bye\" EXIT; echo \${HOME##*/}; exit 3"'

# --- coreutils --------------------------------------------------------------------
t ls 'ls -l --time-style=+ tree/a | sed "s/^total.*//" | tr -s " "; ls -1R tree; ls -li tree/a | sort -n | awk "{ print \$3 }" | sort | uniq -c | tr -s " "'
t sort 'sort --parallel=4 -rn numbers | head -n 3; shuf numbers | sort -n | cmp - numbers; sort -k2,2n -k1,1r fruit; sort -R numbers | wc -l; seq 30000 | shuf | sort -n -S 100k -T . | md5sum'
t split 'split -n l/4 --filter="wc -l" numbers | paste -sd+ | bc; split -l 500 -d numbers part-; wc -l part-* | tr -s " "; csplit -z fruit /fig/ ; head -n 1 xx01'
t text 'tac fruit; nl fruit; paste -sd, fruit; cut -d" " -f1 fruit | tr a-z A-Z; fold -w 3 <<<abcdefg; fmt -w 10 <<<"a bb ccc dddd eeeee"; pr -t -2 -l 5 <<<$(seq 6); expand -t 4 <<<$(printf "a\tb"); join <(sort -u fruit) <(sort -u fruit); comm -12 <(seq 5) <(seq 3 8); tsort <<<"a b b c"; uniq -c <(sort fruit)'
t numbers 'factor 360 97 4294967297; numfmt --to=iec 1048576; expr 6 \* 7; seq -s, 1 0.5 3; od -An -tx1 -N8 numbers; basenc --base32 <<<lodger; base64 <<<lodger'
t checksums 'md5sum numbers; sha1sum numbers; sha256sum numbers; sha512sum numbers; b2sum numbers; cksum numbers; sum numbers; md5sum numbers | md5sum -c'
t cp 'cp -a tree copy; diff -r tree copy && echo same; stat -c "%h %F" copy/a/hard copy/c/link; cp --sparse=always /dev/stdin sparse < <(head -c 1M /dev/zero); stat -c "%s %b" sparse; cp --reflink=auto numbers n2; cmp numbers n2; cp -u numbers n2; cp -l numbers n3; stat -c %h n3; cp -s $PWD/numbers n4; readlink n4 | sed "s,.*/,,"'
t mv 'mkdir m; mv n2 n3 m/; ls m; mv -n fruit m/n2; mv -T m m2; ls -d m2; mv -b m2/n2 m2/n3; ls m2; install -D -m 640 numbers i/j/k; stat -c %a i/j/k; rm -rv m2 | sort'
t dd 'dd if=numbers of=d bs=100 skip=1 count=3 seek=2 conv=notrunc,sync 2>&1 | head -n 2; stat -c %s d; dd if=/dev/zero bs=64k count=16 2>/dev/null | md5sum; dd if=numbers iflag=fullblock bs=1M 2>/dev/null | cmp - numbers; truncate -s 5M hole; dd if=hole of=hole2 conv=sparse bs=64k 2>/dev/null; stat -c "%s %b" hole2'
t stat 'touch -d "2001-02-03 04:05:06.123456789" s; stat -c "%y %Y %a %A %u %g %F" s; chmod 4755 s; stat -c %A s; chown 12:34 s; stat -c "%u:%g" s; touch -d 2040-01-01 s; stat -c %Y s; stat -f -c %T .; test s -nt numbers; echo $?'
t date 'date -d "2024-02-29 +1 year" +%F; date -d @86399 +%T; date -ud "2000-01-01 00:00 UTC" +%s; date -d "last monday" +%u'
t links 'ln -s nowhere dangling; readlink -f dangling | sed "s,.*/,,"; realpath --relative-to=tree/a tree/c; ln -sf tree dangling; readlink dangling; mktemp -u XXXX | wc -c; pathchk "$(printf %0300d 1)"'
t fifos 'mkfifo p; (for i in 1 2 3; do echo $i; done >p) & cat p; wait; timeout 0.3 cat p; echo $?; mknod null c 1 3; echo x >null; stat -c "%t %T" null'
t tail 'seq 5 >grow; (sleep 0.3; echo six >>grow; sleep 0.5) & tail -f -s 0.1 --pid=$! -n 2 grow; head -c -5 fruit | tail -c 3; tail -n +3 fruit'
t timeouts 'timeout 0.2 sleep 9; echo $?; { timeout -s KILL 0.2 sleep 9; } 2>/dev/null; echo $?; timeout 5 sh -c "exit 9"; echo $?; timeout --foreground 0.2 sh -c "trap \"echo term; exit 1\" TERM; sleep 9 & wait"; echo $?'
t environment 'env -i A=1 B=2 env | sort; env -u HOME printenv HOME; nice -n 5 nice; nohup true; id -u; id -nG 2>/dev/null; whoami; groups; uname -sm | sed s/x86_64/i686/; stdbuf -oL echo line; nproc --ignore=100; printenv TZ; hostid | wc -c'
t du 'du -b --apparent-size tree/c | tail -n 1 | cut -f2; df -P . | wc -l; sync -f .; sync numbers; shred -u -n 1 s; ls s'
t chroot 'chroot / /bin/echo in; chroot --userspec=65534:65534 / /usr/bin/id -u'
t users '(umask 077; echo s >secret); stat -c %a secret; chroot --userspec=1000:1000 / /bin/bash -c "cat $PWD/secret; touch $PWD/x; cd /root; id -u; kill -0 1" 2>&1 | sed "s/.*: //"'

# --- sed, grep, awk, find, diff -----------------------------------------------------
t sed 'sed -n "s/^\(.\)\(.*\) \(.\)$/\3 \1-\2/p" fruit; sed -i.bak "1d;s/fig/FIG/" fruit; cat fruit; mv fruit.bak fruit; sed -E "y/abc/xyz/;2{h;d};\${G}" fruit; seq 10 | sed -n "2~3p;\$="; sed -s -n "\$=" numbers fruit'
t grep 'grep -c 7 numbers; grep -nE "^(pear|fig)" fruit; grep -rl 399 tree | sort; grep -v 1 fruit; grep -oP "\w+(?= 1)" fruit; grep -q zzz fruit; echo $?; grep -w -A1 -B1 fig fruit; grep -F -x "fig 2" fruit; printf "a\0b" | grep -az b | tr "\0" .'
t awk 'awk "{ s += \$2; c[\$1]++ } END { print s, length(c); for (k in c) print k, c[k] | \"sort\" }" fruit; awk "BEGIN { printf \"%.3f %d %s\n\", atan2(0,-1), 2^31, toupper(substr(\"hello\",2)); while ((\"echo piped\" | getline l) > 0) print l; print system(\"exit 3\") }"; awk -F" " -v x=2 "\$2==x" fruit'
t find 'find tree | sort; find tree -type f -size +1k | sort; find tree -name "f[1-3]" -exec wc -c {} + | tail -n 1 | tr -s " "; find tree -type l -printf "%p %l\n"; touch -d 2001-02-03 old; find tree -newer old | wc -l; find tree -perm 644 -links 2 | sort; find copy -depth -delete; ls copy; find tree -samefile tree/a/2 | sort; find / -maxdepth 1 -name bin'
t xargs 'seq 100 | xargs -P 4 -n 10 sh -c "echo \$#" | sort | uniq -c | tr -s " "; find tree -type f -print0 | sort -z | xargs -0 cat | md5sum; seq 3 | xargs -I{} echo "<{}>"; echo a | xargs false; echo $?'
t diff 'diff fruit <(sort fruit); diff -u --label a --label b fruit <(sort fruit); diff -rq tree tree; cmp fruit numbers; diff3 fruit fruit numbers >/dev/null; echo $?; sdiff -s <(seq 3) <(seq 2 4) | tr -s " \t"'

# --- archives ------------------------------------------------------------------------
t tar 'tar -cf t.tar tree; tar -tf t.tar | sort | md5sum; mkdir x; tar -xf t.tar -C x; diff -r tree x/tree && echo same; stat -c %h x/tree/a/hard; tar -czf t.tgz tree; tar -cjf t.tbz tree; tar -cJf t.txz tree; for f in t.t?z; do tar -tf $f | wc -l; done; tar -xOf t.txz tree/c/f3; tar --delete -f t.tar tree/c; tar -tf t.tar | wc -l; tar -cf - tree | tar -df -; tar -Scf s.tar hole; [ $(stat -c %s s.tar) -lt 100000 ] && echo sparse; tar -cf /dev/null --exclude="*f*" tree; echo $?'
t compressors 'for z in gzip bzip2 "xz -T2" "xz -T1 -e"; do $z -k -c numbers | wc -c | sed "s/.*/some/"; done; gzip -9 <numbers | gunzip | cmp - numbers; bzip2 <numbers | bunzip2 | cmp - numbers; xz -T2 --block-size=4096 <numbers | xz -d | cmp - numbers; head -c 600000 /dev/zero | xz -T2 --block-size=100000 | xz -T2 -d | md5sum; zcat t.tgz | wc -c | sed "s/.*/some/"; zgrep -c 7 <(gzip -c numbers); gzip -t numbers'

# --- procps ----------------------------------------------------------------------------
t ps 'me=$BASHPID; sleep 9.75 & p=$!; until grep -q sleep /proc/$p/comm; do :; done; ps -o comm=,ni=,args= -p $p; ps -o ppid= -p $p | grep -cw $me; ps -eo pid,comm | grep -c "^ *1 "; pgrep -f "sleep 9.75" | grep -cw $p; kill -STOP $p; ps -o stat= -p $p | cut -c1; kill -CONT $p; pkill -f "sleep 9.75"; wait $p; echo $?; ps -p $p | wc -l'
t ps-threads 'ps -o nlwp= -p $$ | tr -d " "; ps -eLf | head -n 1 | tr -s " "; ps axjf | head -n 1 | tr -s " "'
t top 'top -b -n 1 | grep -cE "^(top -|Tasks:|%Cpu|MiB Mem|MiB Swap)"; top -b -n 2 -d 0.1 | grep -c "^top"'
t free 'free | wc -l; free -m | head -n 1 | tr -s " "; uptime | grep -c "load average"; vmstat | tail -n 1 | wc -w; vmstat -s | grep -c "total memory"; w -h >/dev/null; echo $?; slabtop -o >/dev/null 2>&1; sysctl -n kernel.ostype; pmap $$ | head -n 1 | grep -c bash; pidof bash >/dev/null; echo $?; pwdx $$ | sed "s/.*: //" | grep -c "$PWD"; tload --version | wc -l'

# --- perl ---------------------------------------------------------------------------------
t perl 'perl -le "print join q(,), map { \$_*\$_ } grep { \$_ % 2 } 1..9; printf qq(%s %.3f %x\n), q(pi), atan2(0,-1), 255; print scalar reverse q(lodger); print sprintf(q(%vd), q(1.22.333))"; perl -ne "\$c{\$_}++ for split; END { print qq(\$_ \$c{\$_}\n) for sort keys %c }" fruit; perl -pe "s/(\w+) (\d)/\$2 \$1/" fruit'
t perl-processes 'perl -e "\$|=1; for my \$i (1..3) { my \$p = fork; if (!\$p) { exit \$i } waitpid \$p, 0; print \$?>>8, qq(\n) } pipe R, W; if (!fork) { close R; print W qq(from child\n); exit } close W; print <R>; wait; print qx(echo backticks); open my \$h, q(-|), q(sort), q(fruit); print <\$h>; close \$h; print \$?, qq(\n)"'
t perl-signals 'perl -e "\$SIG{ALRM} = sub { die qq(alarm\n) }; eval { alarm 1; select undef, undef, undef, 9 }; print \$@; \$SIG{USR1} = sub { print qq(usr1\n) }; kill USR1 => \$\$; \$SIG{CHLD} = sub { wait; print qq(child\n) }; if (!fork) { exit } sleep 5"'
t perl-files 'perl -e "use POSIX; use Fcntl qw(:flock SEEK_SET); open my \$f, q(+>), q(pf); flock \$f, LOCK_EX or die; print \$f qq(abc\n); seek \$f, 1, 0; read \$f, my \$b, 2; print \$b, qq(\n); truncate \$f, 2; print -s \$f, qq(\n); print join(q( ), map { sprintf q(%o), \$_ & 07777 } (stat q(pf))[2]), qq(\n); opendir D, q(tree); print join(q( ), sort readdir D), qq(\n); rename q(pf), q(pg); unlink q(pg); print POSIX::strftime(q(%F), gmtime 0), POSIX::floor(-1.5), qq(\n); print -e q(pg) ? 1 : 0, qq(\n)"'
t perl-sockets 'perl -e "use Socket; socketpair A, B, AF_UNIX, SOCK_STREAM, 0; if (!fork) { close A; syswrite B, uc <B>; exit } close B; syswrite A, qq(hello\n); print <A>; socket S, AF_UNIX, SOCK_STREAM, 0; bind S, pack_sockaddr_un(q(sock)) or die; listen S, 5; if (!fork) { socket C, AF_UNIX, SOCK_STREAM, 0; connect C, pack_sockaddr_un(q(sock)) or die; syswrite C, qq(by name\n); exit } accept T, S; print <T>"'

# --- python -----------------------------------------------------------------------------------
py() { python3.11 -S -B -c "$1"; }
t python 'py "
import sys, json, re, hashlib, zlib, struct, decimal, itertools, collections
print(sys.maxsize, sys.byteorder, sys.version_info[:2])
print(json.dumps({\"a\": [1, 2.5, None]}, sort_keys=True), re.sub(r\"(\w)(\d)\", r\"\2\1\", \"a1b2\"))
print(hashlib.sha256(b\"lodger\").hexdigest()[:16], zlib.crc32(b\"lodger\"), struct.pack(\"<hiq\", 1, 2, 3).hex())
print(decimal.Decimal(1) / 7, 2 ** 200, collections.Counter(\"banana\").most_common(1))
"'
t python-subprocess 'py "
import subprocess, os, signal
print(subprocess.run([\"sort\", \"fruit\"], capture_output=True, text=True).stdout.split())
print(subprocess.run(\"exit 7\", shell=True).returncode)
p = subprocess.Popen([\"cat\"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(p.communicate(b\"through\" * 30000)[0] == b\"through\" * 30000, p.returncode)
try: subprocess.run([\"sleep\", \"9\"], timeout=0.2)
except subprocess.TimeoutExpired: print(\"timeout\")
p = subprocess.Popen([\"sleep\", \"9\"]); p.send_signal(signal.SIGTERM); print(p.wait())
pid = os.posix_spawn(\"/bin/echo\", [\"echo\", \"spawned\"], os.environ); print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"'
t python-threads 'py "
import threading, queue, time
q = queue.Queue(3); total = 0; lock = threading.Lock()
def work():
    global total
    while (i := q.get()) is not None:
        with lock: total += i
threads = [threading.Thread(target=work) for _ in range(8)]
[x.start() for x in threads]
[q.put(i) for i in range(500)]; [q.put(None) for _ in threads]; [x.join() for x in threads]
print(total, threading.active_count())
e = threading.Event(); threading.Timer(0.1, e.set).start(); print(e.wait(5), e.wait(0))
c = threading.Condition(); print(c.acquire(), c.wait(0.05)); b = threading.Barrier(2)
x = threading.Thread(target=b.wait); x.start(); b.wait(); x.join(); print(\"barrier\")
import concurrent.futures as f
with f.ThreadPoolExecutor(4) as p: print(sum(p.map(lambda v: v * v, range(50))))
"'
t python-files 'py "
import os, mmap, tempfile, fcntl, resource, select, shutil, pathlib, stat
f = open(\"pyf\", \"w+b\"); f.write(b\"x\" * 9000); f.flush()
m = mmap.mmap(f.fileno(), 0); m[0:3] = b\"abc\"; m.flush(); print(os.pread(f.fileno(), 5, 0), m.find(b\"c\")); m.close()
os.truncate(\"pyf\", 10); print(os.stat(\"pyf\").st_size, stat.filemode(os.stat(\"pyf\").st_mode))
fcntl.lockf(f, fcntl.LOCK_EX); print(fcntl.fcntl(f, fcntl.F_GETFD)); os.sendfile(os.open(\"pyg\", os.O_CREAT | os.O_WRONLY), f.fileno(), 0, 5); print(open(\"pyg\").read())
r, w = os.pipe(); print(select.select([r], [w], [], 0)[1] == [w]); os.write(w, b\"1\"); p = select.poll(); p.register(r, select.POLLIN); print(p.poll(0) == [(r, 1)])
e = select.epoll(); e.register(r, select.EPOLLIN); print(e.poll(0) == [(r, 1)]); ev = os.eventfd(2); print(os.eventfd_read(ev))
d = tempfile.mkdtemp(); (pathlib.Path(d) / \"a\" / \"b\").mkdir(parents=True); print([len(x) for x in list(os.walk(d))[0][1:]]); shutil.rmtree(d); print(os.path.exists(d))
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 0, os.getpriority(0, 0), os.memfd_create(\"m\") > 2, os.copy_file_range(os.open(\"fruit\", 0), os.open(\"pyg\", os.O_WRONLY), 4), os.listxattr(\"fruit\"))
"'
t python-signals 'py "
import signal, os, time, threading
signal.signal(signal.SIGALRM, lambda s, f: print(\"alarm\", s)); signal.setitimer(signal.ITIMER_REAL, 0.1); signal.pause()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); os.kill(os.getpid(), signal.SIGUSR1); print(signal.sigpending(), signal.sigwait([signal.SIGUSR1]))
print(signal.sigtimedwait([signal.SIGUSR2], 0.05)); r, w = os.pipe(); os.set_blocking(w, False); signal.set_wakeup_fd(w); signal.raise_signal(signal.SIGALRM); print(os.read(r, 9))
fd = os.pidfd_open(os.getpid()); print(fd > 2); signal.pidfd_send_signal(fd, signal.SIGUSR1); print(signal.sigwaitinfo([signal.SIGUSR1]).si_signo)
"'
t python-sockets 'py "
import socket, os, threading, selectors, array
a, b = socket.socketpair(); a.send(b\"pair\"); print(b.recv(9))
r, w = os.pipe(); socket.send_fds(a, [b\"fd\"], [r]); m, fds, *_ = socket.recv_fds(b, 9, 1); os.write(w, b\"passed\"); print(m, os.read(fds[0], 9))
s = socket.socket(socket.AF_UNIX); s.bind(\"\\0abstract-lodger\"); s.listen()
def client():
    c = socket.socket(socket.AF_UNIX); c.connect(\"\\0abstract-lodger\"); c.sendall(b\"hi \" * 40000); c.shutdown(socket.SHUT_WR); c.close()
threading.Thread(target=client).start(); c, _ = s.accept(); n = 0
while d := c.recv(65536): n += len(d)
print(n); d1 = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); d1.bind(\"dgram\"); d2 = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); d2.sendto(b\"one\", \"dgram\"); d2.sendto(b\"two\", \"dgram\"); print(d1.recv(9), d1.recv(9), a.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE))
"'
t python-asyncio 'py "
import asyncio
async def count(n, out):
    for i in range(3): out.append((n, i)); await asyncio.sleep(0.01 * n)
async def main():
    out = []; await asyncio.gather(count(1, out), count(3, out)); print(sorted(out))
    p = await asyncio.create_subprocess_exec(\"echo\", \"async\", stdout=asyncio.subprocess.PIPE); print((await p.communicate())[0], p.returncode)
    server = await asyncio.start_unix_server(lambda r, w: w.close(), \"asock\"); r, w = await asyncio.open_unix_connection(\"asock\"); print(await r.read()); server.close()
    try: await asyncio.wait_for(asyncio.sleep(9), 0.05)
    except asyncio.TimeoutError: print(\"late\")
asyncio.run(main())
"'
t python-multiprocessing 'py "
import multiprocessing as m
def f(x): return x * x
def g(q, n): q.put(n * 2)
m.set_start_method(\"fork\")
with m.Pool(3) as p: print(p.map(f, range(10)))
q = m.Queue(); ps = [m.Process(target=g, args=(q, i)) for i in range(3)]
[p.start() for p in ps]; print(sorted(q.get() for _ in ps)); [p.join() for p in ps]; print([p.exitcode for p in ps])
v = m.Value(\"i\", 0); l = m.Lock()
def h():
    for _ in range(200):
        with l: v.value += 1
ps = [m.Process(target=h) for _ in range(4)]; [p.start() for p in ps]; [p.join() for p in ps]; print(v.value)
from multiprocessing import shared_memory as s
b = s.SharedMemory(create=True, size=8192); b.buf[:3] = b\"shm\"; c = s.SharedMemory(b.name); print(bytes(c.buf[:3])); c.close(); b.close(); b.unlink()
" 2>&1 | grep -v resource_tracker'
t python-sqlite 'py "
import sqlite3
for mode in \"delete\", \"wal\", \"memory\", \"truncate\":
    d = sqlite3.connect(f\"db-{mode}\"); print(d.execute(f\"pragma journal_mode={mode}\").fetchone())
    d.execute(\"create table t(a integer primary key, b text)\")
    with d: d.executemany(\"insert into t values(?, ?)\", ((i, f\"row{i}\" * 20) for i in range(2000)))
    print(d.execute(\"select count(*), sum(a), max(b) from t where b like ?\", (\"%9%\",)).fetchone()); d.close()
"'
t python-ctypes 'py "
import ctypes
c = ctypes.CDLL(None); print(c.abs(-5), ctypes.sizeof(ctypes.c_long), ctypes.string_at(c.strsignal(9) & 0xffffffff) if False else c.toupper(97))
cmp = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))(lambda a, b: a[0] - b[0])
a = (ctypes.c_int * 5)(5, 3, 9, 1, 7); c.qsort(a, 5, 4, cmp); print(list(a))
"'
t python-pty 'py "
import pty, os
def read(fd):
    return os.read(fd, 1024)
print(os.waitstatus_to_exitcode(pty.spawn([\"sh\", \"-c\", \"test -t 0 && stty -a | grep -o -- icanon; tty >/dev/null; exit 3\"], read)))
"'
t python-faults 'py "
import faulthandler, os, ctypes
if (p := os.fork()) == 0: ctypes.string_at(0)
print(os.WTERMSIG(os.waitpid(p, 0)[1]))
if (p := os.fork()) == 0: os.abort()
print(os.WTERMSIG(os.waitpid(p, 0)[1]))
try: (lambda f: f(f))(lambda f: f(f))
except RecursionError: print(\"recursion\")
"'
echo "== $n commands"
