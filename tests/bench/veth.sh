#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Packets over veth: lbctl beside kube-proxy's rules, plain forwarding and an XDP redirect. Needs root, a
# quiet machine and the packages nftables and iptables.
#
#	tests/bench/veth.sh [--rounds N] [--json FILE]
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/bench/nodes.sh
trap nodes_down EXIT
nodes_need nft=nftables iptables-legacy-restore=iptables ethtool=ethtool

# Source ports for each of the backends, so that masquerading finds one.
BACKENDS=10

node_up() {
	local way=$1 form=${1%-*} services=${1##*-}
	node_new "$way"
	node_backends "$way" $BACKENDS
	if [ "$form" = lbctl ]; then
		# The new flows of a burst are over after it.
		lbctl_config "$way" 'timeouts: {udpOneWay: 2}'
		lbctl_on "$way" attach eth0 eth1 --mode native --cgroup none
	fi
	node_balance "$form" "$way" udp "$services" $BACKENDS
}

for way in first-hop redirect forward {lbctl,nft,iptables}-{1,1000,10000}; do
	node_up "$way"
done
build/tests/bench/veth "$ID" "$@"
