#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ten thousand connections one after the other and a thousand at once, through each kind of address,
# over IPv4 and IPv6: none may fail, and the spread is even. Then without an agent.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

# many NAME HOST-FUNCTION HOST ADDRESS PORT
many() {
	local name=$1 host=$2
	shift 2
	check "$name: 10,000 one after the other" load_even "$host" tcp "$@" --http --backends 3 \
		--count 10000
	check "$name: 1,000 at once" load_even "$host" tcp "$@" --http --backends 3 \
		--count 1000 --concurrency 1000
}

every_way() {
	local family=$1 node=$2
	many "IPv$family NodePort" client "$node" 30080
	many "IPv$family LoadBalancer" client "$(service_lb_ip web "$family")" 80
	many "IPv$family ClusterIP, at the socket" curl "$(service_ip web "$family")" 80
	many "IPv$family ClusterIP, by TC" bare "$(service_ip web "$family")" 80
}

# Connections that last four seconds and speak all the time, while both agents are killed.
agent_killed() {
	local family=$1 log=$STAGE/killed lb
	lb=$(service_lb_ip echo "$family")
	on client loadgen tcp "$lb" 9000 --count 100 --concurrency 100 --rounds 40 --pause 100 \
		>"$log.long" &
	local long=$!
	on client loadgen tcp "$lb" 9000 --count 20000 --concurrency 20 >"$log.short" &
	local short=$!
	on bare loadgen tcp "$(service_ip echo "$family")" 9000 --count 100 \
		--concurrency 100 --rounds 40 --pause 100 >"$log.pod" &
	local pod=$!
	sleep 1
	agent_kill node1
	agent_kill node2
	wait $long $short $pod || true
	check "IPv$family agents killed: established connections go on" json '.failed == 0' \
		cat "$log.long"
	check "IPv$family agents killed: new connections succeed" json '.failed == 0' cat "$log.short"
	check "IPv$family agents killed: pods' connections go on" json '.failed == 0' cat "$log.pod"
	check "IPv$family without agents" load client tcp "$lb" 9000 --count 1000 --concurrency 100
	agent_start node1 node2
	check "IPv$family agents are back" load client tcp "$lb" 9000 --count 1000 --concurrency 100
}

stage_cluster
on node1 lbctl apply -f kubia/dual.yaml >/dev/null
stage_settle
every_way 4 192.0.2.2
every_way 6 2001:db8::2
agent_killed 4
agent_killed 6
checks_done
