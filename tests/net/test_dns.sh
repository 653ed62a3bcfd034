#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Finding services: names and variables, as pods, nodes and their programs look for them.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

dns4=10.96.0.10
dns6=fd00:10:96::a
domain=svc.cluster.local

# ----------------------------------------------------------------- the stage --

# A DNS server out there, for everything that is not the cluster's.
upstream_start() {
	local dir=$STAGE/unbound
	mkdir "$dir"
	cat >"$dir/unbound.conf" <<-END
		server:
			directory: "$dir"
			chroot: ""
			username: ""
			pidfile: "$dir/unbound.pid"
			use-syslog: no
			do-daemonize: no
			interface: 192.0.2.30
			access-control: 0.0.0.0/0 allow
			module-config: "iterator"
			max-udp-size: 1232
			local-zone: "example.com." static
			local-data: "www.example.com. 60 A 192.0.2.80"
			local-data: "www.example.com. 60 AAAA 2001:db8::80"
			local-zone: "refused.example." refuse
		$(for i in $(seq 40); do
			echo "	local-data: 'big.example.com. 60 TXT \"$i $(printf 'x%.0s' {1..60})\"'"
		done)
		remote-control:
			control-enable: no
	END
	stage_spawn outside unbound.log unbound -c "$dir/unbound.conf"
	stage_eventually 10 on outside dig +short @192.0.2.30 www.example.com
}

dns_stage() {
	stage_up
	# The first upstream is dead: nobody has its address.
	echo "dns: {upstreams: [192.0.2.99, 192.0.2.30]}" >>"$STAGE/node1/config.yaml"
	echo "dns: {upstreams: [192.0.2.99, 192.0.2.30], kernel: false}" >>"$STAGE/node2/config.yaml"
	pod_resolv curl
	upstream_start
	stage_attach >/dev/null
	agent_start node1 node2
	on node1 lbctl apply -f kubia/cluster.yaml -f kubia/kubia-svc.yaml -f kubia/dns.yaml -f kubia/kubia-svc-headless.yaml >/dev/null
	stage_settle
}

# ------------------------------------------------------------------- asking --

# asks WORDS HOST DIG-ARGUMENTS...: the records that come back, sorted, are these.
asks() {
	local want=$1 host=$2 got
	shift 2
	got=$(on "$host" dig +time=2 +tries=2 +short "$@" | sort | tr '\n' ' ')
	[ "${got% }" = "$want" ] || {
		echo "got: $got"
		return 1
	}
}

everywhere() {
	local ip host server
	ip=$(service_ip kubia)
	for server in $dns4 $dns6; do
		for host in curl kubia-lq7dn node1 node2; do
			check "from $host at $server" asks "$ip" $host @$server kubia.default.$domain
			LB_NO_CGROUP=1 check "from $host at $server, without the socket hooks" \
				asks "$ip" $host @$server kubia.default.$domain
			check "from $host at $server over TCP" \
				asks "$ip" $host +tcp @$server kubia.default.$domain
		done
		LB_NO_CGROUP=1 check "from a pod at $server over TCP, by TC" \
			asks "$ip" curl +tcp @$server kubia.default.$domain
	done
}

records() {
	check 'backwards' asks "kubia.default.$domain." curl @$dns4 -x "$(service_ip kubia)"
	check 'a pod backwards' prints "PTR[[:space:]]+172-17-0-7.kubia-headless.default.$domain.$" \
		curl_dig -x 172.17.0.7
	check 'a named port' asks "0 100 80 kubia-named.default.$domain." \
		curl @$dns4 _http._tcp.kubia-named.default.$domain SRV
	check 'the version' asks '"1.1.0"' curl @$dns4 dns-version.cluster.local TXT
	check 'the DNS service itself' asks "$dns4" curl @$dns4 kube-dns.kube-system.$domain
	check 'unknown: NXDOMAIN' prints 'status: NXDOMAIN' curl_dig nobody.default.$domain
	check 'unknown: the SOA record' prints '^cluster.local.[[:space:]]+5[[:space:]]+IN[[:space:]]+SOA' \
		curl_dig nobody.default.$domain
	check 'another type: NOERROR' prints 'status: NOERROR' curl_dig kubia.default.$domain MX
	check 'no zone transfer' prints 'Transfer failed' curl_dig cluster.local AXFR
	check 'the case of the question stays' prints '^KuBiA.dEfault' curl_dig KuBiA.dEfault.$domain
	check 'EDNS, and our size' prints 'EDNS: version: 0, flags:; udp: 1232' \
		curl_dig kubia.default.$domain
	check 'drill' prints "^kubia.default.$domain.[[:space:]]5[[:space:]]IN[[:space:]]A[[:space:]]$(service_ip kubia)" \
		on curl drill kubia.default.$domain @$dns4
	check 'systemd-resolved' prints "^kubia.default.$domain $(service_ip kubia)$" \
		through_resolved kubia.default.$domain
	check 'systemd-resolved, a name that is not there' prints "^nope.default.$domain NXDOMAIN$" \
		through_resolved nope.default.$domain
	check 'nslookup' prints "^Address: $(service_ip kubia)$" \
		on curl nslookup kubia.default.$domain $dns4
}

through_resolved() {
	on curl ./resolved $dns4 $domain "$@"
}

curl_dig() {
	on curl dig +time=2 +tries=2 @$dns4 "$@"
}

headless() {
	local name=kubia-headless.default.$domain
	check 'headless: all pods' asks '172.17.0.7 172.17.0.8 172.17.1.9' curl @$dns4 $name
	ready kubia-9tcwz False
	check 'headless: without the one that is not ready' stage_eventually 5 \
		asks '172.17.0.7 172.17.1.9' curl @$dns4 $name
	check 'headless: on the other node, too' stage_eventually 5 \
		asks '172.17.0.7 172.17.1.9' kubia-lq7dn @$dns4 $name
	check 'publishNotReadyAddresses: with it' asks '172.17.0.7 172.17.0.8 172.17.1.9' \
		curl @$dns4 kubia-eager.default.$domain
	ready kubia-9tcwz True
	check 'headless: all again' stage_eventually 5 asks '172.17.0.7 172.17.0.8 172.17.1.9' \
		curl @$dns4 $name
	check 'headless: curl by its name reaches the pods' prints "^You've hit kubia" \
		on curl curl -sS --max-time 3 http://kubia-headless:8080
}

# ready POD True|False
ready() {
	on node1 lbctl get pod "$1" -o json |
		jq ".status.conditions = [{type: \"Ready\", status: \"$2\"}]" |
		on node1 lbctl apply -f - >/dev/null
}

programs() {
	local name
	for name in kubia kubia.default kubia.default.svc kubia.default.$domain; do
		check "curl http://$name" prints "^You've hit kubia" \
			on curl curl -sS --max-time 3 "http://$name"
		LB_NO_CGROUP=1 check "curl http://$name, without the socket hooks" \
			prints "^You've hit kubia" on curl curl -sS --max-time 3 "http://$name"
	done
	check 'getent' prints "^$(service_ip kubia) +kubia.default.$domain" \
		on curl getent hosts kubia
	check 'getent: unknown' status 2 on curl getent hosts nobody
	check 'getent: outside' prints '^192.0.2.80' on curl getent ahostsv4 www.example.com
	check 'getent: an alias of somebody outside' prints '^192.0.2.80' \
		on curl getent ahostsv4 alias
	check 'getent: an alias of one inside' prints "^$(service_ip kubia)" \
		on curl getent ahostsv4 inner
}

upstream() {
	check 'outside: an address' asks 192.0.2.80 curl @$dns4 www.example.com
	check 'outside: over TCP' asks 192.0.2.80 curl +tcp @$dns4 www.example.com
	check 'outside: unknown' prints 'status: NXDOMAIN' curl_dig no.example.com
	check 'outside: refused there' prints 'status: REFUSED' curl_dig a.refused.example
	check 'outside: what is cut comes by TCP' prints 'ANSWER: 40' curl_dig big.example.com TXT
	check 'an alias is followed' asks "192.0.2.80 www.example.com." curl @$dns4 alias.default.$domain
}

commands() {
	local ip
	ip=$(service_ip kubia)
	check 'lbctl dns' prints "^kubia.default.$domain. +A +NOERROR +A $ip" on node1 lbctl dns kubia
	check 'lbctl dns: the step' prints 'answered at step 2' on curl lbctl dns kubia.default
	check 'lbctl dns: nothing' status 1 on node1 lbctl dns nobody
	check 'lbctl dns: a type' prints 'SRV 0 100 80' on node1 lbctl dns _http._tcp.kubia-named SRV
	check 'lbctl dns: an address' prints "PTR kubia.default.$domain." on node1 lbctl dns "$ip"
	check 'lbctl get dns' prints "^kubia.default.$domain. +5 +A +$ip$" on node1 lbctl get dns
	check 'lbctl env' prints "^KUBIA_SERVICE_HOST=$ip$" on node1 lbctl env
	# shellcheck disable=SC2016
	check 'lbctl env: a command' prints "^You've hit kubia" \
		on node1 lbctl env -- sh -c 'curl -sS --max-time 3 "http://$KUBIA_SERVICE_HOST:$KUBIA_SERVICE_PORT"'
	check 'lbctl env: its exit status' status 7 on node1 lbctl env -- sh -c 'exit 7'
	check 'lbctl env: JSON' json ".KUBIA_PORT == \"tcp://$ip:80\"" on node1 lbctl env --json
	check 'lbctl env: shell' prints "^export KUBIA_PORT='tcp://$ip:80'$" on node1 lbctl env --shell
}

# plain DIG-ARGUMENTS...: a question as libc asks it, without what only servers understand.
plain() {
	on curl dig +time=1 +tries=1 +nocookie +noedns @$dns4 "$@"
}

kernel() {
	local ip
	ip=$(service_ip kubia)
	kill -STOP "$(cat "$STAGE/node1/agent.pid")"
	check 'kernel: an address, while the agent stands still' prints "IN[[:space:]]+A[[:space:]]+$ip$" \
		plain kubia.default.$domain
	LB_NO_CGROUP=1 check 'kernel: without the socket hooks' \
		prints "IN[[:space:]]+A[[:space:]]+$ip$" plain kubia.default.$domain
	check 'kernel: all pods of a headless Service' prints '172.17.1.9$' \
		plain kubia-headless.default.$domain
	check 'kernel: no such type' prints 'status: NOERROR' plain kubia.default.$domain AAAA
	check 'kernel: no such name' prints 'status: NXDOMAIN' plain nobody.default.$domain
	check 'kernel: over IPv6' prints "IN[[:space:]]+A[[:space:]]+$ip$" \
		on curl dig +time=1 +tries=1 +nocookie @$dns6 kubia.default.$domain
	check 'kernel: getent' prints "^$ip" on curl getent ahostsv4 kubia
	check 'kernel: curl' prints "^You've hit kubia" \
		on curl curl -sS --max-time 3 http://kubia.default
	check 'kernel: another type waits for the agent' fails plain kubia.default.$domain TXT
	kill -CONT "$(cat "$STAGE/node1/agent.pid")"
	check 'kernel: it counts' prints '^name +[1-9]' on node1 lbctl show stats
	check 'kernel: false switches it off' fails prints '^name ' on node2 lbctl show stats
}

the_agent() {
	agent_kill node1 TERM
	check 'no address is left behind' fails prints "$dns4" on node1 ip addr show dev lo
	agent_start node1
	check 'a new agent answers' asks "$(service_ip kubia)" curl @$dns4 kubia.default.$domain
	agent_kill node1
	agent_start node1
	# The socket of the one before is still there: agent_start does not wait.
	check 'one after kill -9, too' stage_eventually 5 \
		asks "$(service_ip kubia)" curl @$dns4 kubia.default.$domain
	on node1 lbctl delete svc kubia >/dev/null
	check 'a deleted Service has no name' prints 'status: NXDOMAIN' curl_dig kubia.default.$domain
	# An old server of the cluster's own keeps its address.
	on node1 lbctl apply -f kubia/dns-other.yaml >/dev/null
	check 'another Service may have the address' stage_eventually 5 fails \
		prints "$dns4" on node1 ip addr show dev lo
	on node1 lbctl delete -f kubia/dns-other.yaml >/dev/null
	check 'and when it goes, it is served again' stage_eventually 5 \
		asks "$dns4" curl @$dns4 kube-dns.kube-system.$domain
}

detached() {
	agent_kill node2 TERM
	agent_start node2
	check 'attached: the address is there' stage_eventually 5 prints "$dns4" on node2 ip addr show dev lo
	on node2 lbctl detach --all >/dev/null
	check 'detached: it is gone, while the agent runs' fails prints "$dns4" on node2 ip addr show dev lo
}

dns_stage
everywhere
records
headless
programs
upstream
commands
kernel
the_agent
detached
checks_done
