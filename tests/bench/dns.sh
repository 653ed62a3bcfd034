#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Questions a second of one core: the agent's DNS server, unbound and knotd with the same names, in
# turns, asked by dnsperf from another core; and what the kernel takes for the same questions. Needs
# root, two cores and a quiet machine.
#
#	tests/bench/dns.sh [SERVICES [SECONDS]]
set -euo pipefail
cd "$(dirname "$0")/../.."
services=${1:-10000}
seconds=${2:-5}
dir=$(mktemp -d)
pids=()
trap '[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$dir"' EXIT

# One in five questions of a search path is for a name that is there, as ndots:5 has it.
awk -v n="$services" -v dir="$dir" 'BEGIN {
	srand(1)
	for (i = 0; i < n; i++) {
		ns = "ns" i % 50
		ip = "10.97." int(i / 250) "." i % 250
		name = "svc-" i "." ns
		printf "---\n{apiVersion: v1, kind: Service, metadata: {name: svc-%d, namespace: %s}, " \
			"spec: {clusterIP: %s, ports: [{name: http, port: 80}]}}\n", i, ns, ip >dir "/services.yaml"
		printf "\tlocal-data: \"%s.svc.cluster.local. 5 A %s\"\n", name, ip >dir "/local-data"
		printf "%s.svc 5 A %s\n", name, ip >dir "/names"
	}
	for (q = 0; q < 100000; q++) {
		i = int(rand() * n)
		type = rand() < 0.5 ? "A" : "AAAA"
		other = rand() < 0.2 ? "" : ".ns" int(rand() * 50)
		printf "svc-%d.ns%d%s.svc.cluster.local %s\n", i, i % 50, other, type >dir "/questions"
	}
}'
cat >"$dir/config.yaml" <<END
apiVersion: lbctl.io/v1
kind: Configuration
dns: {listen: ["127.0.0.1:5354"], upstreams: []}
END
cat >"$dir/unbound.conf" <<END
server:
	directory: "$dir"
	chroot: ""
	username: ""
	pidfile: "$dir/unbound.pid"
	use-syslog: no
	do-daemonize: no
	num-threads: 1
	interface: 127.0.0.1@5355
	module-config: "iterator"
	local-zone: "cluster.local." static
	local-data: "cluster.local. 5 SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 5"
$(cat "$dir/local-data")
remote-control:
	control-enable: no
END
{
	printf '$ORIGIN cluster.local.\n@ 5 SOA ns.dns hostmaster 1 7200 1800 86400 5\n'
	printf '@ 5 NS ns.dns\nns.dns 5 A 10.96.0.10\n'
	cat "$dir/names"
} >"$dir/cluster.zone"
cat >"$dir/knot.conf" <<END
server:
  rundir: $dir
  listen: 127.0.0.1@5356
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: $dir
zone:
- domain: cluster.local
  file: $dir/cluster.zone
END
export LBCTL_ROOT=$dir
build/lbctl apply -f "$dir/services.yaml" >/dev/null
taskset -c 0 build/lbctl agent >"$dir/agent.log" 2>&1 &
pids+=($!)
taskset -c 0 unbound -c "$dir/unbound.conf" >"$dir/unbound.log" 2>&1 &
pids+=($!)
taskset -c 0 knotd -c "$dir/knot.conf" >"$dir/knot.log" 2>&1 &
pids+=($!)
sleep 5

# Hundredths of a second that a process has run for.
cpu_of() {
	sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f12,13 | awk "{ print \$1 + \$2 }"
}

# ask PORT PID: answers a second, and answers for a second of the server's CPU time.
ask() {
	local before after answers
	before=$(cpu_of "$2")
	answers=$(taskset -c 1 dnsperf -s 127.0.0.1 -p "$1" -d "$dir/questions" -l "$seconds" -q 500 \
		-c 4 2>/dev/null | awk '/Queries completed/ { print $3 }')
	after=$(cpu_of "$2")
	echo "$((answers / seconds)) $((answers * 100 / (after - before)))"
}

# Rounds in turns; the best of each, since whatever disturbs takes time away.
for _ in 1 2 3 4 5; do
	echo "lbctl $(ask 5354 "${pids[0]}")"
	echo "unbound $(ask 5355 "${pids[1]}")"
	echo "knotd $(ask 5356 "${pids[2]}")"
done | awk '$2 > rate[$1] { rate[$1] = $2 } $3 > cpu[$1] { cpu[$1] = $3 }
	END {
		for (s in rate)
			printf "%-8s %7d answers/s, %7d for a second of CPU: %5.0f ns each\n", s,
				rate[s], cpu[s], 1e9 / cpu[s]
	}' | sort
kill "${pids[@]}"
wait
pids=()
build/tests/bench/bench_dns "$services"
