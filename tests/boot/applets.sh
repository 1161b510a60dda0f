#!/bin/sh
# SPDX-License-Identifier: MIT
# More than 120 applets of busybox, each with an output that depends on nothing but its input: the same script runs in the
# guest and, in a chroot of the same files, on the host's Linux, and both outputs must be equal. Usage: applets.sh FOLDER
# (empty, to work in).
cd "$1" || exit 1
export LC_ALL=C TZ=UTC PATH=/sbin:/usr/sbin:/bin:/usr/bin
umask 022
n=0
# t NAME COMMAND...: runs a shell command line, shows its output and status.
t() {
    n=$((n + 1))
    echo "== $1"
    shift
    (eval "$*") 2>&1 </dev/null
    echo "-> $?"
}

seq 1 20 >numbers
printf 'pear 3\napple 1\nfig 2\napple 1\n' >fruit
printf 'The quick brown fox\njumps over\tthe lazy dog\n' >text
mkdir -p tree/a/b tree/c
echo one >tree/a/one; echo two >tree/a/b/two; echo three >tree/c/three
touch -d '2020-01-02 03:04:05' text fruit numbers tree/a/one

t '[' '[ 1 -lt 2 ] && [ -f text ] && [ ! -e none ]'
t '[[' '[[ abc == abc ]]'
t ar 'printf "!<arch>\\n%-16s%-12s%-6s%-6s%-8s%-10s\\140\\n" a/ 0 0 0 100644 4 >x.a; printf abcd >>x.a; ar -t x.a; ar -p x.a; echo'
t arch 'arch | sed s/x86_64/i686/'
t ascii 'ascii | head -n 5'
t ash 'ash -c "echo \$0 \$#" name 1 2'
t awk "awk '{ s += \$2; c[\$1]++ } END { print s; for (k in c) print k, c[k] | \"sort\" }' fruit"
t awk-float "awk 'BEGIN { printf \"%.4f %d %s\\n\", 3.14159, 7/2, substr(\"hello\", 2, 3) }'"
t base64 'base64 text; base64 text | base64 -d | cmp - text'
t basename 'basename /a/b/c.txt .txt'
t bc 'echo "scale=20; 4*a(1); 2^100" | bc -l'
t bzip2 'bzip2 -k numbers; bunzip2 -c numbers.bz2 | cmp - numbers; bzcat numbers.bz2 | tail -n 1'
t cal 'cal 2 2024'
t cat 'cat -n fruit; cat -A text; cat text fruit | wc -l'
t chgrp 'chgrp 5 text; stat -c %g text; chgrp 0 text'
t chmod 'chmod 640 text; stat -c %a text; chmod u+x,o=r text; stat -c %A text; chmod 644 text'
t chown 'chown 3:4 text; stat -c "%u %g" text; chown 0:0 text'
t chroot 'chroot / /bin/busybox echo in'
t clear 'clear | xxd'
t cmp 'cmp text fruit; cmp text text'
t cp 'cp -a tree copy; find copy | sort; cp text copy/; cmp text copy/text; cp -r tree copy/deep; cat copy/deep/a/b/two'
t cpio 'find tree | sort | cpio -o -H newc 2>/dev/null | cpio -t 2>/dev/null'
t crc32 'crc32 text'
t cut 'cut -d" " -f2 fruit; cut -c1-3 text'
t date 'date -u -d @1234567890 "+%Y-%m-%d %H:%M:%S %j %a"; date -u -d "2024-02-29 12:00" +%s'
t dc 'echo "2 3 + 4 * p" | dc'
t dd 'dd if=numbers of=part bs=4 skip=1 count=3 2>/dev/null; xxd part; dd if=/dev/zero bs=1k count=4 2>/dev/null | wc -c; dd if=text of=conv conv=ucase 2>/dev/null; cat conv'
t df 'df -P / 2>/dev/null | head -n 1'
t diff 'sort fruit >sorted; diff fruit sorted; diff -u fruit sorted | tail -n +3; diff -r tree copy | sort'
t dirname 'dirname /a/b/c.txt'
t dos2unix 'printf "a\r\nb\r\n" >dos; dos2unix dos; xxd dos'
t unix2dos 'unix2dos dos; xxd dos'
t du 'mkdir dud; dd if=/dev/zero of=dud/f bs=1k count=64 2>/dev/null; du -a -k dud/f | cut -f1'
t echo 'echo -e "a\tb\x41\101"; echo -n x; echo'
t ed 'printf "2d\n1s/pear/PEAR/\nw out\nq\n" | ed fruit; cat out'
t egrep 'egrep "^(p|f)" fruit'
t env 'env -i A=1 B=2 env | sort'
t expand 'expand -t 4 text'
t unexpand 'printf "        x\n" | unexpand -a | xxd'
t expr 'expr 7 \* 6; expr substr abcdef 2 3; expr abc : "a\(.\)c"; expr 1 = 2'
t factor 'factor 1234567 600851475143'
t fallocate 'fallocate -l 10000 big; stat -c %s big'
t false 'false'
t fgrep 'fgrep -c a fruit'
t find 'find tree -type f -name "t*" | sort; find tree -type d -exec echo dir {} \; | sort; find . -maxdepth 1 -newer text -name "sor*"; find tree -size -2 -type f -print0 | tr "\0" "\n" | sort'
t fold 'fold -w 10 text'
t getopt 'getopt -o ab:c -l long -- -a -b val --long rest'
t grep 'grep -n over text; grep -v apple fruit; grep -c "[0-9]" fruit; grep -rl two tree; grep -o "q[a-z]*" text; grep -q zzz text'
t groups 'groups root'
t gzip 'gzip -c numbers >n.gz; gunzip -c n.gz | cmp - numbers; zcat n.gz | head -n 1; gzip -t n.gz'
t head 'head -n 3 numbers; head -c 5 text; echo'
t hexdump 'hexdump -C text | head -n 3; hexdump -e "4/1 \"%02x \" \"\n\"" part'
t hostid 'hostid | wc -c'
t id 'id -u; id -g; id -un'
t ipcalc 'ipcalc -bnm 192.168.5.10/20'
t kill 'sleep 100 & kill $!; wait $! 2>/dev/null; echo $?; kill -l 15'
t killall 'killall no-such-name-here'
t less 'less numbers | tail -n 2'
t link 'link text linked; stat -c %h text; unlink linked; stat -c %h text'
t ln 'ln -s text soft; readlink soft; ln text hard; stat -c %h hard; ln -sf fruit soft; cat soft | head -n 1; rm hard soft'
t ls 'ls -1 tree; ls -lan tree/a | awk "{ print \$1, \$3, \$4, \$NF }"; ls -R tree; ls -l text | cut -d" " -f1; ls -d tree; ls -p; ls -1 --color=always tree | xxd | head -n 3'
t lzop 'lzop -c numbers | lzop -dc | cmp - numbers'
t md5sum 'md5sum text fruit; md5sum text >sum; md5sum -c sum'
t mkdir 'mkdir -p x/y/z; mkdir -m 700 secret; stat -c %a secret; mkdir x'
t mkfifo 'mkfifo pipe; (echo through >pipe &); cat pipe; stat -c %F pipe; rm pipe'
t mknod 'mknod null c 1 3; echo x >null; cat null; stat -c "%F %t %T" null; rm null'
t mkpasswd 'mkpasswd -m md5 -S saltsalt secret'
t mktemp 'f=$(mktemp ./tXXXXXX); [ -f $f ] && stat -c %a $f; rm $f; d=$(mktemp -d ./dXXXXXX); stat -c %a $d; rmdir $d'
t more 'more fruit | tail -n 1'
t mv 'cp text m; mv m n; [ ! -e m ]; mv n tree/; ls tree; rm tree/n'
t nl 'nl -b a text'
t nice-exec 'sh -c "exit 3"'
t nproc 'nproc --all | grep -c "^[0-9]"'
t od 'od -c text | head -n 2; od -An -tx1 part; od -i numbers | head -n 2'
t paste 'paste -d, fruit numbers | head -n 3; paste -s numbers | tr "\t" " "'
t patch 'cp fruit f1; sed s/fig/date/ f1 >f2; diff -u f1 f2 >p; patch f1 <p; cmp f1 f2'
t pidof 'pidof no-such-program'
t printf 'printf "%05d|%-6s|%x|%c|%%\n" 42 ab 255 z; printf "%s-" a b c; echo'
t pwd 'pwd | sed "s,.*/,,"; cd tree/a; pwd | sed "s,.*/tree,tree,"'
t readlink 'ln -s a/b link; readlink link; cd tree; readlink -f a/../a/one | sed "s,.*tree,tree,"; rm ../link'
t realpath 'realpath tree/../tree/c | sed "s,.*tree,tree,"; realpath none/none'
t rev 'rev text'
t rm 'mkdir -p r/s; touch r/s/t; rm r; rm -r r; [ ! -e r ]; rm none; rm -f none'
t rmdir 'mkdir -p q/w; rmdir q; rmdir -p q/w; [ ! -e q ]'
t run-parts 'mkdir parts; printf "#!/bin/sh\necho first\n" >parts/1; printf "#!/bin/sh\necho second\n" >parts/2; chmod 755 parts/*; run-parts ./parts'
t sed 'sed -n "2,3p" fruit; sed "s/\(.*\) \(.*\)/\2 \1/" fruit; sed -e "/fig/a\\
added" fruit; sed -i s/pear/plum/ f1; head -n 1 f1; sed "y/abc/ABC/;\$!N;P;D" fruit'
t seq 'seq 3; seq -w 8 10; seq 1 2 7; seq -s, 4; seq 3 -1 1'
t setsid 'setsid sh -c "echo new session"'
t sh 'sh -c "trap \"echo trapped\" USR1; kill -USR1 \$\$; echo after"; sh -c "f() { local x=2; echo \$x; }; x=1; f; echo \$x"; sh -c "case abc in a*) echo matched;; esac; for i in 1 2 3; do [ \$i = 2 ] && continue; echo \$i; done; echo \${v:-default} \${#PATH} | wc -w"'
t sh-here 'sh -c "cat <<X
here \$((2 + 3))
X
cat <<\"Y\"
raw \$((2 + 3))
Y"'
t sh-jobs 'sh -c "(exit 4) & wait \$!; echo \$?; sleep 0 & sleep 0 & wait; echo done"'
t sh-pipe 'yes | head -n 3 | cat -n; echo a b c | while read x y; do echo "$y"; done; set -- p q; echo $# $2'
t sha1sum 'sha1sum text'
t sha256sum 'sha256sum text'
t sha3sum 'sha3sum text'
t sha512sum 'sha512sum text'
t shred 'cp text s; shred -n 1 -u s; [ ! -e s ]'
t shuf 'shuf numbers | sort -n | cmp - numbers; shuf -i 1-5 | wc -l'
t sleep 'sleep 0; sleep 0.01'
t sort 'sort fruit; sort -k2n -u fruit; sort -r numbers | head -n 3; sort -n -c numbers; sort -t" " -k2,2n -s fruit'
t split-sum 'tail -c 10 numbers | od -c'
t stat 'stat -c "%n %s %F %a" text tree; stat -L -c %s text; stat -c "%Y" text; stat -c %i text >/dev/null'
t strings 'printf "\001\002hello world\003abc\000longer text" | strings'
t sync 'sync; sync text'
t tac 'tac fruit'
t tail 'tail -n 2 numbers; tail -n +18 numbers; tail -c 4 numbers; echo line >grow; (sleep 0; echo more >>grow); tail -n 1 grow'
t tar 'tar -cf t.tar tree; tar -tf t.tar | sort; mkdir un; tar -xf t.tar -C un; diff -r tree un/tree; tar -czf t.tgz tree; tar -tzf t.tgz | wc -l; tar -xOf t.tar tree/c/three'
t tee 'echo tee | tee t1 t2; cat t1 t2; echo again | tee -a t1; wc -l t1'
t test 'test a = a; test -d tree -a -r text; test 3 -gt 4'
t time 'time true 2>/dev/null'
t timeout 'timeout 1 sleep 30; echo $?; timeout 5 true; timeout -s KILL 1 sleep 30; echo $?'
t touch 'touch -t 202001020304 new; stat -c %Y new; touch -d "2021-06-07 08:09:10" new; stat -c %y new | cut -c1-19; touch -r text new; stat -c %Y new; touch -c none2; [ ! -e none2 ]'
t tr 'tr a-z A-Z <text; tr -d aeiou <text; tr -s " " <text | tr -c "[:alnum:]\n" _'
t true 'true'
t truncate 'truncate -s 100 tt; stat -c %s tt; truncate -s 10 tt; wc -c <tt'
t ts 'echo x | ts "" | cut -c1-2 | wc -l'
t tty 'tty'
t uname 'uname -s; uname -o 2>/dev/null'
t uniq 'sort fruit | uniq -c; sort fruit | uniq -d; sort fruit | uniq -u'
t unlink 'cp text u; unlink u; [ ! -e u ]'
t usleep 'usleep 10'
t uudecode 'uuencode text name >uu; cat uu; uudecode -o back uu; cmp back text'
t vi 'cp text v; printf ":s/quick/slow/\n:wq\n" | timeout 10 vi v >/dev/null; head -n 1 v'
t wc 'wc text; wc -l <numbers; wc -c text; wc -w text'
t which 'which ls'
t whoami 'whoami'
t xargs 'seq 6 | xargs -n 2 echo; printf "a b\0c" | xargs -0 -n 1 echo; echo x | xargs -I% echo "[%]"; seq 3 | xargs -n1 sh -c "exit 1"'
t xxd 'xxd text | head -n 2; xxd -p part; xxd part | xxd -r | cmp - part'
t xz 'unxz -c /dev/null; xzcat /dev/null'
t yes 'yes no | head -n 2'
t start-stop-daemon 'start-stop-daemon -K -n no-such-name -t; echo $?'
t chattr-none 'fatattr none'
t flock-less 'mkdir lock && mkdir lock'
t ionice 'ionice -c 3 true'
t fifo-order 'mkfifo p1; for i in 1 2 3; do echo $i; done >p1 & cat p1; wait; rm p1'
t pipe-status 'false | true; echo $?; true | false'
t symlink-loop 'ln -s l2 l1; ln -s l1 l2; cat l1; rm l1 l2'
t long-name 'touch $(printf "%0255d" 1); ls | grep -c 0000; rm 0*; touch $(printf "%0256d" 1)'
t deep 'd=.; for i in $(seq 40); do d=$d/dd; mkdir $d; done; cd $d; pwd | tr -cd / | wc -c >/dev/null; echo deep >f; cat f'
t permissions 'echo secret >priv; chmod 600 priv; chmod 755 . ; setpriv --reuid 1000 true 2>/dev/null; su -s /bin/sh nobody -c "cat priv" 2>&1 | sed "s/.*: //"'
t devices 'head -c 4 /dev/zero | xxd; echo x >/dev/null; echo full >/dev/full; head -c 3 /dev/urandom | wc -c'
echo "== $n commands"
