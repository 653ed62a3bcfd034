#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Connections over changes: what goes on, what ends, what moves, and when.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh
. ./traffic.sh

# The ways in, "NAME HOST ADDRESS PORT" each.
WAYS='NodePort client 192.0.2.1 30170
NodePort6 client 2001:db8::1 30170
LoadBalancer client 198.51.100.7 9000
external client 203.0.113.80 9000
ClusterIP bare 10.96.1.70 9000
ClusterIP6 bare fd00:10:96::170 9000
NodePort-of-pod bare 192.0.2.1 30170'

# moving TARGET-PORT
moving() {
	service moving "type: LoadBalancer, ipFamilyPolicy: RequireDualStack, clusterIP: 10.96.1.70,
		clusterIPs: [10.96.1.70, 'fd00:10:96::170'], loadBalancerIP: 198.51.100.7,
		externalIPs: [203.0.113.80],
		ports: [{name: tcp, port: 9000, targetPort: $1, nodePort: 30170},
			{name: udp, protocol: UDP, port: 9000, targetPort: $1, nodePort: 30170}]"
}

# Source ports are given that hosts do not choose from by themselves.
# each_way CHECK-NAME PATTERN PROTOCOL [OPTION...]: what one line brings, by each way.
each_way() {
	local what=$1 pattern=$2 proto=$3 name host address port
	shift 3
	while read -r name host address port; do
		check "$name: $what" says "$pattern" "$host" $proto "$address" "$port" "$@"
	done <<<"$WAYS"
}

# ------------------------------------------------- UDP, one constant tuple --

udp_moves() {
	local flow=(udp --from 7001 --timeout 700)
	each_way 'UDP answers' 'kubia-.*' "${flow[@]}"
	talk_open socket curl udp 10.96.1.70 9000 --unconnected
	check 'at the socket: UDP answers' talk_says 'kubia-.*' socket
	pods_delete $PODS
	each_way 'N → 0: UDP is refused at once' 'Connection refused.*' "${flow[@]}"
	check 'at the socket: N → 0 is refused' talk_says 'Connection refused' socket
	pods_restore
	each_way '0 → N: UDP answers' 'kubia-.*' "${flow[@]}"
	check 'at the socket: 0 → N answers' talk_says 'kubia-.*' socket
	pods_delete $PODS
	pods_restore
	pods_delete $ON_NODE1
	each_way 'N → 0 → M: UDP goes to the one there is' 'kubia-lq7dn .*' "${flow[@]}"
	check 'at the socket: N → 0 → M goes to the one there is' talk_says 'kubia-lq7dn .*' socket
	pods_restore
	moving 9001
	each_way 'a new target port: UDP follows' 'second-.*' "${flow[@]}"
	check 'at the socket: a new target port' talk_says 'second-.*' socket
	moving 9000
	service_delete moving
	each_way 'deleted: no pod answers' '(no answer|Connection refused|Network is unreach|No route).*' \
		"${flow[@]}"
	check 'at the socket: deleted, no pod answers' fails talk_says 'kubia-.*' socket
	moving 9000
	each_way 'created again: UDP answers' 'kubia-.*' "${flow[@]}"
	check 'at the socket: created again' talk_says 'kubia-.*' socket
	talk_close socket
}

# Who answers an established connection goes on to do so until its pod is known to be gone.
tcp_goes_on() {
	local name host address port pod
	while read -r name host address port; do
		talk_open "$name" "$host" tcp "$address" "$port"
		pod=$(talk_ask "$name" || true)
		pod=${pod%% *}
		check "$name: TCP is established" grep -q kubia <<<"$pod"
		pod_state "$pod" other
		check "$name: TCP goes on when its pod is deselected" talk_says "$pod .*" "$name"
		check "$name: and new connections do not come to it" json \
			".ok == 30 and (.answers | has(\"$pod\") | not)" on "$host" loadgen tcp "$address" \
			"$port" --count 30
		pod_state "$pod" kubia "$TERMINATING"
		check "$name: TCP goes on when its pod is on its way out" talk_says "$pod .*" "$name"
		pods_delete "$pod"
		check "$name: TCP is reset when its pod is gone" talk_says \
			'Connection reset by peer|Broken pipe' "$name"
		talk_close "$name"
		pods_restore
	done <<<"$WAYS"
}

# The pods' answers to a handshake get lost; then another pod takes the service over.
half_open_moves() {
	local pod name host address port
	for pod in $ON_NODE1; do
		ip -n "$STAGE_ID-$pod" route add blackhole 192.0.2.0/24
		ip -n "$STAGE_ID-$pod" route add blackhole 172.17.0.21/32
	done
	pods_delete kubia-lq7dn
	for name in NodePort ClusterIP; do
		read -r _ host address port < <(grep "^$name " <<<"$WAYS")
		say "$host" tcp "$address" "$port" >"$STAGE/half-$name" &
	done
	sleep 0.3
	check 'half-open: the flows are there' half_open 2
	pods_restore
	pods_delete $ON_NODE1
	wait
	for name in NodePort ClusterIP; do
		check "$name: a half-open connection moves at once" grep -q '^kubia-lq7dn ' "$STAGE/half-$name"
	done
	for pod in $ON_NODE1; do
		ip -n "$STAGE_ID-$pod" route del blackhole 192.0.2.0/24
		ip -n "$STAGE_ID-$pod" route del blackhole 172.17.0.21/32
	done
	pods_restore
}

half_open() {
	[ "$(on node1 lbctl show flows | grep -c 'half-open')" = "$1" ] || {
		on node1 lbctl show flows
		return 1
	}
}

# A port of the client, used again soon: after a reset, when the pod left meanwhile, after an
# orderly end.
port_reuse() {
	local name host address port i pod
	while read -r name host address port; do
		for i in 1 2 3; do
			check "$name: a port again after a reset, $i" says 'kubia-.*' "$host" tcp "$address" \
				"$port" --from 7002 --reset
		done
		pod=$(say "$host" tcp "$address" "$port" --from 7002 --reset || true)
		pod=${pod%% *}
		pod_state "$pod" other
		check "$name: a port again, its pod has left" says 'kubia-.*' "$host" tcp "$address" \
			"$port" --from 7002 --reset
		check "$name: and it is another" fails says "$pod .*" "$host" tcp "$address" "$port" \
			--from 7002 --reset
		pods_restore
	done <<<"$WAYS"
	# The kernel lets a port go a second after its orderly end.
	for i in 1 2 3; do
		while read -r name host address port; do
			check "$name: a port again after an orderly end, $i" says 'kubia-.*' "$host" tcp \
				"$address" "$port" --from 7003
		done <<<"$WAYS"
		sleep 1.1
	done
	# The pod ends first, and waits; the client's kernel gives the port again at once.
	service ends 'type: NodePort, ports: [{port: 80, targetPort: 8080, nodePort: 30050}]'
	for i in 1 2 3 4; do
		check "NodePort: a port again after the pod's end, $i" ends_first client \
			http://192.0.2.1:30050
		check "ClusterIP: a port again after the pod's end, $i" ends_first bare \
			"http://$(service_ip ends)"
	done
	service_delete ends
}

# Without a length in the answer, curl waits for the pod's end.
ends_first() {
	prints "^You've hit kubia-" on "$1" curl -sS --max-time 2 --local-port 7004 \
		--ignore-content-length -H 'Connection: close' "$2"
}

# An agent that dies and one that starts: neither moves nor resets anything.
agent_restarts() {
	local name host address port signal
	declare -A tcp udp
	while read -r name host address port; do
		talk_open "tcp-$name" "$host" tcp "$address" "$port"
		talk_open "udp-$name" "$host" udp "$address" "$port"
		tcp[$name]=$(talk_ask "tcp-$name" || true)
		udp[$name]=$(talk_ask "udp-$name" || true)
	done <<<"$WAYS"
	for signal in KILL TERM; do
		agent_kill node1 $signal
		agent_kill node2 $signal
		agent_start node1 node2
		while read -r name host address port; do
			check "SIG$signal and start: $name, TCP stays" talk_says "${tcp[$name]}" "tcp-$name"
			check "SIG$signal and start: $name, UDP stays" talk_says "${udp[$name]}" "udp-$name"
		done <<<"$WAYS"
	done
	check 'restarted: nothing to do' prints '^service/echo unchanged$' \
		on node1 lbctl apply -f kubia/dual.yaml
}

stage_cluster
for pod in $PODS; do
	stage_spawn "$pod" "$pod.log" "$STAGE_TOOLS/echod" "second-$pod" 9001
done
ip -n "$STAGE_ID-client" route add 203.0.113.0/24 via 192.0.2.1
node_config node1 'externalIPs: true'
on node1 lbctl apply -f kubia/dual.yaml >/dev/null
moving 9000
udp_moves
tcp_goes_on
half_open_moves
port_reuse
agent_restarts
checks_done
