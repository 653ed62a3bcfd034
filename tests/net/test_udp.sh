#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# UDP: connected and unconnected sockets, every way in; a flow stays with its pod, and leaves a pod
# that left the service.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

every_way() {
	local name=$1 host=$2
	shift 2
	check "$name, connected" load_even "$host" udp "$@" --backends 3 --count 3000 --concurrency 50
	check "$name, unconnected" load_even "$host" udp "$@" --backends 3 --count 3000 \
		--concurrency 50 --unconnected
	check "$name, a flow keeps its pod" load "$host" udp "$@" --count 100 --concurrency 100 \
		--rounds 5 --pause 20
}

refused() {
	local answer
	answer=$(on "$@" || true)
	json '.ok == 0 and (.errors | keys | all(endswith("Connection refused")))' echo "$answer"
}

# One-way senders kept asking a dead pod for hours elsewhere: a scaled-down service lets go at once.
to_none_and_back() {
	local ip=$1 host=$2
	on node1 lbctl delete pod kubia-4h2mx kubia-9tcwz kubia-lq7dn >/dev/null
	stage_settle
	check "$host: without endpoints it is refused" refused "$host" loadgen udp "$ip" 9000 --count 3
	on node1 lbctl apply -f kubia/cluster.yaml >/dev/null
	stage_settle
	check "$host: with endpoints again it answers" load "$host" udp "$ip" 9000 --count 300
}

# A flow that lasts while its service loses two of three pods ends at the third.
moves_on() {
	local ip=$1
	on client loadgen udp "$ip" 9000 --count 200 --concurrency 200 --rounds 2 --pause 2000 \
		>"$STAGE/moved" &
	local load=$!
	sleep 0.7
	on node1 lbctl delete pod kubia-4h2mx kubia-9tcwz >/dev/null
	wait $load || true
	check 'flows of removed pods go to the one that is left' json '
		.answers == {"kubia-lq7dn": .ok} and .ok > 30 and .ok < 120 and
		.errors == {"another backend answered": .failed} and .ok + .failed == 200' cat "$STAGE/moved"
	on node1 lbctl apply -f kubia/cluster.yaml >/dev/null
	stage_settle
}

stage_cluster
on node1 lbctl apply -f kubia/dual.yaml >/dev/null
stage_settle
for family in 4 6; do
	node=$([ $family = 4 ] && echo 192.0.2.2 || echo 2001:db8::2)
	every_way "IPv$family NodePort" client "$node" 30090
	every_way "IPv$family LoadBalancer" client "$(service_lb_ip echo $family)" 9000
	every_way "IPv$family ClusterIP, at the socket" curl "$(service_ip echo $family)" 9000
	every_way "IPv$family ClusterIP, by TC" bare "$(service_ip echo $family)" 9000
done
to_none_and_back "$(service_lb_ip echo)" client
to_none_and_back "$(service_ip echo)" curl
to_none_and_back "$(service_ip echo)" bare
moves_on "$(service_lb_ip echo)"
checks_done
