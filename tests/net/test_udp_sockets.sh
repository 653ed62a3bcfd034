#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sockets that the hooks connected to a backend which then leaves: UDP ones are ended, so that their
# application connects anew; TCP ones only when the pod is gone; all others are left alone.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

ABORTED='read: Software caused connection abort'
COUNT=60
LOADS=()

# begin NAME HOST loadgen's arguments...: sockets that ask twice, two seconds apart.
begin() {
	local name=$1 host=$2
	shift 2
	on "$host" loadgen "$@" --count $COUNT --concurrency $COUNT --rounds 2 --pause 2000 \
		>"$STAGE/load-$name" &
	LOADS+=($!)
}

# All have asked once.
begun() {
	sleep 0.8
}

ended() {
	wait "${LOADS[@]}" || true
	LOADS=()
}

load_is() {
	json "$2" cat "$STAGE/load-$1"
}

# Those of the pods that left are ended, those of the one that stays go on with it.
some_aborted() {
	load_is "$1" '.answers == {"kubia-lq7dn": .ok} and .ok > 4 and .failed > 15 and
		.ok + .failed == '$COUNT' and .errors == {"'"$ABORTED"'": .failed}'
}

# Those of the pods that left are answered by another one.
some_moved() {
	load_is "$1" '.failed > 15 and .errors == {"another backend answered": .failed} and
		.ok + .failed == '$COUNT
}

all_aborted() {
	load_is "$1" '.ok == 0 and .errors == {"'"$ABORTED"'": '$COUNT'}'
}

none_failed() {
	load_is "$1" '.failed == 0 and .ok == '$COUNT
}

cluster_restore() {
	on node1 lbctl apply -f kubia/cluster.yaml -f kubia/dual.yaml >/dev/null
	stage_settle
}

pods_gone() {
	local ip ip6
	ip=$(service_ip echo)
	ip6=$(service_ip echo 6)
	begin pod4 curl udp "$ip" 9000
	begin pod6 curl udp "$ip6" 9000
	begin node4 node1 udp "$ip" 9000
	begin node6 node1 udp "$ip6" 9000
	begin port curl udp 192.0.2.1 30090
	begin unconnected curl udp "$ip" 9000 --unconnected
	begin tcp4 curl tcp "$ip" 9000
	begin tcp6 node1 tcp "$ip6" 9000
	begin direct curl udp 172.17.0.7 9000
	begun
	on node1 lbctl delete pod kubia-4h2mx kubia-9tcwz >/dev/null
	ended
	check 'UDP of a pod, IPv4' some_aborted pod4
	check 'UDP of a pod, IPv6' some_aborted pod6
	check 'UDP of the node, IPv4' some_aborted node4
	check 'UDP of the node, IPv6' some_aborted node6
	check 'TCP of a pod, IPv4' some_aborted tcp4
	check 'TCP of the node, IPv6' some_aborted tcp6
	check 'unconnected sockets are given another pod' some_moved unconnected
	check 'UDP to a node port, which TC serves: likewise' some_moved port
	check 'a socket that asked no service goes on' none_failed direct
	check 'the agent tells of it' grep -q '^sockets ended .* backends: [1-9]' \
		"$STAGE/node1/agent.log"
	cluster_restore
}

pods_deselected() {
	local ip
	ip=$(service_ip echo)
	begin udp curl udp "$ip" 9000
	begin tcp curl tcp "$ip" 9000
	begun
	on node1 lbctl get pod kubia-4h2mx kubia-9tcwz -o json |
		jq '.items[].metadata.labels.app = "away"' | on node1 lbctl apply -f - >/dev/null
	ended
	check 'deselected: UDP is ended' some_aborted udp
	check 'deselected: TCP goes on' none_failed tcp
	cluster_restore
}

# bash has connected UDP sockets: an application that lives through its pod's end.
# application_comes_back ADDRESS
application_comes_back() {
	rm -f "$STAGE/pods"
	on curl bash -c '
		# A datagram is read as a whole or lost; prints "NAME ADDRESS".
		ask() { echo >&3 && timeout 3 dd bs=512 count=1 status=none <&3; }
		exec 3<>"/dev/udp/$1/9000" && ask >"$2"
		while ask >/dev/null 2>"$2.error"; do sleep 0.05; done
		exec 3<>"/dev/udp/$1/9000" && ask >>"$2"
	' bash "$1" "$STAGE/pods" &
	local application=$! first second
	stage_eventually 5 test -s "$STAGE/pods"
	first=$(cut -d" " -f1 "$STAGE/pods")
	on node1 lbctl delete pod "$first" >/dev/null
	wait $application
	second=$(sed -n 's/^\([^ ]*\) .*/\1/; 2p' "$STAGE/pods")
	[ -n "$second" ] && [ "$first" != "$second" ] &&
		grep -qE 'connection abort|Destination address required' "$STAGE/pods.error"
}

others_change() {
	on node1 lbctl delete pod kubia-9tcwz >/dev/null
	stage_settle
	begin udp curl udp "$(service_ip echo)" 9000
	begun
	on node1 lbctl delete svc web >/dev/null
	on node1 lbctl apply -f kubia/cluster.yaml >/dev/null
	stage_settle
	ended
	check 'another Service goes and a pod comes: all go on' none_failed udp
	cluster_restore
}

service_deleted() {
	local ip
	ip=$(service_ip echo)
	begin udp curl udp "$ip" 9000
	begin tcp curl tcp "$ip" 9000
	begun
	on node1 lbctl delete svc echo >/dev/null
	ended
	check 'deleted Service: UDP is ended' all_aborted udp
	check 'deleted Service: TCP goes on' none_failed tcp
	cluster_restore
}

without_agent() {
	agent_kill node1
	begin udp curl udp "$(service_ip echo)" 9000
	begun
	on node1 lbctl delete pod kubia-4h2mx kubia-9tcwz >/dev/null
	ended
	check 'without an agent the command does it' some_aborted udp
	agent_start node1
	cluster_restore
}

stage_cluster
on node1 lbctl apply -f kubia/dual.yaml >/dev/null
stage_settle
pods_gone
pods_deselected
for address in "$(service_ip echo)" "$(service_ip echo 6)" "::ffff:$(service_ip echo)"; do
	check "an application connects anew to $address" application_comes_back "$address"
	cluster_restore
done
others_change
service_deleted
without_agent
check 'the kernel can do it' fails grep 'sockets stay connected' "$STAGE/node1/agent.log"
checks_done
