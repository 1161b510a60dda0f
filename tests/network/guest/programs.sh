#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian's network programs inside one guest, over its loopback. Prints "ok NAME" or "FAILED NAME" and what was said; ends with "N ok".
cd /tmp || exit 1
passed=0

# check NAME PATTERN COMMAND...: the command succeeds within a minute and prints the pattern.
check() {
    local name=$1 pattern=$2 said
    shift 2
    if said=$(timeout 120 "$@" 2>&1) && grep -q -- "$pattern" <<<"$said"; then
        echo "ok $name"
        passed=$((passed + 1))
    else
        echo "FAILED $name"
        sed 's/^/    /' <<<"$said"
    fi
}

# Waits until somebody listens on a TCP port, as Debian's ss sees it.
listening() {
    for _ in $(seq 300); do
        [ -n "$(ss -Htln "sport = :$1")" ] && return
        sleep 0.1
    done
    echo "FAILED nobody listens on port $1"
}

head -c 1000000 /dev/urandom >file
sum=$(sha256sum <file)

# --- interfaces, addresses, routes ---------------------------------------------
check ip-address '10\.0\.2\.15/24' ip -4 -o address show
check ip-link 'LOWER_UP' ip -s link show lo
check ip-route '10\.0\.2\.0/24 dev' ip route
check ip-route-get 'src 10\.0\.2\.15' ip route get 10.0.2.2
check ip-json '"ifname":"lo"' ip -j link show
check ip-address6 '' ip -6 address add fd00::7/64 dev lo
check ping6 '0% packet loss' busybox ping6 -c 2 fd00::7
check ping6-loopback '0% packet loss' busybox ping6 -c 2 ::1
check ping-gateway '0% packet loss' busybox ping -c 2 10.0.2.2
check ip-neighbour '10\.0\.2\.2' ip neighbour
check ip-route-add '' ip route add 198.51.100.0/24 via 10.0.2.2
check busybox-route '198\.51\.100\.0' busybox route -n
check ip-route-delete '' ip route del 198.51.100.0/24
check ifconfig 'inet addr:127\.0\.0\.1' busybox ifconfig lo
check busybox-ip 'inet 10\.0\.2\.15' busybox ip address
check busybox-arp '10\.0\.2\.2' busybox arp -an
check traceroute ' 1  ' busybox traceroute -n -w 1 -m 1 127.0.0.1

# --- TCP and UDP by the small programs -------------------------------------------
mkdir -p www
cp file www/
busybox httpd -p 8080 -h www
listening 8080
check netstat ':::8080' busybox netstat -tln
check wget "${sum%% *}" sh -c 'busybox wget -q -O - http://127.0.0.1:8080/file | sha256sum'
check wget6 "${sum%% *}" sh -c 'busybox wget -q -O - "http://[::1]:8080/file" | sha256sum'
check curl "${sum%% *}" sh -c 'curl -sS http://localhost:8080/file | sha256sum'
check curl-parallel '^12$' sh -c 'curl -sSZ -o "got#1" "http://127.0.0.1:8080/file?[1-12]"; cat got* | wc -c | sed s/000000//'
check curl-refused '^status 7$' sh -c 'curl -sS http://127.0.0.1:9/; echo status $?'
(busybox nc -l -p 8081 -e busybox cat) &
listening 8081
check nc 'through and back' sh -c 'echo through and back | busybox nc -w 5 127.0.0.1 8081'
busybox telnetd -l /bin/sh -p 8023
listening 8023
check telnetd 'forty-two=42' sh -c '(sleep 2; echo "echo forty-two=\$((6 * 7))"; sleep 2) | busybox nc 127.0.0.1 8023'
check bash-tcp '200 OK' bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080; printf "HEAD /file HTTP/1.0\r\n\r\n" >&3; cat <&3'

# --- captures ---------------------------------------------------------------------
tcpdump -Z root -i lo -w capture -c 4 icmp 2>tcpdump.log &
for _ in $(seq 100); do grep -q listening tcpdump.log && break; sleep 0.1; done
busybox ping -c 2 127.0.0.1 >/dev/null
wait $!
check tcpdump 'ICMP echo reply, id .*, seq 1' tcpdump -Z root -n -r capture
check tcpdump-list 'lo \[Up' tcpdump -D

# --- nginx, dropbear, iperf3 ----------------------------------------------------------
mkdir -p /var/log/nginx /var/lib/nginx /run
nginx -c /srv/network/nginx.conf && listening 80
check nginx "${sum%% *}" sh -c 'curl -sS http://127.0.0.1/file | sha256sum'
check nginx-range '^same$' bash -c 'curl -sS -r 100-199 http://127.0.0.1/file | cmp - <(tail -c +101 file | head -c 100) && echo same'
check ss-listen ':80 .*nginx' ss -tlnp
nginx -c /srv/network/nginx.conf -s quit
/srv/network/start-dropbear
listening 22
dropbearkey -t ed25519 -f key >/dev/null 2>&1
dropbearkey -y -f key 2>/dev/null | grep ^ssh >>/root/.ssh/authorized_keys
check dropbear 86 dbclient -y -y -i key root@127.0.0.1 uname -m
check dropbear-binary "${sum%% *}" sh -c 'dbclient -y -y -i key root@127.0.0.1 cat /tmp/file 2>/dev/null | sha256sum'
iperf3 -s -D
listening 5201
check iperf3-tcp 'iperf Done' iperf3 -c 127.0.0.1 -t 2
check iperf3-reverse 'iperf Done' iperf3 -c 127.0.0.1 -t 2 -R
check iperf3-parallel 'iperf Done' iperf3 -c 127.0.0.1 -t 2 -P 4 --bidir
check iperf3-udp 'iperf Done' iperf3 -c 127.0.0.1 -t 2 -u -b 10M
check iperf3-udp-reverse 'iperf Done' iperf3 -c 127.0.0.1 -t 2 -u -b 10M -R
check iperf3-tcp6 'iperf Done' iperf3 -6 -c ::1 -t 2
check iperf3-zerocopy 'iperf Done' iperf3 -c 127.0.0.1 -Z -n 4M
check proc-net-dev 'lo:' cat /proc/net/dev
check snmp ActiveOpens busybox grep -A1 Tcp /proc/net/snmp
echo "$passed ok"
