#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who may reach which pods by which address, whom the pods then see, and what happens to those who may
# not: policies, source ranges, external IPs, addresses that are nobody's or somebody else's.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh
. ./traffic.sh

# all_see CLIENT, node1_sees CLIENT, node2_sees CLIENT: each pod, and the client it sees.
node1_sees() {
	echo "kubia-4h2mx $1|kubia-9tcwz $1"
}

node2_sees() {
	echo "kubia-lq7dn $1"
}

all_see() {
	echo "$(node1_sees "$1")|$(node2_sees "$1")"
}

services() {
	local ports='ports: [{port: 80, targetPort: 8080, nodePort:'
	service cluster "type: LoadBalancer, ipFamilyPolicy: RequireDualStack, clusterIP: 10.96.1.60,
		clusterIPs: [10.96.1.60, 'fd00:10:96::160'], $ports 30160}]"
	service local "type: LoadBalancer, ipFamilyPolicy: RequireDualStack, clusterIP: 10.96.1.61,
		clusterIPs: [10.96.1.61, 'fd00:10:96::161'], externalTrafficPolicy: Local, $ports 30161}]"
	service inside "type: NodePort, clusterIP: 10.96.1.62, internalTrafficPolicy: Local, $ports 30162}]"
	ip -n "$STAGE_ID-client" route add 10.96.0.0/12 via 192.0.2.1
}

# ------------------------------------------------------- source addresses --

outside() {
	local v=$1 client=$2 node1=$3 node2=$4
	check "IPv$v outside → NodePort: masqueraded towards the other node" sees \
		"$(node1_sees "$client")|$(node2_sees "$node1")" client "$(url "$node1" 30160)"
	check "IPv$v outside → NodePort of node2: the other way round" sees \
		"$(node1_sees "$node2")|$(node2_sees "$client")" client "$(url "$node2" 30160)"
	check "IPv$v outside → LoadBalancer" sees "$(node1_sees "$client")|$(node2_sees "$node1")" \
		client "$(url "$(service_lb_ip cluster "$v")" 80)"
	check "IPv$v outside → NodePort, Local: here, and kept" sees "$(node1_sees "$client")" \
		client "$(url "$node1" 30161)"
	check "IPv$v outside → NodePort of node2, Local: there, and kept" sees \
		"$(node2_sees "$client")" client "$(url "$node2" 30161)"
	check "IPv$v outside → LoadBalancer, Local: here, and kept" sees "$(node1_sees "$client")" \
		client "$(url "$(service_lb_ip local "$v")" 80)"
}

inside() {
	local v=$1 bare=$2 curl=$3 node1=$4
	check "IPv$v pod → ClusterIP, by TC: kept" sees "$(all_see "$bare")" bare \
		"$(url "$(service_ip cluster "$v")" 80)"
	check "IPv$v pod → ClusterIP, at the socket: kept" sees "$(all_see "$curl")" curl \
		"$(url "$(service_ip cluster "$v")" 80)"
	check "IPv$v pod → NodePort, by TC: masqueraded towards the other node" sees \
		"$(node1_sees "$bare")|$(node2_sees "$node1")" bare "$(url "$node1" 30160)"
	check "IPv$v pod → NodePort, with socket hooks: as by TC" sees \
		"$(node1_sees "$curl")|$(node2_sees "$node1")" curl "$(url "$node1" 30160)"
	check "IPv$v pod → LoadBalancer, with socket hooks: as by TC" sees \
		"$(node1_sees "$curl")|$(node2_sees "$node1")" curl \
		"$(url "$(service_lb_ip cluster "$v")" 80)"
	check "IPv$v pod → NodePort, Local: all pods, kept" sees "$(all_see "$bare")" bare \
		"$(url "$node1" 30161)"
	check "IPv$v pod → LoadBalancer, Local: all pods, kept" sees "$(all_see "$bare")" bare \
		"$(url "$(service_lb_ip local "$v")" 80)"
	check "IPv$v pod → LoadBalancer, Local, at the socket: all pods" reaches "$PODS" curl \
		"$(url "$(service_lb_ip local "$v")" 80)"
	check "IPv$v node → ClusterIP: as itself" sees "$(all_see "$node1")" node1 \
		"$(url "$(service_ip cluster "$v")" 80)"
	check "IPv$v node → NodePort, Local: all pods" sees "$(all_see "$node1")" node1 \
		"$(url "$node1" 30161)"
	check "IPv$v node → LoadBalancer, Local: all pods" sees "$(all_see "$node1")" node1 \
		"$(url "$(service_lb_ip local "$v")" 80)"
}

sources() {
	outside 4 192.0.2.10 192.0.2.1 192.0.2.2
	outside 6 2001:db8::10 2001:db8::1 2001:db8::2
	inside 4 172.17.0.21 172.17.0.20 192.0.2.1
	inside 6 fd00:17::21 fd00:17::20 2001:db8::1
	check 'outside → ClusterIP, routed here: masqueraded' sees "$(all_see 192.0.2.1)" client \
		http://10.96.1.60
	check 'node → NodePort of 127.0.0.1' sees "$(all_see 192.0.2.1)" node1 http://127.0.0.1:30160
}

# One of the programs' own settings: they are loaded anew.
masquerade_all() {
	node_config node1 'masqueradeAll: true'
	on node1 lbctl attach eth0 --pods 'veth*' --cgroup "$STAGE_CGROUP/node1" >/dev/null
	check 'masqueradeAll: outside → NodePort' sees "$(all_see 192.0.2.1)" client \
		http://192.0.2.1:30160
	check 'masqueradeAll: outside → NodePort, Local' sees "$(node1_sees 192.0.2.1)" client \
		http://192.0.2.1:30161
	check 'masqueradeAll: pod → ClusterIP, with socket hooks' sees "$(all_see 192.0.2.1)" curl \
		http://10.96.1.60
	check 'masqueradeAll: pod → ClusterIP, IPv6' sees "$(all_see 2001:db8::1)" bare \
		'http://[fd00:10:96::160]'
	node_config node1
	on node1 lbctl attach eth0 --pods 'veth*' --cgroup "$STAGE_CGROUP/node1" >/dev/null
	check 'masqueradeAll off: kept again' sees "$(node1_sees 192.0.2.10)" client \
		http://192.0.2.1:30161
}

internal_policy() {
	check 'internal Local: a pod reaches its node'"'"'s pods, by TC' reaches "$ON_NODE1" bare \
		http://10.96.1.62
	check 'internal Local: at the socket too' reaches "$ON_NODE1" curl http://10.96.1.62
	check 'internal Local: the node has no privilege' reaches "$ON_NODE1" node1 http://10.96.1.62
	check 'internal Local: node ports are not concerned' reaches "$PODS" client \
		http://192.0.2.1:30162
}

# ---------------------------------------------------------- drop or reject --

# Endpoints, but none here: silence. None at all: refused at once, by every policy.
drop_or_reject() {
	local lb
	lb=$(service_lb_ip local)
	pods_delete kubia-4h2mx kubia-9tcwz
	check 'external Local, none here: silence' silent client http://192.0.2.1:30161
	check 'external Local, none here: silence by the load balancer' silent client "http://$lb"
	check 'external Local, none here: IPv6' silent client 'http://[2001:db8::1]:30161'
	check 'external Local, none here: the other node answers' reaches kubia-lq7dn client \
		http://192.0.2.2:30161
	check 'external Local, none here: a pod reaches it' reaches kubia-lq7dn bare "http://$lb"
	check 'external Local, none here: the node reaches it' reaches kubia-lq7dn node1 "http://$lb"
	check 'internal Local, none here: silence for a pod' silent bare http://10.96.1.62
	check 'internal Local, none here: silence for a hooked socket' silent curl http://10.96.1.62
	check 'internal Local, none here: the node is told' fails on node1 curl -s http://10.96.1.62
	check 'internal Local, none here: the node port answers' reaches kubia-lq7dn client \
		http://192.0.2.1:30162
	pods_delete kubia-lq7dn
	check 'no endpoint: NodePort refuses' refused client http://192.0.2.1:30160
	check 'no endpoint: NodePort refuses, IPv6' refused client 'http://[2001:db8::1]:30160'
	check 'no endpoint: NodePort refuses, Local' refused client http://192.0.2.1:30161
	check 'no endpoint: LoadBalancer refuses, Local' refused client "http://$lb"
	check 'no endpoint: ClusterIP refuses a pod' refused bare http://10.96.1.60
	check 'no endpoint: ClusterIP refuses a pod, Local' refused bare http://10.96.1.62
	check 'no endpoint: ClusterIP refuses a pod at the socket' refused curl http://10.96.1.60
	check 'no endpoint: ClusterIP refuses the node' refused node1 http://10.96.1.60
	pods_restore
}

# ------------------------------------------------------------ restrictions --

guarded() {
	service guarded "type: LoadBalancer, loadBalancerIP: 198.51.100.9, clusterIP: 10.96.1.63,
		loadBalancerSourceRanges: [$1],
		ports: [{port: 80, targetPort: 8080, nodePort: 30163}]"
}

source_ranges() {
	ip -n "$STAGE_ID-outside" route add 198.51.100.0/28 via 192.0.2.1
	guarded '" 192.0.2.10/32 ", 203.0.113.7/24'
	check 'source ranges: listed' reaches "$PODS" client http://198.51.100.9
	check 'source ranges: not listed' silent outside http://198.51.100.9
	check 'source ranges: a pod is not' silent bare http://198.51.100.9
	check 'source ranges: a pod is not, with hooks at its sockets' silent curl http://198.51.100.9
	check 'source ranges: the node is not' fails on node1 curl -s --max-time 1 http://198.51.100.9
	check 'source ranges: node ports bypass them' reaches "$PODS" outside http://192.0.2.1:30163
	check 'source ranges: so does the cluster IP' reaches "$PODS" bare http://10.96.1.63
	guarded '192.0.2.30/32, 172.17.0.21/32, 192.0.2.1/32'
	check 'source ranges changed: listed now' reaches "$PODS" outside http://198.51.100.9
	check 'source ranges changed: no longer' silent client http://198.51.100.9
	check 'source ranges changed: a pod is listed' reaches "$PODS" bare http://198.51.100.9
	check 'source ranges changed: the node is listed' reaches "$PODS" node1 http://198.51.100.9
	service_delete guarded
}

node_port_addresses() {
	ip -n "$STAGE_ID-node1" addr add 192.0.5.1/24 dev eth0
	ip -n "$STAGE_ID-client" route add 192.0.5.0/24 via 192.0.2.1
	check 'node ports: on an address that came later' stage_eventually 3 on client curl -s \
		--max-time 1 http://192.0.5.1:30160
	node_config node1 'nodePortAddresses: [192.0.2.0/24]'
	check 'nodePortAddresses: inside' reaches "$PODS" client http://192.0.2.1:30160
	check 'nodePortAddresses: not outside' refused client http://192.0.5.1:30160
	check 'nodePortAddresses: not IPv6' refused client 'http://[2001:db8::1]:30160'
	check 'nodePortAddresses: not 127.0.0.1' refused node1 http://127.0.0.1:30160
	check 'nodePortAddresses: not from a pod' refused bare http://192.0.5.1:30160
	node_config node1
	check 'nodePortAddresses: all again' reaches "$PODS" client http://192.0.5.1:30160
}

external_ips() {
	ip -n "$STAGE_ID-client" route add 203.0.113.0/24 via 192.0.2.1
	service external 'externalIPs: [203.0.113.80], ports: [{port: 80, targetPort: 8080}]'
	check 'external IPs: not served by default' fails on client curl -s --max-time 0.5 \
		http://203.0.113.80
	check 'external IPs: not to pods either' fails on curl curl -s --max-time 0.5 http://203.0.113.80
	node_config node1 'externalIPs: true'
	check 'external IPs: served when asked for' sees \
		"$(node1_sees 192.0.2.10)|$(node2_sees 192.0.2.1)" client http://203.0.113.80
	check 'external IPs: to pods, by TC' reaches "$PODS" bare http://203.0.113.80
	check 'external IPs: to pods, at the socket' reaches "$PODS" curl http://203.0.113.80
	node_config node1
	check 'external IPs: and off again' fails on client curl -s --max-time 0.5 http://203.0.113.80
	service_delete external
}

# Its load balancer is another machine; so must the packets be.
proxy_mode() {
	local mode
	ip -n "$STAGE_ID-outside" addr add 198.51.100.14/32 dev lo
	ip -n "$STAGE_ID-node1" route add 198.51.100.14/32 via 192.0.2.30
	for mode in VIP Proxy; do
		apply_text >/dev/null <<-END
			apiVersion: v1
			kind: Service
			metadata: {name: proxied}
			spec: {type: LoadBalancer, selector: {app: kubia}, ports: [{port: 80, targetPort: 8080}]}
			status: {loadBalancer: {ingress: [{ip: 198.51.100.14, ipMode: $mode}]}}
		END
		if [ $mode = VIP ]; then
			check 'ipMode VIP: pods are given pods' reaches "$PODS" bare http://198.51.100.14
			check 'other ports of its address: untouched' hits 198.51.100.14 3 bare -k \
				https://198.51.100.14:8443
			check 'other ports of its address: from outside' hits 198.51.100.14 3 client -k \
				https://198.51.100.14:8443
		else
			check 'ipMode Proxy: by TC' hits 198.51.100.14 3 bare http://198.51.100.14
			check 'ipMode Proxy: at the socket' hits 198.51.100.14 3 curl http://198.51.100.14
			check 'ipMode Proxy: from outside' hits 198.51.100.14 3 client http://198.51.100.14
		fi
	done
	service_delete proxied
}

others() {
	local label
	for label in service-proxy-name headless; do
		service other 'clusterIP: 10.96.1.64, ports: [{port: 80, targetPort: 8080}]' \
			"labels: {service.kubernetes.io/$label: other}"
		check "$label: left alone" fails on bare curl -s --max-time 0.5 http://10.96.1.64
		check "$label: left alone at the socket" fails on curl curl -s --max-time 0.5 \
			http://10.96.1.64
		check "$label: not in the maps" json 'all(.name != "other")' on node1 lbctl show svc -o json
		service_delete other
		service other 'clusterIP: 10.96.1.64, ports: [{port: 80, targetPort: 8080}]'
		check "$label: ours without it" reaches "$PODS" bare http://10.96.1.64
		service_delete other
	done
}

# A service that would take the node's own port away.
collision() {
	stage_spawn node1 node1-echo.log "$STAGE_TOOLS/echod" node1 8081
	cat >"$STAGE/collision.yaml" <<-END
		apiVersion: v1
		kind: Service
		metadata: {name: thief}
		spec: {type: LoadBalancer, clusterIP: 10.96.1.65, selector: {app: kubia},
		       ports: [{port: 8081, targetPort: 9000}]}
		status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}
	END
	check 'an address of the node: a warning' prints \
		'warning: service default/thief: .*192.0.2.1 is an address of this node' \
		on node1 lbctl apply -f "$STAGE/collision.yaml"
	check 'an address of the node: its own port works' says 'node1 192.0.2.10' \
		client tcp 192.0.2.1 8081
	check 'an address of the node: UDP too' says 'node1 192.0.2.10' client udp 192.0.2.1 8081
	check 'an address of the node: the cluster IP is served' says 'kubia-.* 172.17.0.21' \
		bare tcp 10.96.1.65 8081
	service_delete thief
}

stage_cluster
services
sources
masquerade_all
internal_policy
drop_or_reject
source_ranges
node_port_addresses
external_ips
proxy_mode
others
collision
checks_done
