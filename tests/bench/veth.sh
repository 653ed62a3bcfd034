#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Packets over veth: lbctl beside kube-proxy's rules, plain forwarding and an XDP redirect. Needs root, a
# quiet machine and the packages nftables and iptables.
#
#	tests/bench/veth.sh [--rounds N] [--json FILE]
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/bench/nodes.sh
nodes_need nft=nftables iptables-legacy-restore=iptables ethtool=ethtool
trap nodes_down EXIT

# Source ports for each of the backends, so that masquerading finds one.
BACKENDS=10

lbctl_on() {
	local way=$1
	shift
	LBCTL_ROOT=$NODES_DIR/$way at "$way" node build/lbctl "$@" >/dev/null
}

# The new flows of a burst are over after it.
node_lbctl() {
	local way=$1 services=$2
	mkdir -p "$NODES_DIR/$way"
	cat >"$NODES_DIR/$way/config.yaml" <<-END
		apiVersion: lbctl.io/v1
		kind: Configuration
		nodeName: node1
		podCIDRs: [10.244.0.0/16]
		timeouts: {udpOneWay: 2}
	END
	lbctl_on "$way" attach eth0 eth1 --mode native --cgroup none
	tests/bench/cluster yaml udp "$services" $BACKENDS >"$NODES_DIR/$way/cluster.yaml"
	lbctl_on "$way" apply -f "$NODES_DIR/$way/cluster.yaml"
}

node_up() {
	local way=$1 services=${1##*-}
	node_new "$way"
	node_backends "$way" $BACKENDS
	case $way in
	lbctl-*) node_lbctl "$way" "$services" ;;
	nft-*) tests/bench/cluster nft udp "$services" $BACKENDS | at "$way" node nft -f - ;;
	iptables-*)
		tests/bench/cluster iptables udp "$services" $BACKENDS |
			at "$way" node iptables-legacy-restore
		;;
	esac
}

for way in first-hop redirect forward {lbctl,nft,iptables}-{1,1000,10000}; do
	node_up "$way"
done
build/tests/bench/veth "$ID" "$@"
