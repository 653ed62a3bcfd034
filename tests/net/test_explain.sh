#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lbctl explain: what it foretells is what happens to real packets, and asking leaves no trace.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

declare -A names=(
	[172.17.0.7:8080]=kubia-4h2mx [172.17.0.8:8080]=kubia-9tcwz [172.17.1.9:8080]=kubia-lq7dn
)

explain() {
	on node1 lbctl explain "$@" -o json
}

# A real connection from a port of the client reaches the pod that was foretold for it.
foretold() {
	local host=$1 from=$2 to=$3 port backend hit
	for port in 45{001..012}; do
		backend=$(explain --from "$from:$port" tcp "$to" | jq -r .backend)
		hit=$(on "$host" curl -sS --max-time 3 --local-port "$port" "http://$to") || return 1
		[ "You've hit ${names[$backend]}" = "$hit" ] || {
			echo "from port $port: foretold $backend, $hit"
			return 1
		}
	done
}

# The maps that packets write: flows, counters, affinity. Times and neighbours do not count, nor
# closed flows, which end meanwhile.
traces() {
	local pins=$STAGE/node1/bpf/v2 map
	on node1 lbctl show flows -o json | jq -cS 'map(select(.state != "closed") | del(.idle))'
	on node1 lbctl show stats -o json | jq -cS .
	for map in lb_affinity lb_reason_stats lb_backend_stats; do
		bpftool -j map dump pinned "$pins/$map" | cksum
	done
}

no_trace() {
	local before
	before=$(traces)
	for question in "$@"; do
		# shellcheck disable=SC2086
		explain $question >/dev/null || return 1
		# shellcheck disable=SC2086
		on node1 lbctl explain $question >/dev/null || return 1
	done
	diff <(echo "$before") <(traces)
}

balancer() {
	on node1 lbctl apply -f - <<-END >/dev/null
		apiVersion: v1
		kind: Service
		metadata:
		  name: guarded
		spec:
		  type: LoadBalancer
		  ports:
		  - port: 80
		    targetPort: 8080
		  selector:
		    app: kubia
		  loadBalancerSourceRanges: [$1]
	END
	stage_settle
}

node_port() {
	local pods='.candidates | map(.address) == ["172.17.0.7:8080","172.17.0.8:8080","172.17.1.9:8080"]'
	on node1 lbctl apply -f kubia/kubia-svc-nodeport.yaml >/dev/null
	stage_settle
	check 'outside: forwarded by XDP' json \
		'.verdict == "forward" and .hook == "xdp" and .service == "default/kubia-nodeport" and
		.port == 80 and .reason == "forwarded"' explain --from 192.0.2.10 tcp 192.0.2.1:30123
	check 'outside: all pods, the remote one masqueraded' json \
		"($pods) and (.candidates | map(.masquerade) == [false,false,true]) and
		(.candidates | map(.local) == [true,true,false])" \
		explain --from 192.0.2.10 tcp 192.0.2.1:30123
	check 'a pod: by TC' json ".hook == \"tc\" and ($pods)" \
		explain --from 172.17.0.7 tcp 192.0.2.1:30123
	check 'the node: at the socket' json ".hook == \"socket\" and ($pods)" \
		explain tcp 192.0.2.1:30123
	check 'another port passes' json '.verdict == "pass" and .service == null' \
		explain --from 192.0.2.10 tcp 192.0.2.1:22
	check 'what is foretold happens' foretold client 192.0.2.10 192.0.2.1:30123
	check 'a flow that is known is told of' \
		prints '^flow: +known already, and goes on to 172.17.[01].[789]:8080;' \
		on node1 lbctl explain --from 192.0.2.10:45003 tcp 192.0.2.1:30123
	check 'another one is not' fails prints '^flow:' \
		on node1 lbctl explain --from 192.0.2.10:44999 tcp 192.0.2.1:30123
	check 'IPv6 is refused where the service has none' json '.verdict == "pass"' \
		explain --from 2001:db8::10 tcp '[2001:db8::1]:30123'
}

bound() {
	local hit
	hit=$(on client curl -sS http://192.0.2.1:30123)
	prints 'session affinity: this client is bound' \
		on node1 lbctl explain --from 192.0.2.10 tcp 192.0.2.1:30123 &&
		[ "You've hit ${names[$(explain --from 192.0.2.10 tcp 192.0.2.1:30123 | jq -r .backend)]}" \
			= "$hit" ]
}

affinity() {
	stage_editor client-ip 's/sessionAffinity: None/sessionAffinity: ClientIP/'
	on node1 env EDITOR="$STAGE/bin/client-ip" lbctl edit svc kubia-nodeport >/dev/null
	stage_settle
	check 'a question binds nobody' no_trace '--from 192.0.2.10 tcp 192.0.2.1:30123' \
		'--from 192.0.2.11 tcp 192.0.2.1:30123' 'tcp 192.0.2.1:30123' \
		'--from 172.17.0.7 tcp 192.0.2.1:30123'
	check 'who is bound is told so' bound
}

ranges() {
	local ip
	balancer 192.0.2.10/32
	ip=$(service_lb_ip guarded)
	check 'inside the ranges' json '.verdict == "forward"' explain --from 192.0.2.10 tcp "$ip:80"
	check 'outside of them' json '.verdict == "drop" and .reason == "source_range" and
		.candidates == []' explain --from 192.0.2.11 tcp "$ip:80"
	check 'the node is not in the ranges: told' json '.verdict == "drop" and
		.reason == "source_range" and .hook == "socket"' explain tcp "$ip:80"
	check 'the node is not in the ranges: refused' \
		status 7 on node1 curl -sS --max-time 3 "http://$ip"
	balancer '192.0.2.10/32, 192.0.2.1/32'
	check 'the node is in the ranges: told' json '.verdict == "forward"' explain tcp "$ip:80"
	check 'the node is in the ranges: let in' hits "${names[*]}" 30 node1 "http://$ip"
	check 'a pod is not, whatever the node is' json '.verdict == "drop"' \
		explain --from 172.17.0.7 tcp "$ip:80"
	check 'a pod is not: its packets are dropped' \
		status 28 on curl curl -sS --max-time 1 "http://$ip"
}

refusals() {
	local ip
	on node1 lbctl apply -f kubia/kubia-svc.yaml >/dev/null
	ip=$(service_ip kubia)
	on node1 lbctl delete pod kubia-4h2mx kubia-9tcwz kubia-lq7dn >/dev/null
	check 'without endpoints: refused' json '.verdict == "reject" and .reason == "no_backend" and
		.backend == null' explain tcp "$ip:80"
	check 'without endpoints, as text' prints '^verdict: +reject: the service has no usable endpoint$' \
		on node1 lbctl explain --from 172.17.0.7 tcp "$ip:80"
	check 'refusals leave no trace' no_trace "--from 192.0.2.10 tcp $ip:80" "udp $ip:80" "tcp $ip:80"
	on node1 lbctl apply -f kubia/cluster.yaml >/dev/null
}

# Nothing is attached here: the answer comes from the objects.
unattached() {
	local root=$STAGE/fresh
	mkdir -p "$root"
	printf '%s\n' 'apiVersion: lbctl.io/v1' 'kind: Configuration' 'nodeName: node2' \
		'nodeAddresses: [192.0.2.2]' 'podCIDRs: [172.17.0.0/16]' >"$root/config.yaml"
	on client lbctl --root "$root" apply -f kubia/cluster.yaml -f kubia/kubia-svc-nodeport.yaml \
		>/dev/null
	check 'nothing attached: the answer' json '.verdict == "forward" and
		(.candidates | map(.local) == [false,false,true])' \
		on client lbctl --root "$root" explain --from 192.0.2.77 tcp 192.0.2.2:30123 -o json
	check 'nothing attached: it is said' prints 'nothing is attached' \
		on client lbctl --root "$root" explain --from 192.0.2.77 tcp 192.0.2.2:30123
	check 'nothing stays behind' fails test -e "$root/bpf"
}

stage_cluster
node_port
affinity
ranges
refusals
unattached
check 'no such protocol' status 2 on node1 lbctl explain icmp 192.0.2.1:1
check 'no port' status 2 on node1 lbctl explain tcp 192.0.2.1
check 'two families' status 2 on node1 lbctl explain --from ::1 tcp 192.0.2.1:80
checks_done
