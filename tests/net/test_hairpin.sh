#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A pod that reaches itself through its Service, in all the ways there are.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

# All pods answer, the asking one among them, and itself it saw under another address than its own.
hairpin() {
	local name=$1 proto=$2 own=$3
	shift 3
	check "$name: all pods answer, none is missed" load_even kubia-4h2mx "$proto" "$@" \
		--backends 3 --count 600 --concurrency 20
	[ "${LB_NO_CGROUP:-0}" != 1 ] ||
		check "$name: a node's address stands for the pod towards itself" json \
			".seen_from | length == 2 and has(\"$own\")" \
			on kubia-4h2mx loadgen "$proto" "$@" --count 100
}

stage_cluster
on node1 lbctl apply -f kubia/dual.yaml >/dev/null
stage_settle
for family in 4 6; do
	own=$([ $family = 4 ] && echo 172.17.0.7 || echo fd00:17::7)
	ip=$(service_ip echo $family)
	for proto in tcp udp; do
		LB_NO_CGROUP=1 hairpin "IPv$family $proto, by TC" $proto "$own" "$ip" 9000
		hairpin "IPv$family $proto, at the socket" $proto "$own" "$ip" 9000
	done
done
checks_done
