# SPDX-License-Identifier: MIT
# What the guest does, whichever hypervisor it runs on.  Each section begins
# with "# NAME"; its output must be the same on both, line by line.

section() { echo "# $1"; }

section identity
uname -s -m
id
hostname
cat /etc/os-release
ls -1 /

section text
seq 1 40 | sed -n '5,12p' | tr '\n' ' '
echo
printf '%s\n' delta alpha charlie bravo | sort | nl | rev
echo 'the quick brown fox' | awk '{ for (i = NF; i > 0; i--) printf "%s ", $i; print "" }'
expr 6 '*' 7
echo '2 ^ 20' | bc
factor 360360
seq 3 | paste -s -d+ | tee /tmp/sum
echo abc | od -An -tx1
echo 'a:b:c' | cut -d: -f2
printf 'x\nx\ny\n' | uniq -c
echo lodger | md5sum
echo lodger | sha256sum
seq 1000 | tail -n 3 | tac | head -n 2 | wc -l
echo 'needle in hay' | grep -o 'needle'
fold -w 7 /etc/passwd | head -n 4

section files
cd /tmp
mkdir -p tree/a/b tree/c
echo one >tree/a/one
echo two >tree/a/b/two
ln -s ../a/one tree/c/link
ln tree/a/one tree/c/hard
find tree | sort
cat tree/c/link
stat -c '%n %F %a %h' tree/a/one tree/c/link tree/a
chmod 640 tree/a/one
stat -c %a tree/c/hard
mv tree/a/b/two tree/c/three
cp -r tree copy
diff -r tree copy && echo same
tar -cf all.tar tree && tar -tf all.tar | sort
gzip -c all.tar | gunzip | cmp - all.tar && echo intact
rm -r copy tree/c
ls -R tree
touch -d '2020-02-03 04:05:06' old
date -r old -u +%Y-%m-%dT%H:%M:%S
dd if=/dev/zero bs=4096 count=256 2>/dev/null | wc -c
truncate -s 100000 sparse
stat -c %s sparse
test -e nothing || echo absent

section processes
sh -c 'exit 7'
echo "status $?"
sh -c 'kill -TERM $$'
echo "status $?"
(sleep 1; echo late) &
echo early
wait
echo joined
sleep 100 &
kill $!
wait $! 2>/dev/null
echo "status $?"
trap 'echo trapped' USR1
kill -USR1 $$
trap - USR1
i=0
while [ $i -lt 50 ]; do /bin/true || echo bad; i=$((i + 1)); done
echo "$i children"
seq 1 200000 | tail -n 1
yes | head -n 100000 | wc -l
timeout 1 sleep 50
echo "status $?"
mkfifo pipe
(echo through >pipe) &
cat pipe
wait
env -i A=1 B=2 env | sort
echo 'x y z' | xargs -n 1 echo item

section memory
dd if=/dev/urandom of=big bs=65536 count=64 2>/dev/null
cp big big2
cmp big big2 && echo equal
rm big big2
sort -n /proc/self/stat >/dev/null && echo proc
awk 'BEGIN { for (i = 0; i < 20000; i++) a[i] = i * 2; s = 0; for (i in a) s += a[i]; print s }'

section terminal
stty -a </dev/console 2>/dev/null | grep -o 'icanon'
tty </dev/console
