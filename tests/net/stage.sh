# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The stage: a small cluster of network namespaces on one machine, for the demo and the end-to-end
# tests. Source it and call stage_up; stage_down (also by trap) removes everything again.
#
#	 client .10        outside .30 (owns 11.11.11.11, 22.22.22.22)
#	     \              /
#	   lan: 192.0.2.0/24, 2001:db8::/64 (a bridge)
#	     /              \
#	  node1 .1          node2 .2
#	  172.17.0.0/24     172.17.1.0/24       pods, each behind a veth of its node
#	  fd00:17:0::/64    fd00:17:1::/64
#
# Every host has a starter, $STAGE/bin/HOST [COMMAND]. It enters the host's network namespace and
# its node's cgroup (that of the socket hooks) and sets LBCTL_ROOT, so that commands can be typed as
# on a real node. With LB_NO_CGROUP=1 it stays out of the cgroup: then the packets themselves are
# translated, by TC on the pod's veth.

STAGE_BUILD=${STAGE_BUILD:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/build}
STAGE_TOOLS=$STAGE_BUILD/tests/net/tools
export STAGE_TOOLS

# ---------------------------------------------------------------- hosts --

# on HOST COMMAND...: as somebody logged in there.
on() {
	local host=$1
	shift
	"$STAGE/bin/$host" "$@"
}

# A process that lives as long as the stage; its output goes to a file.
stage_spawn() {
	local host=$1 log=$2
	shift 2
	# A session of its own: Ctrl-C at the demo ends the demo, which then ends these in order.
	setsid "$STAGE/bin/$host" "$@" >>"$STAGE/$log" 2>&1 </dev/null &
	stage_pid_record $!
	# The shell has nothing to say when it ends.
	disown $!
}

# Pids come back to strangers: the start time goes with them.
stage_pid_record() {
	echo "$1 $(stage_pid_start "$1")" >>"$STAGE/pids"
}

stage_pid_start() {
	sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20 || true
}

stage_pid_gone() {
	[ -z "$(stage_pid_start "$1")" ]
}

stage_host_new() {
	local host=$1 node=${2:-} bare=0
	[ "$host" != bare ] || bare=1
	ip netns add "$STAGE_ID-$host"
	echo "$STAGE_ID-$host" >>"$STAGE/netns"
	stage_sysctl "$host" net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.default.dad_transmits=0 net.ipv6.conf.all.accept_ra=0 \
		net.ipv6.conf.default.accept_ra=0 net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.default.rp_filter=0 net.ipv4.tcp_tw_reuse=1 \
		net.core.somaxconn=4096 net.ipv4.tcp_max_syn_backlog=8192
	ip -n "$STAGE_ID-$host" link set lo up
	cat >"$STAGE/bin/$host" <<-END
		#!/bin/sh
		# A shell, or one command, on $host.
		export PATH=$STAGE_BUILD:$STAGE_TOOLS:\$PATH
		if [ -n "$node" ]; then
			export LBCTL_ROOT=$STAGE/$node
			[ "\${LB_NO_CGROUP:-$bare}" = 1 ] || echo \$\$ >$STAGE_CGROUP/$node/cgroup.procs
		fi
		[ \$# -gt 0 ] || set -- bash
		[ ! -d $STAGE/root-$host ] || set -- chroot $STAGE/root-$host "\$@"
		[ ! -f $STAGE/resolv-$host ] || set -- unshare -m sh -c \
			'mount --bind "\$0" /etc/resolv.conf && exec "\$@"' $STAGE/resolv-$host "\$@"
		exec nsenter --net=/run/netns/$STAGE_ID-$host -- "\$@"
	END
	chmod 755 "$STAGE/bin/$host"
}

stage_sysctl() {
	local host=$1
	shift
	nsenter "--net=/run/netns/$STAGE_ID-$host" sysctl -qw "$@"
}

# veth hands over packets whose checksum is not yet finished, and programs at the other end cannot
# see that: so nobody here leaves checksums to the device. Frames that XDP sends back into a veth
# arrive only where the receiving end polls, hence gro; and after XDP_TX only where it has a program,
# hence xdp_pass on the ports of the lan.
stage_veth_tame() {
	nsenter "--net=/run/netns/$STAGE_ID-$1" ethtool -K "$2" tx off gro on >/dev/null
}

# --------------------------------------------------------------- the lan --

stage_lan_new() {
	stage_host_new lan
	ip -n "$STAGE_ID-lan" link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
	ip -n "$STAGE_ID-lan" link set br0 up
}

# stage_lan_join HOST NUMBER: eth0 with 192.0.2.NUMBER and 2001:db8::NUMBER.
stage_lan_join() {
	local host=$1 number=$2 ns=$STAGE_ID-$1
	ip -n "$STAGE_ID-lan" link add "$host" type veth peer name eth0 netns "$ns"
	ip -n "$STAGE_ID-lan" link set "$host" master br0 up
	ip -n "$ns" addr add "192.0.2.$number/24" dev eth0
	ip -n "$ns" addr add "2001:db8::$number/64" dev eth0 nodad
	ip -n "$ns" link set eth0 up
	stage_veth_tame lan "$host"
	ip -n "$STAGE_ID-lan" link set "$host" xdp obj "$STAGE_TOOLS/xdp_pass.bpf.o" sec xdp.frags
	stage_veth_tame "$host" eth0
}

stage_node_new() {
	local node=$1 number=$2 other=$((3 - $2))
	mkdir -p "$STAGE/$node" "$STAGE_CGROUP/$node"
	echo "$STAGE_CGROUP/$node" >>"$STAGE/cgroups"
	stage_host_new "$node" "$node"
	stage_lan_join "$node" "$number"
	stage_sysctl "$node" net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n "$STAGE_ID-$node" route add "172.17.$((other - 1)).0/24" via "192.0.2.$other"
	ip -n "$STAGE_ID-$node" route add "fd00:17:$((other - 1))::/64" via "2001:db8::$other"
	for net in 11.11.11.11/32 22.22.22.22/32; do
		ip -n "$STAGE_ID-$node" route add $net via 192.0.2.30
	done
	ip -n "$STAGE_ID-$node" route add 2001:db8:11::/48 via 2001:db8::30
	cat >"$STAGE/$node/config.yaml" <<-END
		apiVersion: lbctl.io/v1
		kind: Configuration
		nodeName: $node
		podCIDRs: [172.17.0.0/16, "fd00:17::/32"]
		serviceCIDR: [10.96.0.0/12, "fd00:10:96::/112"]
		loadBalancerPools: [198.51.100.1-198.51.100.14, "2001:db8:ffff::/124"]
	END
}

# Somebody out there who knows nothing of the cluster, except that node1 takes what is for the
# load balancer's addresses (as a router would learn by BGP).
stage_client_new() {
	stage_host_new client
	stage_lan_join client 10
	stage_sysctl client net.ipv4.ip_local_port_range="10000 65000"
	ip -n "$STAGE_ID-client" route add 198.51.100.0/28 via 192.0.2.1
	ip -n "$STAGE_ID-client" route add 2001:db8:ffff::/124 via 2001:db8::1
}

# Servers that are no pods.
stage_outside_new() {
	stage_host_new outside
	stage_lan_join outside 30
	for addr in 11.11.11.11/32 22.22.22.22/32; do
		ip -n "$STAGE_ID-outside" addr add $addr dev lo
	done
	ip -n "$STAGE_ID-outside" addr add 2001:db8:11::11/128 dev lo nodad
	for n in 0 1; do
		ip -n "$STAGE_ID-outside" route add 172.17.$n.0/24 via 192.0.2.$((n + 1))
		ip -n "$STAGE_ID-outside" route add fd00:17:$n::/64 via 2001:db8::$((n + 1))
	done
	stage_nginx outside "\$server_addr" 80 8443
}

# ------------------------------------------------------------------ pods --

# pod_new NAME NODE NUMBER: a pod without processes, 172.17.(0|1).NUMBER.
pod_new() {
	local pod=$1 node=$2 number=$3 net ns=$STAGE_ID-$1 host_ns=$STAGE_ID-$2 node_number=${2#node}
	local veth=veth-${1##*-} v4 v6
	net=$((node_number - 1))
	v4=172.17.$net.$number
	v6=fd00:17:$net::$number
	stage_host_new "$pod" "$node"
	ip -n "$host_ns" link add "$veth" type veth peer name eth0 netns "$ns"
	ip -n "$host_ns" addr add 169.254.1.1/32 dev "$veth" scope link
	ip -n "$host_ns" addr add fe80::1/64 dev "$veth" nodad
	ip -n "$host_ns" link set "$veth" up
	ip -n "$ns" addr add "$v4/32" dev eth0
	ip -n "$ns" addr add "$v6/128" dev eth0 nodad
	ip -n "$ns" link set eth0 up
	stage_veth_tame "$node" "$veth"
	stage_veth_tame "$pod" eth0
	ip -n "$ns" route add 169.254.1.1 dev eth0 scope link
	ip -n "$ns" route add default via 169.254.1.1
	ip -n "$ns" -6 route add default via fe80::1 dev eth0
	# The node speaks to its pods with the address that others know it by.
	ip -n "$host_ns" route add "$v4/32" dev "$veth" src "192.0.2.$node_number"
	ip -n "$host_ns" -6 route add "$v6/128" dev "$veth" src "2001:db8::$node_number"
}

# pod_resolv NAME: what is run in the pod from then on has the resolv.conf that a kubelet writes.
pod_resolv() {
	cat >"$STAGE/resolv-$1" <<-END
		nameserver 10.96.0.10
		search default.svc.cluster.local svc.cluster.local cluster.local
		options ndots:5
	END
}

# pod_root NAME: gives the pod a root of its own, with the programs of this machine and an empty /var.
# What is run in it from then on sees that, and so do the commands of probes.
pod_root() {
	local root=$STAGE/root-$1 dir
	mkdir -p "$root.new"/{usr,var,tmp,proc,dev,etc}
	chmod 1777 "$root.new/tmp"
	for dir in bin sbin lib lib64; do
		ln -s usr/$dir "$root.new/$dir"
	done
	mount --bind -o ro /usr "$root.new/usr"
	echo "$root/usr" >>"$STAGE/mounts"
	mv "$root.new" "$root"
}

# pod_manifest FILE: a manifest with the places of the stage filled in.
pod_manifest() {
	sed "s|@NETNS@|/run/netns/$STAGE_ID|; s|@ROOT@|$STAGE/root|" "$1"
}

# pod_serve NAME: kubia (HTTP on 8080, HTTPS on 8443) and echod (TCP and UDP on 9000).
pod_serve() {
	stage_nginx "$1" "$1" 8080 8443
	stage_spawn "$1" "$1.log" "$STAGE_TOOLS/echod" "$1" 9000
}

stage_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj /CN=kubia -keyout "$STAGE/tls.key" -out "$STAGE/tls.crt" 2>/dev/null
}

# stage_nginx HOST ANSWER HTTP-PORT HTTPS-PORT
stage_nginx() {
	local host=$1 answer=$2 http=$3 https=$4 dir=$STAGE/nginx-$1
	mkdir -p "$dir"
	cat >"$dir/nginx.conf" <<-END
		daemon off;
		user root;
		worker_processes 1;
		worker_rlimit_nofile 16384;
		pid $dir/nginx.pid;
		error_log $dir/error.log;
		events { worker_connections 8192; }
		http {
			access_log off;
			client_body_temp_path $dir; proxy_temp_path $dir; fastcgi_temp_path $dir;
			uwsgi_temp_path $dir; scgi_temp_path $dir;
			server {
				listen $http backlog=4096;
				listen [::]:$http ipv6only=on backlog=4096;
				listen $https ssl;
				listen [::]:$https ssl ipv6only=on;
				ssl_certificate $STAGE/tls.crt;
				ssl_certificate_key $STAGE/tls.key;
				location /large { root $STAGE; }
				location / {
					default_type text/plain;
					add_header X-Client \$remote_addr always;
					return 200 "You've hit $answer\n";
				}
			}
		}
	END
	stage_spawn "$host" "$host.log" /usr/sbin/nginx -p "$dir" -e "$dir/error.log" \
		-c "$dir/nginx.conf"
}

# Returns when HOST answers on PORT of its own.
stage_wait_port() {
	stage_eventually 10 on "$1" curl -so /dev/null "http://127.0.0.1:$2/"
}

# stage_eventually SECONDS COMMAND...: until it succeeds, or the time is up.
stage_eventually() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# ----------------------------------------------------------------- lbctl --

# stage_attach [OPTION...]: on both nodes.
# shellcheck disable=SC2120
stage_attach() {
	local node
	for node in node1 node2; do
		on "$node" lbctl attach eth0 --pods 'veth*' --cgroup "$STAGE_CGROUP/$node" "$@"
	done
}

agent_start() {
	local node
	for node in "$@"; do
		stage_spawn "$node" "$node/agent.log" lbctl agent
		echo $! >"$STAGE/$node/agent.pid"
		stage_eventually 10 test -S "$STAGE/$node/run/agent.sock" || {
			cat "$STAGE/$node/agent.log" >&2
			return 1
		}
	done
}

# agent_kill NODE [SIGNAL]
agent_kill() {
	local pid
	pid=$(cat "$STAGE/$1/agent.pid")
	kill "-${2:-KILL}" "$pid"
	stage_eventually 10 stage_pid_gone "$pid"
	rm -f "$STAGE/$1/agent.pid"
}

# stage_editor NAME SCRIPT: $STAGE/bin/NAME, an editor that does what sed's script says.
stage_editor() {
	cat >"$STAGE/bin/$1" <<-END
		#!/bin/sh
		exec sed -i '$2' "\$1"
	END
	chmod 755 "$STAGE/bin/$1"
}

# service_ip NAME [4|6], service_lb_ip NAME [4|6]: its cluster IP, its load balancer's address.
service_ip() {
	on node1 lbctl get svc "$1" -o json | jq -r '.spec.clusterIPs[]' | stage_family "${2:-4}"
}

service_lb_ip() {
	on node1 lbctl get svc "$1" -o json | jq -r '.status.loadBalancer.ingress[].ip' |
		stage_family "${2:-4}"
}

stage_family() {
	if [ "$1" = 4 ]; then grep -v :; else grep :; fi
}

# What both nodes must agree on, whatever their own addresses are.
stage_view() {
	on "$1" lbctl show svc -o json |
		jq -cS '[.[] | [.namespace, .name, .port, .protocol, .type, .affinity, .policy,
			([.backends[] | .address] | sort)]] | sort'
}

stage_agrees() {
	[ "$(stage_view node1)" = "$(stage_view node2)" ]
}

# Returns when the other node's agent has read what was applied on node1.
stage_settle() {
	stage_eventually 10 stage_agrees
}

# --------------------------------------------------------------- up, down --

stage_cgroup_root() {
	local root
	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	if [ -z "$root" ]; then
		root=$STAGE/cgroup
		mkdir "$root"
		mount -t cgroup2 none "$root"
		echo "$root" >>"$STAGE/mounts"
	fi
	STAGE_CGROUP=$root/$STAGE_ID
	mkdir "$STAGE_CGROUP"
	echo "$STAGE_CGROUP" >>"$STAGE/cgroups"
}

# The whole cast: client, outside, two nodes, three kubia pods, and two to run curl in, one of them
# outside of the cgroup.
stage_up() {
	[ "$(id -u)" = 0 ] || {
		echo "the stage needs root" >&2
		return 1
	}
	STAGE_ID=lb-$$
	STAGE=$(mktemp -d "/tmp/$STAGE_ID-XXXXXX")
	chmod 711 "$STAGE" # HAProxy of an Ingress has a user of its own
	trap stage_down EXIT
	trap 'exit 1' INT TERM HUP
	mkdir "$STAGE/bin"
	touch "$STAGE/pids" "$STAGE/netns" "$STAGE/cgroups" "$STAGE/mounts"
	stage_cgroup_root
	stage_certificate
	stage_lan_new
	stage_client_new
	stage_outside_new
	stage_node_new node1 1
	stage_node_new node2 2
	# One set of objects for both nodes.
	mkdir "$STAGE/node1/state"
	ln -s ../node1/state "$STAGE/node2/state"
	pod_new kubia-4h2mx node1 7
	pod_new kubia-9tcwz node1 8
	pod_new kubia-lq7dn node2 9
	pod_new curl node1 20
	pod_new bare node1 21
	for pod in kubia-4h2mx kubia-9tcwz kubia-lq7dn; do
		pod_serve $pod
	done
	for pod in kubia-4h2mx kubia-9tcwz kubia-lq7dn; do
		stage_wait_port $pod 8080
	done
	stage_wait_port outside 80
}

# The stage with lbctl at work on both nodes and the cluster's own objects applied.
stage_cluster() {
	stage_up
	stage_attach >/dev/null
	agent_start node1 node2
	on node1 lbctl apply -f kubia/cluster.yaml >/dev/null
}

stage_kill_all() {
	local signal=$1 pid start alive=0
	while read -r pid start; do
		if [ -n "$start" ] && [ "$(stage_pid_start "$pid")" = "$start" ]; then
			kill "-$signal" "$pid" 2>/dev/null && alive=1
		fi
	done <"$STAGE/pids"
	return $alive
}

# Removes everything that is written down in STAGE. Safe to call again, and from another process.
stage_down() {
	local node name
	trap - EXIT
	[ -d "${STAGE:-}" ] || return 0
	for node in node1 node2; do
		if [ -x "$STAGE/bin/$node" ]; then
			timeout 20 "$STAGE/bin/$node" lbctl detach --all >/dev/null 2>&1 || true
		fi
	done
	stage_kill_all TERM || sleep 0.3
	stage_kill_all KILL || sleep 0.1
	while read -r name; do
		ip netns del "$name" 2>/dev/null || true
	done <"$STAGE/netns"
	while read -r name; do
		stage_cgroup_remove "$name"
	done < <(tac "$STAGE/cgroups")
	{
		cat "$STAGE/mounts"
		echo "$STAGE/node1/bpf"
		echo "$STAGE/node2/bpf"
	} | while read -r name; do
		mountpoint -q "$name" && umount "$name"
	done || true
	rm -rf --one-file-system "$STAGE"
}

# Whoever still lives in it (a shell left open) moves out.
stage_cgroup_remove() {
	local pid
	[ -d "$1" ] || return 0
	while read -r pid; do
		echo "$pid" >"${1%"/${1##*/}"}/cgroup.procs" 2>/dev/null || true
	done <"$1/cgroup.procs"
	rmdir "$1" 2>/dev/null || sleep 0.2
	rmdir "$1" 2>/dev/null || true
}
