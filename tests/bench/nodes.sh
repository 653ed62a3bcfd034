# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Nodes for the benchmarks on real traffic, each with a client and a backend of its own behind a veth:
#
#	client eth0 ── eth0 node eth1 ── eth0 backend
#	198.18.0.1    198.18.255.254   (or a pod, 10.244.0.1)
#	              10.244.1.254         10.244.1.1 and so on
#
# All are up together, so that they can be measured in turns. Source it after setting ID.

NODES_DIR=$(mktemp -d /dev/shm/lb-bench-XXXXXX)
NODES_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ID=lb-$$
export NODES_DIR ID

# nodes_need COMMAND=PACKAGE...
nodes_need() {
	local need missing=()
	for need in "$@"; do
		command -v "${need%=*}" >/dev/null || missing+=("${need#*=}")
	done
	[ ${#missing[@]} = 0 ] || {
		echo "$0: missing: apt-get install ${missing[*]}" >&2
		return 1
	}
}

# at WAY HOST COMMAND...: in its network namespace, and in that alone: `ip netns exec` would hide mounts.
at() {
	local netns=$ID-$1-$2
	shift 2
	nsenter --net="/run/netns/$netns" "$@"
}

# node_new WAY [CLIENT GATEWAY BITS]: the three namespaces. Neighbours are known: nobody asks for them in
# between. Commands are few, for they are slow in a guest without acceleration.
node_new() {
	local way=$1 client=${2:-198.18.0.1} gateway=${3:-198.18.255.254} bits=${4:-15} host
	for host in client node backend; do
		ip netns add "$ID-$way-$host"
		at "$way" "$host" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
			net.ipv6.conf.default.disable_ipv6=1 net.ipv4.conf.all.rp_filter=0 \
			net.ipv4.conf.default.rp_filter=0 net.ipv4.ip_forward=1
	done
	node_link "$way" client 01 eth0 02
	node_link "$way" backend 04 eth1 03
	ip -n "$ID-$way-client" -batch - <<-END
		addr add $client/$bits dev eth0
		neigh add $gateway lladdr 02:00:00:00:00:02 dev eth0
		route add default via $gateway
	END
	ip -n "$ID-$way-node" -batch - <<-END
		addr add $gateway/$bits dev eth0
		addr add 10.244.1.254/24 dev eth1
		neigh add $client lladdr 02:00:00:00:00:01 dev eth0
	END
	ip -n "$ID-$way-backend" -batch - <<-END
		neigh add 10.244.1.254 lladdr 02:00:00:00:00:03 dev eth0
		route add default dev eth0 via 10.244.1.254 onlink
	END
}

# node_link WAY HOST MAC DEVICE MAC: the host's eth0, and the node's device. A veth hands over packets with
# unfinished checksums, which XDP cannot see; and what XDP sends into it arrives only where the receiving
# end polls.
node_link() {
	ip -n "$ID-$1-node" -batch - <<-END
		link add $4 address 02:00:00:00:00:$5 numrxqueues 1 numtxqueues 1 type veth \
			peer name eth0 address 02:00:00:00:00:$3 numrxqueues 1 numtxqueues 1 netns $ID-$1-$2
		link set lo up
		link set $4 up
	END
	ip -n "$ID-$1-$2" -batch - <<-END
		link set lo up
		link set eth0 up
	END
	at "$1" node ethtool -K "$4" tx off gro on >/dev/null
	at "$1" "$2" ethtool -K eth0 tx off gro on >/dev/null
}

# node_backends WAY N: the backend's addresses.
node_backends() {
	seq "$2" | sed 's|.*|addr add 10.244.1.&/24 dev eth0|' | ip -n "$ID-$1-backend" -batch -
	seq "$2" | sed 's|.*|neigh add 10.244.1.& lladdr 02:00:00:00:00:04 dev eth1|' |
		ip -n "$ID-$1-node" -batch -
}

lbctl_on() {
	local way=$1
	shift
	LBCTL_ROOT=$NODES_DIR/$way at "$way" node "$NODES_TOP/build/lbctl" "$@" >/dev/null
}

# lbctl_config WAY [LINE...]: its configuration.
lbctl_config() {
	local way=$1
	shift
	mkdir -p "$NODES_DIR/$way"
	printf '%s\n' 'apiVersion: lbctl.io/v1' 'kind: Configuration' 'nodeName: node1' \
		'podCIDRs: [10.244.0.0/16]' "$@" >"$NODES_DIR/$way/config.yaml"
}

# node_balance nft|iptables|lbctl WAY PROTOCOL SERVICES BACKENDS; lbctl is attached already.
node_balance() {
	local form=$1 way=$2
	shift 2
	case $form in
	nft) "$NODES_TOP/tests/bench/cluster" nft "$@" | at "$way" node nft -f - ;;
	iptables) "$NODES_TOP/tests/bench/cluster" iptables "$@" | at "$way" node iptables-legacy-restore ;;
	lbctl)
		"$NODES_TOP/tests/bench/cluster" yaml "$@" >"$NODES_DIR/$way/cluster.yaml"
		lbctl_on "$way" apply -f "$NODES_DIR/$way/cluster.yaml"
		;;
	esac
}

nodes_down() {
	local root netns
	for root in "$NODES_DIR"/*/bpf; do
		[ -d "$root" ] || continue
		LBCTL_ROOT=${root%/bpf} at "$(basename "${root%/bpf}")" node "$NODES_TOP/build/lbctl" \
			detach --all >/dev/null 2>&1 || true
		umount "$root" 2>/dev/null || true
	done
	ip netns list | cut -d' ' -f1 | { grep "^$ID-" || true; } | while read -r netns; do
		ip netns del "$netns"
	done
	rm -rf "$NODES_DIR"
}
