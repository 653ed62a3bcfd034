#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Connections and round trips from a pod to a cluster IP: lbctl's socket hooks and its TC programs, beside
# kube-proxy's rules and a straight connection. Needs root, a quiet machine, nftables and iptables.
#
#	tests/bench/connect.sh [--rounds N] [--json FILE]
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/bench/nodes.sh
trap nodes_down EXIT
nodes_need nft=nftables iptables-legacy-restore=iptables ethtool=ethtool
cgroup=$(findmnt -n -o TARGET -t cgroup2 | head -n 1)/$ID
trap 'nodes_down; sleep 0.2; find "$cgroup" -depth -type d -exec rmdir {} +' EXIT
mkdir "$cgroup"

SERVICES=1000
BACKENDS=10

# attach WAY: what packets meet besides, differs. A node has a NIC, by which none of them goes.
attach() {
	at "$1" node ip link add nic type veth peer name lan
	at "$1" node ip link set nic up
	case $1 in
	sockets) lbctl_on "$1" attach nic --cgroup "$cgroup/$1" ;;
	both) lbctl_on "$1" attach nic --pods 'eth*' --cgroup "$cgroup/$1" ;;
	tc) lbctl_on "$1" attach nic --pods 'eth*' --cgroup none ;;
	esac
}

for way in direct again sockets both tc nft iptables; do
	node_new $way 10.244.0.1 10.244.0.254 24
	node_backends $way $BACKENDS
	mkdir "$cgroup/$way"
	case $way in
	sockets | both | tc)
		lbctl_config $way
		attach $way
		node_balance lbctl $way tcp $SERVICES $BACKENDS
		;;
	*) node_balance $way $way tcp $SERVICES $BACKENDS ;;
	esac
done
build/tests/bench/connect "$ID" "$cgroup" "$@"
