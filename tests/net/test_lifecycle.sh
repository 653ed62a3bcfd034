#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Attaching, attaching again, devices that come, and leaving nothing behind.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

# Ids of the programs that sit on node1's devices and in its cgroup, one a line.
programs() {
	{
		nsenter "--net=/run/netns/$STAGE_ID-node1" bpftool -j net show |
			jq -r '.. | objects | (.prog_id // .id // empty)'
		bpftool -j cgroup show "$STAGE_CGROUP/node1" | jq -r '.[].id'
	} | sort -n
}

# Everything that one attach made, on node1.
leftovers() {
	programs
	ls "$STAGE/node1/bpf" 2>/dev/null || true
	mountpoint -q "$STAGE/node1/bpf" && echo "still mounted: bpf"
	nsenter "--net=/run/netns/$STAGE_ID-node1" tc qdisc show | grep clsact || true
	diff "$STAGE/node1/reserved" <(reserved_ports) || true
}

reserved_ports() {
	nsenter "--net=/run/netns/$STAGE_ID-node1" sysctl -n net.ipv4.ip_local_reserved_ports
}

nothing_left() {
	local left
	left=$(leftovers)
	[ -z "$left" ] || {
		echo "$left"
		return 1
	}
}

attach_node1() {
	on node1 lbctl attach eth0 --pods 'veth*' --cgroup "$STAGE_CGROUP/node1" "$@"
}

without_agent() {
	on node1 lbctl apply -f kubia/cluster.yaml -f kubia/dual.yaml >/dev/null
	check 'without an agent apply does the work, and clients are served' load client tcp 192.0.2.1 30080 --http --count 300
	check 'attach again' attach_node1
	check 'has the same number of programs' test "$(programs | wc -l)" = "$1"
	check 'still serves' load client tcp 192.0.2.1 30080 --http --count 300
}

# Several upgrades while long and short connections run.
upgrade_under_traffic() {
	on client loadgen tcp 192.0.2.1 30090 --count 100 --concurrency 100 --rounds 40 \
		--pause 100 >"$STAGE/long" &
	local long=$!
	on client loadgen tcp 192.0.2.1 30090 --count 20000 --concurrency 20 >"$STAGE/short" &
	local short=$!
	on bare loadgen tcp 10.96.1.2 9000 --count 100 --concurrency 100 --rounds 40 \
		--pause 100 >"$STAGE/pod" &
	local pod=$!
	for _ in 1 2 3; do
		sleep 0.7
		check 'upgrade under traffic' attach_node1
	done
	wait $long $short $pod || true
	check 'no established connection broke' json '.failed == 0' cat "$STAGE/long"
	check 'no new connection failed' json '.failed == 0' cat "$STAGE/short"
	check 'no connection of a pod broke' json '.failed == 0' cat "$STAGE/pod"
}

second_device() {
	ip -n "$STAGE_ID-client" link add eth1 type veth peer name eth1 netns "$STAGE_ID-node1"
	ip -n "$STAGE_ID-client" addr add 192.0.3.10/24 dev eth1
	ip -n "$STAGE_ID-node1" addr add 192.0.3.1/24 dev eth1
	ip -n "$STAGE_ID-client" link set eth1 up
	ip -n "$STAGE_ID-node1" link set eth1 up
	stage_veth_tame client eth1
	stage_veth_tame node1 eth1
	check 'a second device: not served yet' fails on client curl -s --max-time 1 \
		http://192.0.3.1:30080
	check 'a second device: attach' on node1 lbctl attach eth1
	check 'a second device: served' load client tcp 192.0.3.1 30080 --http --count 300
	check 'a second device: the first is too' load client tcp 192.0.2.1 30080 --http --count 300
	check 'a second device: detach' on node1 lbctl detach eth1
	check 'a second device: not served any more' fails on client curl -s --max-time 1 \
		http://192.0.3.1:30080
	check 'a second device: the first still is' load client tcp 192.0.2.1 30080 --http --count 300
}

# A pod made while the agent runs: its own traffic is translated, nobody attached anything.
new_pod() {
	agent_start node1 node2
	pod_new late-comer node1 30
	LB_NO_CGROUP=1 check 'a new pod reaches services' stage_eventually 5 \
		on late-comer curl -sS --max-time 1 -o /dev/null http://10.96.1.1
	LB_NO_CGROUP=1 check 'a new pod, many connections' load late-comer tcp 10.96.1.1 80 --http \
		--count 300
}

restart() {
	check 'stop the agent' agent_kill node1 TERM
	check 'the socket is gone' test ! -e "$STAGE/node1/run/agent.sock"
	check 'the datapath goes on' load client tcp 192.0.2.1 30080 --http --count 300
	check 'apply without agent' prints '^service/kubia created$' \
		on node1 lbctl apply -f kubia/kubia-svc.yaml
	check 'the agent starts again' agent_start node1
	check 'and finds nothing to do' prints '^service/kubia unchanged$' \
		on node1 lbctl apply -f kubia/kubia-svc.yaml
	check 'a second agent is refused' status 1 on node1 timeout 5 lbctl agent
}

the_end() {
	agent_kill node1 TERM
	check 'detach' on node1 lbctl detach --all
	check 'detach leaves nothing' nothing_left
	check 'detach again has nothing to do' on node1 lbctl detach --all
	check 'the NodePort is closed' fails on client curl -s --max-time 1 http://192.0.2.1:30080
	check 'attach after detach' attach_node1
	on node1 lbctl apply -f kubia/cluster.yaml >/dev/null
	check 'serves again' stage_eventually 5 on client curl -sS --max-time 1 http://192.0.2.1:30080
}

stage_up
reserved_ports >"$STAGE/node1/reserved"
stage_attach >/dev/null
count=$(programs | wc -l)
without_agent "$count"
upgrade_under_traffic
second_device
new_pod
restart
the_end
checks_done
