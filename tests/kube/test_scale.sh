#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What it costs: 10,000 Services of 10 endpoints, a change of one endpoint, and 10,000 changes at once.
# Who takes part in the second runs before everything else on the machine, whose load is not measured.
set -euo pipefail
cd "$(dirname "$0")/../net"
. ./stage.sh
. ./check.sh
. ../kube/cluster.sh

SERVICES=10000
slices=/apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices
lag=$STAGE_BUILD/tests/kube/lag

# requests FILE: a curl configuration, many at once over one connection.
requests() {
	on api curl --fail-early --parallel --parallel-max 16 --http2 -K "$1" >"$STAGE/answers" 2>&1
}

# For awk: one more request to make.
request_awk='function request(method, path, body) {
	printf "%surl = \"%s%s\"\nrequest = %s\ncacert = \"%s/ca.crt\"\ncert = \"%s/admin.crt\"\nkey = \"%s/admin.key\"\n",
		n++ ? "next\n" : "", server, path, method, dir, dir, dir
	printf "header = \"Content-Type: application/%s\"\noutput = /dev/null\nfail\n",
		method == "PATCH" ? "merge-patch+json" : "json"
	gsub(/"/, "\\\"", body)
	printf "data = \"%s\"\n", body
}
function endpoints(first, count,   text, i) {
	for (i = 0; i < count; i++)
		text = text sprintf("%s{\"addresses\": [\"10.%d.%d.%d\"], \"conditions\": {\"ready\": true}}",
			i ? ", " : "", 128 + (first + i) / 65536, (first + i) / 256 % 256, (first + i) % 256)
	return "[" text "]"
}
'

awk_requests() {
	awk -v server="https://$KUBE_ADDRESS:$KUBE_PORT" -v dir="$KUBE_DIR" -v slices=$slices "$request_awk BEGIN { $1 }"
}

create_many() {
	awk_requests "for (i = 0; i < $SERVICES; i++)
		request(\"POST\", \"/api/v1/namespaces/default/services\", sprintf(\"{\\\"metadata\\\": {\\\"name\\\": \\\"s-%d\\\"}, \\\"spec\\\": {\\\"ports\\\": [{\\\"port\\\": 80, \\\"targetPort\\\": 8080}]}}\", i))" >"$STAGE/services.curl"
	awk_requests "for (i = 0; i < $SERVICES; i++)
		request(\"POST\", slices, sprintf(\"{\\\"metadata\\\": {\\\"name\\\": \\\"s-%d\\\", \\\"labels\\\": {\\\"kubernetes.io/service-name\\\": \\\"s-%d\\\"}}, \\\"addressType\\\": \\\"IPv4\\\", \\\"ports\\\": [{\\\"name\\\": \\\"\\\", \\\"port\\\": 8080, \\\"protocol\\\": \\\"TCP\\\"}], \\\"endpoints\\\": %s}\", i, i, endpoints(i * 10, 10)))" >"$STAGE/slices.curl"
	requests "$STAGE/services.curl"
	requests "$STAGE/slices.curl"
}

# Ten patches of each of 1,000 slices; in the end each has two endpoints, i and i + 1.
storm_file() {
	awk_requests "for (round = 9; round >= 0; round--) for (i = 0; i < 1000; i++)
		request(\"PATCH\", slices \"/s-\" i, sprintf(\"{\\\"endpoints\\\": %s}\", endpoints(i * 10, 2 + round % 9)))" >"$STAGE/storm.curl"
}

agent_pid() {
	cat "$STAGE/$1/agent.pid"
}

# Of user and system, in milliseconds.
agent_cpu() {
	sed 's/.*) //' "/proc/$(agent_pid "$1")/stat" | awk -v hz="$(getconf CLK_TCK)" '{ print ($12 + $13) * 1000 / hz }'
}

# kB
agent_memory() {
	awk -v key="$2:" '$1 == key { print $2 }' "/proc/$(agent_pid "$1")/status"
}

services_in_maps() {
	on "$1" lbctl show svc -o json | jq length
}

# All Services, each with ten backends.
all_in_maps() {
	on "$1" lbctl show svc -o json | jq -e --argjson n $SERVICES \
		'[.[] | select(.name | startswith("s-")) | [.backends[] | select(.state == "active")] | length] |
			length == $n and all(.[]; . == 10)'
}

storm_is_over() {
	on "$1" lbctl show svc -o json | jq -e '[.[] | select(.name | test("^s-[0-9]{1,3}$")) |
		[.backends[] | select(.state == "active")] | length] |
		length == 1000 and all(.[]; . == 2)'
}

listing() {
	local cpu
	create_many
	check 'the API server has them' [ "$(kube get svc -o name | grep -c /s-)" = $SERVICES ]
	agent_kill node1
	on node1 lbctl detach --all >/dev/null
	on node1 lbctl attach eth0 --pods 'veth*' --cgroup "$STAGE_CGROUP/node1" >/dev/null
	kube_agent_start node1
	check 'all of them come to the maps' stage_eventually 60 all_in_maps node1
	cpu=$(agent_cpu node1)
	echo "listed and written with $cpu ms of CPU"
	check 'listed and written in less than 2 s of CPU' [ "${cpu%.*}" -lt 2000 ]
	sleep 35 # a full sync is behind it
	echo "memory with $((SERVICES * 10)) endpoints: $(agent_memory node1 RssAnon) kB of its own, and" \
		"$(agent_memory node1 RssFile) kB of maps and libraries that it sees"
	check 'its memory stays below 150 MiB' [ "$(agent_memory node1 RssAnon)" -lt $((150 * 1024)) ]
}

urgent() {
	local pid
	for pid in "$(cut -d' ' -f1 "$KUBE_DIR/kube-apiserver.pid")" "$(cut -d' ' -f1 "$KUBE_DIR/etcd.pid")" \
		"$(agent_pid node1)"; do
		chrt -a "$1" -p "$2" "$pid"
	done
}

measure_lag() {
	chrt -r 1 "$STAGE/bin/api" "$lag" "$STAGE/node1/bpf/v1/lb_frontend" "$(cluster_ip s-7):80" \
		"https://$KUBE_ADDRESS:$KUBE_PORT" "$KUBE_DIR" $slices/s-7 "$1" | tee "$STAGE/lag"
}

one_change() {
	urgent -r 1
	check 'one endpoint, from event to map' measure_lag 300
	urgent -o 0
	echo "one endpoint, in microseconds: $(cat "$STAGE/lag")"
	check 'in less than 5 ms at the 99th percentile' jq -e '.p99 < 5000' "$STAGE/lag"
}

storm() {
	local began cpu
	storm_file
	cpu=$(agent_cpu node1)
	began=$(date +%s%N)
	requests "$STAGE/storm.curl"
	echo "10,000 changes made in $((($(date +%s%N) - began) / 1000000)) ms"
	began=$(date +%s%N)
	check 'in step when the storm is over' stage_eventually 5 storm_is_over node1
	echo "in the maps $((($(date +%s%N) - began) / 1000000)) ms later, with $(awk "BEGIN { print $(agent_cpu node1) - $cpu }") ms of CPU"
	check 'both of them' stage_eventually 5 storm_is_over node2
}


kube_cluster
listing
one_change
storm
checks_done
