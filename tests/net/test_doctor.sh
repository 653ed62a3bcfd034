#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lbctl doctor and lbctl verify on a real node: faults are staged, and found; what is well is told so.
# (Faults of files, firewalls and probes are staged in tests/unit/doctor/.)
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

# finds LEVEL CHECK PATTERN WORDS...: lbctl doctor WORDS has that finding, and the right exit status.
finds() {
	local level=$1 check=$2 pattern=$3 output status=0 want=0
	shift 3
	output=$(on node1 lbctl doctor "$@" -o json) || status=$?
	! jq -e 'any(.[]; .level == "bad")' >/dev/null <<<"$output" || want=3
	jq -e --arg level "$level" --arg check "$check" --arg pattern "$pattern" \
		'any(.[]; .check == $check and .level == $level and (.text | test($pattern)))' \
		>/dev/null <<<"$output" && [ $status = $want ] || {
		echo "exit status $status, expected $want"
		jq -r --arg check "$check" '.[] | select(.check == $check) | "\(.level) \(.text)"' \
			<<<"$output"
		return 1
	}
}

# service NAME PORTS [LINE...]: a Service of the kubia pods.
service() {
	local name=$1 ports=$2
	shift 2
	{
		printf '%s\n' 'apiVersion: v1' 'kind: Service' "metadata: {name: $name}" 'spec:' \
			"  ports: [$ports]" "$@"
		[[ " $* " == *selector* ]] || echo '  selector: {app: kubia}'
	} | on node1 lbctl apply -f - >/dev/null
}

well() {
	service kubia '{port: 80, targetPort: 8080}'
	on curl curl -sS "http://$(service_ip kubia)" >/dev/null
	check 'service: found' finds ok service 'namespace default' svc kubia
	check 'selector' finds ok selector '3 pods' svc kubia
	check 'target port answers' finds ok target 'answer this node' svc kubia
	check 'maps' finds ok maps '^1 address is in the maps' svc kubia
	check 'path' finds ok path 'goes on to 172.17' svc kubia
	check 'path of a pod' finds ok path '^172.17.0.20 to ' svc kubia --from 172.17.0.20
	check 'attached' finds ok attached '^1 device to the outside, 4 to pods'
	check 'mode' finds ok mode 'native'
	check 'programs' finds ok programs 'all [0-9]+ hooks'
	check 'agent' finds ok agent 'synced [0-9]+ seconds ago'
	check 'room' finds ok room 'have room'
	check 'forwarding' finds ok forwarding 'forwards'
	check 'as text' prints '^  ok +selector +it chooses 3 pods' \
		bash -c "'$STAGE/bin/node1' lbctl doctor svc kubia || true"
	check 'a kind that is none' status 2 on node1 lbctl doctor ingress kubia
	check 'verify' prints '^All invariants hold: 5 services, 8 frontends, 7 backends' \
		on node1 lbctl verify
}

services() {
	service dead '{port: 80, targetPort: 8099}'
	check 'nobody listens' finds bad target '8099\): connection refused' svc dead
	check 'the target port is dialled' finds bad port "8080 is the pods' port" \
		svc kubia --port 8080
	check 'the target port is dialled: path' finds bad path 'pass, no frontend' \
		svc kubia --port 8080
	service nobody '{port: 80}' '  selector: {app: kubio}'
	check 'the selector matches nothing' finds bad selector 'app=kubio matches no pod' svc nobody
	check 'without endpoints: path' finds bad path 'reject, the service has no usable' svc nobody
	service named '{port: 80, targetPort: nowhere}'
	check 'no such named port' finds bad named-port 'named "nowhere"' svc named
	check 'another namespace' finds bad service 'there is one in namespace default' \
		svc kubia -n shop
	service local '{port: 80, targetPort: 8080}' '  type: NodePort' \
		'  externalTrafficPolicy: Local' '  selector: {app: kubia, statefulset: none}'
	check 'Local without a local pod' finds bad local 'none of 0 ready' svc local
	service guarded '{port: 80, targetPort: 8080}' '  type: LoadBalancer' \
		'  loadBalancerSourceRanges: [198.51.100.128/25]'
	check 'the source is excluded' finds bad source '192.0.2.10 is outside' \
		svc guarded --from 192.0.2.10
	check 'the source is excluded: path' finds bad path 'drop, the client is outside' \
		svc guarded --from 192.0.2.10
	check 'all services at once' finds bad selector 'app=kubio' --all
	on node1 lbctl delete svc dead nobody named local guarded >/dev/null
}

# The address is of a network that is routed to the node, until the node is given a part in it.
announced() {
	local v=198.51.100.14
	service shared '{port: 80, targetPort: 8080}' '  type: LoadBalancer'
	address=$(service_lb_ip shared)
	check 'an address by routes' finds unknown announced "$address is on no link" svc shared
	ip -n "$STAGE_ID-node1" addr add $v/28 dev eth0
	check 'an address that nobody has' finds bad announced \
		"nobody answers for $address on eth0" svc shared
	ip -n "$STAGE_ID-client" addr add "$address/32" dev lo
	check 'an address of another host' finds ok announced \
		"another host, ..:..:..:..:..:.., answers for $address on eth0" svc shared
	ip -n "$STAGE_ID-outside" addr add "$address/32" dev lo
	check 'an address of two' finds bad announced 'two hosts answer' svc shared
	ip -n "$STAGE_ID-outside" addr del "$address/32" dev lo
	ip -n "$STAGE_ID-node1" addr add "$address/32" dev lo
	check "an address of this node, and someone else's" finds bad announced \
		"an address of this node, and ..:..:..:..:..:.. on eth0 has it too" svc shared
	ip -n "$STAGE_ID-client" addr del "$address/32" dev lo
	check "an address of this node alone" finds ok announced 'of no other' svc shared
	ip -n "$STAGE_ID-node1" addr del "$address/32" dev lo
	ip -n "$STAGE_ID-node1" addr del $v/28 dev eth0
	on node1 lbctl delete svc shared >/dev/null
}

announced6() {
	service shared '{port: 80, targetPort: 8080}' '  type: LoadBalancer' \
		'  ipFamilies: [IPv6]' '  loadBalancerIP: "2001:db8:ffff::5"'
	address=$(service_lb_ip shared 6)
	ip -n "$STAGE_ID-node1" addr add 2001:db8:ffff::e/124 dev eth0 nodad
	check 'IPv6: an address that nobody has' finds bad announced "nobody answers" svc shared
	ip -n "$STAGE_ID-client" addr add "$address/128" dev eth0 nodad
	check 'IPv6: an address of another host' finds ok announced 'another host' svc shared
	ip -n "$STAGE_ID-client" addr del "$address/128" dev eth0
	ip -n "$STAGE_ID-node1" addr del 2001:db8:ffff::e/124 dev eth0
	on node1 lbctl delete svc shared >/dev/null
}

probes() {
	on node1 lbctl get pod kubia-4h2mx -o json |
		jq '.spec.containers[0].readinessProbe =
			{tcpSocket: {port: 8098}, periodSeconds: 1, failureThreshold: 1}' |
		on node1 lbctl apply -f - >/dev/null
	stage_eventually 10 finds warn ready 'kubia-4h2mx: .*refused' svc kubia || true
	check "a probe's last error" finds warn ready 'kubia-4h2mx: .*refused' svc kubia
	on node1 lbctl apply -f kubia/cluster.yaml >/dev/null
}

node() {
	printf 'nameserver 9.9.9.9\n' >"$STAGE/resolv.conf"
	check 'DNS elsewhere' finds bad dns 'asks 9.9.9.9' --resolv-conf "$STAGE/resolv.conf"
	stage_sysctl node1 net.ipv4.ip_forward=0
	check 'no forwarding' finds bad forwarding 'ip_forward is 0'
	stage_sysctl node1 net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=1
	check 'strict rp_filter' finds warn rp-filter 'strict'
	stage_sysctl node1 net.ipv4.conf.all.rp_filter=0
	ip -n "$STAGE_ID-node1" link set eth0 mtu 1400
	check 'MTU' finds warn mtu 'has MTU 1500, and eth0 to the outside 1400'
	ip -n "$STAGE_ID-node1" link set eth0 mtu 1500
	cp "$(command -v sleep)" "$STAGE/kube-proxy"
	"$STAGE/kube-proxy" 60 &
	local proxy=$!
	check 'kube-proxy runs too' finds bad kube-proxy 'runs on this node'
	kill $proxy
	agent_kill node1 KILL
	check 'the agent died' finds bad agent 'the agent died'
	agent_start node1
	check 'another agent runs' stage_eventually 10 finds ok agent 'synced'
	kill -STOP "$(cat "$STAGE/node1/agent.pid")"
	check 'the agent hangs' finds bad agent 'does not answer'
	kill -CONT "$(cat "$STAGE/node1/agent.pid")"
	bpftool link detach pinned "$STAGE/node1/bpf/v2/link/eth0-xdp"
	check 'a program is gone' finds bad programs 'eth0 xdp: our program is not there'
	on node1 lbctl attach eth0 >/dev/null
	check '… and back' finds ok programs 'all'
	on node1 lbctl attach eth0 --mode generic >/dev/null
	check 'generic mode' finds warn mode 'eth0 is attached in generic mode'
	on node1 lbctl attach eth0 --mode native >/dev/null
}

# The agent would heal some of it, so it rests meanwhile.
corruption() {
	local pins=$STAGE/node1/bpf/v2
	agent_kill node1
	check 'whole maps' status 0 on node1 lbctl verify
	# lb_backend[1] is of another service from now on: 28 bytes, then the service.
	bpftool map lookup pinned "$pins/lb_backend" key 1 0 0 0 -j | jq -r '.value[]' |
		sed '29,$d' >"$STAGE/backend"
	# shellcheck disable=SC2046
	bpftool map update pinned "$pins/lb_backend" key 1 0 0 0 value $(cat "$STAGE/backend") 9 0 0 0
	check 'a backend of nobody is found' status 3 on node1 lbctl verify
	check '… and named' json '.violations | any(test("names backend 1, which is not of this"))' \
		bash -c "'$STAGE/bin/node1' lbctl verify -o json || true"
}

stage_cluster
well
services
announced
announced6
probes
node
corruption
on node1 lbctl detach --all >/dev/null
check 'nothing is attached' finds bad attached 'nothing is attached'
check 'verify without maps' status 1 on node1 lbctl verify
checks_done
