#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Session affinity: a client stays with its pod, by every way in, as long as the pod is there and
# the timeout says; through changes of the service.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh
. ./traffic.sh

CLIENTS=$(seq 100 123)
TIMEOUT=5 # seconds: a way is asked twenty times, which takes one and more where others work

sticky() {
	local spec="sessionAffinity: None"
	[ "$1" = None ] ||
		spec="sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: $1}}"
	service sticky "type: LoadBalancer, ipFamilyPolicy: RequireDualStack, $spec,
		clusterIP: 10.96.1.50, clusterIPs: [10.96.1.50, 'fd00:10:96::150'],
		ports: [{port: 80, targetPort: 8080, nodePort: 30150}]"
}

# bound HOST URL [CURL-OPTION...]: prints the one pod that answers all of N connections.
bound() {
	local got
	got=$(ask 20 "$@" | cut -d' ' -f1 | sort -u)
	echo "$got"
	[ "$(wc -w <<<"$got")" = 1 ]
}

# bound_to POD HOST URL [CURL-OPTION...]
bound_to() {
	local pod=$1 got
	shift
	got=$(bound "$@") && [ "$got" = "$pod" ] || {
		echo "$got"
		return 1
	}
}

# The pod of each of many clients, by their addresses: "ADDRESS POD" a line.
clients_ask() {
	local n
	for n in $CLIENTS; do
		echo "$n $(on client curl -sS --max-time 2 --interface "192.0.2.$n" "$1")"
	done | sed "s/You've hit //"
}

clients_spread() {
	[ "$(cut -d' ' -f2 "$1" | sort -u | wc -l)" = 3 ] || {
		cat "$1"
		return 1
	}
}

# clients_stay BEFORE AFTER GONE: all but those of the pod that left, and it had some.
clients_stay() {
	join "$1" "$2" | awk -v gone="$3" '
		$2 == gone { left++ }
		$3 == gone || ($2 != gone && $3 != $2) { print; bad = 1 }
		END { exit bad || !left }'
}

every_way() {
	local family node cluster
	for family in 4 6; do
		node=$([ $family = 4 ] && echo 192.0.2.1 || echo 2001:db8::1)
		cluster=$(service_ip sticky $family)
		check "IPv$family NodePort from outside, by XDP" bound client "$(url "$node" 30150)"
		check "IPv$family LoadBalancer from outside, by XDP" bound client \
			"$(url "$(service_lb_ip sticky $family)" 80)"
		check "IPv$family ClusterIP from a pod, by TC" bound bare "$(url "$cluster" 80)"
		check "IPv$family NodePort from a pod, by TC" bound bare "$(url "$node" 30150)"
		check "IPv$family ClusterIP from a pod, at the socket" bound curl "$(url "$cluster" 80)"
		check "IPv$family NodePort from a pod, at the socket" bound curl "$(url "$node" 30150)"
		check "IPv$family ClusterIP from the node" bound node1 "$(url "$cluster" 80)"
	done
	check 'both nodes give a client the same pod' bound_to \
		"$(bound client http://192.0.2.1:30150)" client http://192.0.2.2:30150
}

scale() {
	local nodeport=http://192.0.2.1:30150 n
	for n in $CLIENTS; do
		ip -n "$STAGE_ID-client" addr add "192.0.2.$n/24" dev eth0
	done
	clients_ask $nodeport >"$STAGE/before"
	check 'many clients are spread' clients_spread "$STAGE/before"
	pods_delete kubia-9tcwz
	clients_ask $nodeport >"$STAGE/less"
	check 'a pod leaves: only its clients move' clients_stay "$STAGE/before" "$STAGE/less" kubia-9tcwz
	pods_restore
	clients_ask $nodeport >"$STAGE/more"
	check 'a pod comes: nobody moves' diff "$STAGE/less" "$STAGE/more"
	pod_state kubia-lq7dn kubia "$TERMINATING"
	clients_ask $nodeport >"$STAGE/terminating"
	check 'a pod is on its way out: its clients move at once' clients_stay "$STAGE/more" \
		"$STAGE/terminating" kubia-lq7dn
	pods_restore
}

switched() {
	local way host url
	sticky None
	for way in 'client http://192.0.2.1:30150' 'bare http://10.96.1.50' 'curl http://10.96.1.50'; do
		read -r host url <<<"$way"
		check "switched off: $host meets all pods" reaches "$PODS" "$host" "$url"
	done
	sticky $TIMEOUT
	for way in 'client http://192.0.2.1:30150' 'bare http://10.96.1.50' 'curl http://10.96.1.50'; do
		read -r host url <<<"$way"
		check "switched on: $host meets one" bound "$host" "$url"
	done
}

# Each keeps the pod that it was given in need; it goes back once it was away for the timeout. By
# Maglev's table alone it would go back at once.
expires() {
	local xdp tc sock xdp_other tc_other now i
	xdp=$(bound client http://192.0.2.1:30150 || true)
	tc=$(bound bare http://10.96.1.50 || true)
	sock=$(bound curl http://10.96.1.50 || true)
	[ "$tc" = "$xdp" ] || pods_delete "$tc"
	pods_delete "$xdp"
	xdp_other=$(bound client http://192.0.2.1:30150 || true)
	tc_other=$(bound bare http://10.96.1.50 || true)
	sock=$(bound curl http://10.96.1.50 || true)
	check 'its pod removed, a client has another' test "$xdp_other" != "$xdp"
	check 'its pod removed, a pod has another' test "$tc_other" != "$tc"
	pods_restore
	for i in 0 3 6; do
		check "by XDP, after $i s in use" bound_to "$xdp_other" client http://192.0.2.1:30150
		check "by TC, after $i s in use" bound_to "$tc_other" bare http://10.96.1.50
		check "at the socket, after $i s in use" bound_to "$sock" curl http://10.96.1.50
		sleep 3
	done
	sleep $((TIMEOUT - 3 + 1))
	check 'by XDP, the timeout is over' bound_to "$xdp" client http://192.0.2.1:30150
	check 'by TC, the timeout is over' bound_to "$tc" bare http://10.96.1.50
	now=$(bound curl http://10.96.1.50 || true)
	for ((i = 0; i < 10; i++)); do # there the choice is by lot
		[ "$now" = "$sock" ] || break
		sleep $((TIMEOUT + 1))
		now=$(bound curl http://10.96.1.50 || true)
	done
	check 'at the socket, the timeout is over' test "$now" != "$sock"
}

# Two ports of a Service: what one of them gave a client in need says nothing of the other.
every_port() {
	local home given
	service double "sessionAffinity: ClientIP, type: NodePort, ports: [
		{name: web, port: 80, targetPort: 8080, nodePort: 30151},
		{name: alt, port: 81, targetPort: 8080, nodePort: 30152}]"
	home=$(bound client http://192.0.2.1:30151 || true)
	check 'two ports with the same endpoints: the same pod' bound_to "$home" client \
		http://192.0.2.1:30152
	pods_delete "$home"
	given=$(bound client http://192.0.2.1:30151 || true)
	pods_restore
	check 'a port keeps what it gave in need' bound_to "$given" client http://192.0.2.1:30151
	check 'the other one has kept its own' bound_to "$home" client http://192.0.2.1:30152
	check 'and they are different' test "$given" != "$home"
	service_delete double
}

stage_cluster
sticky 30
every_way
scale
switched
expires
every_port
checks_done
