#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A pod that reaches itself through its Service, in all the ways there are.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

# A pod's sockets are hooked or they are not; here each pod keeps to one.
by_tc() {
	local name="IPv$1 $2, by TC" proto=$2 ip=$3 own=$4
	export LB_NO_CGROUP=1
	check "$name: all pods answer, none is missed" load_even kubia-4h2mx "$proto" "$ip" 9000 \
		--backends 3 --count 600 --concurrency 20
	check "$name: towards itself another address stands for the pod" json \
		".seen_from | length == 2 and has(\"$own\")" \
		on kubia-4h2mx loadgen "$proto" "$ip" 9000 --count 100
	unset LB_NO_CGROUP
}

stage_cluster
on node1 lbctl apply -f kubia/dual.yaml >/dev/null
stage_settle
for proto in tcp udp; do
	by_tc 4 $proto "$(service_ip echo 4)" 172.17.0.7
	by_tc 6 $proto "$(service_ip echo 6)" fd00:17::7
	for family in 4 6; do
		check "IPv$family $proto, at the socket: all pods answer, none is missed" \
			load_even kubia-9tcwz $proto "$(service_ip echo $family)" 9000 \
			--backends 3 --count 600 --concurrency 20
	done
done
checks_done
