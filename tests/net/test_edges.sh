#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The edges of the protocols: ping, errors on the way, fragments, options, hop limits, large frames,
# and two families that do not know of each other.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh
. ./traffic.sh

# by_slices NAME NODE-PORT V4-ENDPOINT|"" V6-ENDPOINT|"" [TARGET-PORT]: a Service of both families
# for endpoints of our choice.
by_slices() {
	local name=$1 family address
	apply_text >/dev/null <<-END
		apiVersion: v1
		kind: Service
		metadata: {name: $name}
		spec: {type: LoadBalancer, ipFamilyPolicy: RequireDualStack,
		  ports: [{name: tcp, port: 9000, nodePort: $2},
		          {name: udp, port: 9000, nodePort: $2, protocol: UDP},
		          {name: http, port: 80, nodePort: $(($2 + 1))}]}
	END
	for family in 4 6; do
		address=$([ $family = 4 ] && echo "$3" || echo "$4")
		[ -n "$address" ] || continue
		apply_text >/dev/null <<-END
			apiVersion: discovery.k8s.io/v1
			kind: EndpointSlice
			metadata: {name: $name-$family, labels: {kubernetes.io/service-name: $name}}
			addressType: IPv$family
			ports: [{name: tcp, port: ${5:-9000}}, {name: udp, port: ${5:-9000}, protocol: UDP},
			        {name: http, port: 8080}]
			endpoints: [{addresses: ['$address'], nodeName: $(owner "$address")}]
		END
	done
}

owner() {
	case $1 in
	172.17.0.* | fd00:17::*) echo node1 ;;
	*) echo node2 ;;
	esac
}

# "here": client's address kept; "there": masqueraded towards the other node.
services() {
	by_slices here 30180 172.17.0.7 fd00:17::7
	by_slices there 30190 172.17.1.9 fd00:17:1::9
}

# For each family and both services: with the variables v (family), node1, client, name, port, seen.
everywhere() {
	local v node1 client name port seen
	for v in 4 6; do
		node1=$([ $v = 4 ] && echo 192.0.2.1 || echo 2001:db8::1)
		client=$([ $v = 4 ] && echo 192.0.2.10 || echo 2001:db8::10)
		for name in here there; do
			port=$([ $name = here ] && echo 30180 || echo 30190)
			seen=$([ $name = here ] && echo "kubia-4h2mx $client" || echo "kubia-lq7dn $node1")
			"$@"
		done
	done
}

# ------------------------------------------------------------------- ping --

pings() {
	local what=$1 pattern=$2 v
	for v in 4 6; do
		check "IPv$v ping, $what: the load balancer's address, by XDP" says "$pattern" client \
			ping "$(service_lb_ip web $v)" --timeout 500
		check "IPv$v ping, $what: the cluster IP, by TC" says "$pattern" bare \
			ping "$(service_ip web $v)" --timeout 500
	done
}

ping_addresses() {
	local lb
	lb=$(service_lb_ip web)
	pings 'endpoints' alive
	check 'ping: nobody answers for an address that is no service'"'"'s' fails says alive client ping \
		198.51.100.14 --timeout 300
	pods_delete $PODS
	pings 'no endpoint' 'no answer'
	pods_restore
	node_config node1 'icmpEcho: false'
	pings 'switched off' '(no answer|.*unreachable|No route to host).*'
	check 'ping switched off: the service is there' says 'kubia-.*' client tcp \
		"$(service_lb_ip echo)" 9000
	node_config node1
	check 'ping switched on again' says alive client ping "$lb"
}

# ----------------------------------------------------------------- errors --

closed_ports() {
	local v lb error
	by_slices closed-here 30200 172.17.0.7 fd00:17::7 9
	by_slices closed-there 30210 172.17.1.9 fd00:17:1::9 9
	for v in 4 6; do
		error=$([ $v = 4 ] && echo 3/3 || echo 1/4)
		for name in here there; do
			lb=$(service_lb_ip closed-$name $v)
			check "IPv$v port unreachable from $name: shows the service's address" says \
				"Connection refused: ICMP $error from $lb" client udp "$lb" 9000
		done
		check "IPv$v port unreachable, by TC" says \
			"Connection refused: ICMP $error from $(service_ip closed-here $v)" bare udp \
			"$(service_ip closed-here $v)" 9000
	done
	service_delete closed-here closed-there
}

last_hop() {
	local error
	error=$([ "$v" = 4 ] && echo 11/0 || echo 3/0)
	check "IPv$v, $name: TTL 1 ends here" says "No route to host: ICMP $error from $node1" \
		client udp "$node1" "$port" --ttl 1
	check "IPv$v, $name: TTL 1 ends here, by the load balancer's address" says \
		"No route to host: ICMP $error from $node1" client udp "$(service_lb_ip "$name" "$v")" 9000 \
		--ttl 1
	check "IPv$v, $name: by TC too" says "No route to host: ICMP $error from $node1" bare udp \
		"$(service_ip "$name" "$v")" 9000 --ttl 1
	check "IPv$v, $name: with some more it arrives" says "$seen" client udp "$node1" "$port" --ttl 3
}

# --------------------------------------------------------------- path MTU --

# Somebody far away, behind a router with a smaller MTU there. Their handshake knows nothing of it.
far_new() {
	stage_host_new router
	stage_lan_join router 40
	stage_sysctl router net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n "$STAGE_ID-router" route add 198.51.100.0/28 via 192.0.2.1
	ip -n "$STAGE_ID-router" route add 2001:db8:ffff::/124 via 2001:db8::1
	stage_host_new far
	ip -n "$STAGE_ID-router" link add eth1 type veth peer name eth0 netns "$STAGE_ID-far"
	ip -n "$STAGE_ID-router" addr add 203.0.113.1/24 dev eth1
	ip -n "$STAGE_ID-router" addr add 2001:db8:203::1/64 dev eth1 nodad
	ip -n "$STAGE_ID-router" link set eth1 up mtu 1400
	ip -n "$STAGE_ID-far" addr add 203.0.113.10/24 dev eth0
	ip -n "$STAGE_ID-far" addr add 2001:db8:203::10/64 dev eth0 nodad
	ip -n "$STAGE_ID-far" link set eth0 up
	stage_veth_tame router eth1
	stage_veth_tame far eth0
	ip -n "$STAGE_ID-far" route add default via 203.0.113.1
	ip -n "$STAGE_ID-far" -6 route add default via 2001:db8:203::1
	for node in node1 node2; do
		ip -n "$STAGE_ID-$node" route add 203.0.113.0/24 via 192.0.2.40
		ip -n "$STAGE_ID-$node" route add 2001:db8:203::/64 via 2001:db8::40
	done
	head -c 2000000 /dev/urandom >"$STAGE/large"
}

# The large file, whole.
downloads() {
	on "$1" curl -sSg --max-time 10 "$2/large" | cmp - "$STAGE/large"
}

# pmtu_is MTU POD ADDRESS: what the pod has learnt of the way there.
pmtu_is() {
	prints "mtu $1( |\$)" ip -n "$STAGE_ID-$2" route get "$3"
}

small_mtu() {
	local pod=kubia-4h2mx sees
	sees=$([ "$v" = 4 ] && echo 203.0.113.10 || echo 2001:db8:203::10)
	[ $name = here ] || pod=kubia-lq7dn sees=$node1
	check "IPv$v, $name, a router with a small MTU: a download completes" downloads far \
		"$(url "$node1" $((port + 1)))"
	check "IPv$v, $name: the right pod heard of it" pmtu_is 1400 $pod "$sees"
	check "IPv$v, $name: and one that did not download knows nothing" fails pmtu_is 1400 \
		kubia-9tcwz "$sees"
	ip -n "$STAGE_ID-$pod" route flush cache
	ip -n "$STAGE_ID-$pod" -6 route flush cache
	check "IPv$v, $name: by the load balancer's address too" downloads far \
		"$(url "$(service_lb_ip "$name" "$v")" 80)"
	check "IPv$v, $name: and the pod hears of it" pmtu_is 1400 $pod "$sees"
}

# The router's errors reach the node that knows nothing of the flow: equal-cost paths do that. By
# Maglev's table alone it finds the pod.
errors_elsewhere() {
	local v
	ip -n "$STAGE_ID-router" rule add ipproto icmp lookup 100
	ip -n "$STAGE_ID-router" -6 rule add ipproto ipv6-icmp lookup 100
	ip -n "$STAGE_ID-router" route add 198.51.100.0/28 via 192.0.2.2 table 100
	ip -n "$STAGE_ID-router" -6 route add 2001:db8:ffff::/124 via 2001:db8::2 table 100
	for v in 4 6; do
		check "IPv$v, errors reach another node: a download completes" downloads far \
			"$(url "$(service_lb_ip here $v)" 80)"
		check "IPv$v, errors reach another node: the right pod heard of it" pmtu_is 1400 \
			kubia-4h2mx "$([ $v = 4 ] && echo 203.0.113.10 || echo 2001:db8:203::10)"
		check "IPv$v, errors reach another node: it has no such flow" fails prints '203.0.113.10|2001:db8:203::10' \
			on node2 lbctl show flows
	done
	ip -n "$STAGE_ID-router" rule del ipproto icmp lookup 100
	ip -n "$STAGE_ID-router" -6 rule del ipproto ipv6-icmp lookup 100
	ip -n "$STAGE_ID-kubia-4h2mx" route flush cache
	ip -n "$STAGE_ID-kubia-4h2mx" -6 route flush cache
}

# -------------------------------------------------- fragments and options --

# scattered ANSWER ADDRESS PORT SIZE: the last fragment first, in one burst, as out of a network card's
# ring. They wait at the client until it has found its neighbour, and are sent all at once then.
scattered() {
	local want=$1 got
	shift
	bridge -n "$STAGE_ID-lan" link set dev node1 state 0
	ip -n "$STAGE_ID-client" neigh flush dev eth0
	on client scatter "$@" >"$STAGE/scattered" &
	sleep 0.2
	bridge -n "$STAGE_ID-lan" link set dev node1 state 3
	wait $! || true
	got=$(cat "$STAGE/scattered")
	[ "$got" = "$want" ] || {
		echo "$got"
		return 1
	}
}

fragments() {
	local size
	for size in 4000 20000; do
		check "IPv$v, $name: $size bytes there and back" says "$seen" client udp "$node1" "$port" \
			--size $size
		check "IPv$v, $name: $size bytes, last fragment first" scattered "$seen, $size bytes" \
			"$node1" "$port" $size
		check "IPv$v, $name: $size bytes of a pod, by TC" says 'kubia-.*' bare udp \
			"$(service_ip "$name" "$v")" 9000 --size $size
		check "IPv$v, $name: $size bytes of a pod, at the socket" says 'kubia-.*' curl udp \
			"$(service_ip "$name" "$v")" 9000 --size $size
	done
}

# scattered_back HOST talk's arguments...: likewise the answer of a pod on node2.
scattered_back() {
	on "$1" talk udp "${@:2}" --timeout 4000 <<<hello >"$STAGE/scattered" &
	sleep 0.25 # it was asked, and has not answered yet
	bridge -n "$STAGE_ID-lan" link set dev node1 state 0
	ip -n "$STAGE_ID-node2" neigh flush dev eth0
	sleep 0.5
	bridge -n "$STAGE_ID-lan" link set dev node1 state 3
	wait $! && prints '^scattered$' cat "$STAGE/scattered"
}

# The answer's fragments, too: those of a remote pod come back to a port of node1.
fragments_back() {
	local v pod=kubia-lq7dn
	stage_spawn $pod scatter4.log "$STAGE_TOOLS/scatter" serve 172.17.1.9 9100
	stage_spawn $pod scatter6.log "$STAGE_TOOLS/scatter" serve fd00:17:1::9 9100
	by_slices apart 30250 172.17.1.9 fd00:17:1::9 9100
	for v in 4 6; do
		for size in 4000 20000; do
			check "IPv$v: $size bytes come back, last fragment first" scattered_back client \
				"$(service_lb_ip apart $v)" 9000 --size $size
		done
		check "IPv$v: 4000 bytes come back to a pod, last fragment first" scattered_back bare \
			"$(service_lb_ip apart $v)" 9000 --size 4000
	done
	service_delete apart
}

options() {
	check "IPv$v, $name: UDP with options" says "$seen" client udp "$node1" "$port" --options
	check "IPv$v, $name: TCP with options" says "$seen" client tcp "$node1" "$port" --options
	check "IPv$v, $name: fragments with options" says "$seen" client udp "$node1" "$port" --options \
		--size 4000
	check "IPv$v, $name: of a pod, by TC" says 'kubia-.*' bare tcp "$(service_ip "$name" "$v")" 9000 \
		--options
}

# ------------------------------------------------------------- dual stack --

families() {
	by_slices only4 30220 172.17.0.7 ''
	by_slices only6 30230 '' fd00:17:1::9
	check 'endpoints of IPv4 alone: IPv4 answers' says 'kubia-4h2mx .*' client tcp 192.0.2.1 30220
	check 'endpoints of IPv4 alone: IPv6 is refused' says '(connect: )?Connection refused.*' client tcp \
		2001:db8::1 30220
	check 'endpoints of IPv4 alone: IPv6 UDP is refused' says 'Connection refused.*' client udp \
		"$(service_lb_ip only4 6)" 9000
	check 'endpoints of IPv4 alone: a pod is refused, by TC' says '(connect: )?Connection refused.*' \
		bare tcp "$(service_ip only4 6)" 9000
	check 'endpoints of IPv4 alone: a pod is refused, at the socket' says \
		'(connect: )?Connection refused.*' curl tcp "$(service_ip only4 6)" 9000
	check 'endpoints of IPv4 alone: no ping to IPv6' says 'no answer' client ping \
		"$(service_lb_ip only4 6)" --timeout 300
	check 'endpoints of IPv6 alone: IPv6 answers' says 'kubia-lq7dn .*' client tcp 2001:db8::1 30230
	check 'endpoints of IPv6 alone: IPv4 is refused' says '(connect: )?Connection refused.*' client tcp \
		192.0.2.1 30230
	service single 'type: NodePort, ipFamilyPolicy: SingleStack, ipFamilies: [IPv6],
		ports: [{port: 9000, nodePort: 30240}]'
	check 'a Service of IPv6 alone' says 'kubia-.*' client tcp 2001:db8::1 30240
	check 'a Service of IPv6 alone: its cluster IP' prints '^fd00:10:96::' service_ip single 6
	check 'a Service of IPv6 alone: nothing of it in IPv4' json '[.[] | select(.name == "single")] |
		length == 1 and (.[0].frontends | all(startswith("[")))' on node1 lbctl show svc -o json
	service_delete only4 only6 single
}

# ------------------------------------------------------------ large frames --

# Fragments that the client made of its datagrams so far.
fragments_made() {
	on client nstat -asz IpFragCreates Ip6FragCreates | awk '/FragCreates/ { n += $2 } END { print n }'
}

jumbo_new() {
	local host
	for host in client outside node1 node2 router; do
		ip -n "$STAGE_ID-lan" link set "$host" mtu 9000
		ip -n "$STAGE_ID-$host" link set eth0 mtu 9000
	done
	ip -n "$STAGE_ID-lan" link set br0 mtu 9000
	for host in kubia-4h2mx:node1 kubia-9tcwz:node1 kubia-lq7dn:node2 curl:node1 bare:node1; do
		ip -n "$STAGE_ID-${host#*:}" link set "veth-$(sed 's/.*-//; s/:.*//' <<<"$host")" mtu 9000
		ip -n "$STAGE_ID-${host%:*}" link set eth0 mtu 9000
	done
}

jumbo() {
	local made
	made=$(fragments_made)
	check "IPv$v, $name, MTU 9000: 8,000 bytes" says "$seen" client udp "$node1" "$port" --size 8000
	check "IPv$v, $name, MTU 9000: in one frame" test "$(fragments_made)" = "$made"
	check "IPv$v, $name, MTU 9000: 20,000 bytes" says "$seen" client udp "$node1" "$port" --size 20000
	check "IPv$v, $name, MTU 9000: a download" downloads client "$(url "$node1" $((port + 1)))"
	check "IPv$v, $name, MTU 9000: a download of a pod" downloads bare \
		"$(url "$(service_ip "$name" "$v")" 80)"
}

large_frames() {
	check 'MTU 9000 under native XDP' jumbo_new
	check 'XDP is native' json '.[0].xdp.mode == 1 and .[0].mtu == 9000' \
		ip -n "$STAGE_ID-node1" -j -d link show eth0
	everywhere jumbo
	check 'attach again at MTU 9000' on node1 lbctl attach eth0 --mode native --pods 'veth*' \
		--cgroup "$STAGE_CGROUP/node1"
	everywhere jumbo
}

stage_cluster
on node1 lbctl apply -f kubia/dual.yaml >/dev/null
stage_settle
services
ping_addresses
closed_ports
everywhere last_hop
far_new
everywhere small_mtu
errors_elsewhere
everywhere fragments
fragments_back
everywhere options
families
large_frames
checks_done
