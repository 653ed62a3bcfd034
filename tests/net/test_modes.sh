#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# XDP native, XDP generic, and TC instead of XDP: the same answers.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

# What the kernel says is attached to node1's eth0: native, generic, or nothing.
xdp_mode() {
	ip -n "$STAGE_ID-node1" -j -d link show eth0 |
		jq -r '{"1": "native", "2": "generic", "null": "none"}[.[0].xdp.mode | tostring]'
}

mode_is() {
	[ "$(xdp_mode)" = "$1" ] || {
		xdp_mode
		return 1
	}
}

try_mode() {
	local mode=$1 xdp=$2 family node
	check "$mode: attach" stage_attach --mode "$mode"
	agent_start node1 node2
	on node1 lbctl apply -f kubia/dual.yaml -f kubia/cluster.yaml >/dev/null
	stage_settle
	check "$mode: XDP is $xdp" mode_is "$xdp"
	for family in 4 6; do
		node=$([ $family = 4 ] && echo 192.0.2.1 || echo 2001:db8::1)
		check "$mode: IPv$family NodePort" load_even client tcp "$node" 30080 --http \
			--backends 3 --count 900 --concurrency 30
		check "$mode: IPv$family LoadBalancer" load_even client tcp \
			"$(service_lb_ip web $family)" 80 --http --backends 3 --count 900 \
			--concurrency 30
		check "$mode: IPv$family UDP" load_even client udp "$node" 30090 --backends 3 \
			--count 900 --concurrency 30
		check "$mode: IPv$family ClusterIP" load_even bare tcp \
			"$(service_ip web $family)" 80 --http --backends 3 --count 900 \
			--concurrency 30
	done
	agent_kill node1 TERM
	agent_kill node2 TERM
	check "$mode: detach" on node1 lbctl detach --all
	check "$mode: nothing is left" mode_is none
	on node2 lbctl detach --all
}

stage_up
try_mode native native
try_mode generic generic
try_mode tc none
checks_done
