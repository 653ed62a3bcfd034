#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What attach, show and detach print, and their exit statuses. One node with a device that leads
# nowhere: maps say what was applied, whether packets come or not.
set -euo pipefail
cd "$(dirname "$0")"
. ../check.sh

build=${STAGE_BUILD:-$(cd ../../.. && pwd)/build}
ns=lbt-show-$$
root=$(mktemp -d)
down() {
	lbctl detach --all >/dev/null 2>&1 || true
	ip netns del "$ns" 2>/dev/null || true
	rm -rf --one-file-system "$root"
}
trap down EXIT

lbctl() {
	nsenter "--net=/run/netns/$ns" "$build/lbctl" --root "$root" "$@"
}

# outputs TEXT COMMAND...: it succeeds with exactly this output.
outputs() {
	local want=$1
	shift
	diff <(echo "$want") <("$@" 2>&1)
}

manifest() {
	cat <<-'END'
		apiVersion: v1
		kind: Service
		metadata: {name: kubia, namespace: default}
		spec:
		  type: LoadBalancer
		  clusterIP: 10.96.7.7
		  sessionAffinity: ClientIP
		  externalTrafficPolicy: Local
		  ports: [{name: http, port: 80, targetPort: 8080, nodePort: 30123}]
		---
		apiVersion: v1
		kind: Endpoints
		metadata: {name: kubia, namespace: default}
		subsets:
		- addresses: [{ip: 172.17.0.7}, {ip: 172.17.0.8}]
		  ports: [{name: http, port: 8080}]
		---
		apiVersion: v1
		kind: Service
		metadata: {name: dns, namespace: kube-system}
		spec:
		  clusterIP: 10.96.0.10
		  ports: [{port: 53, protocol: UDP}]
	END
}

svc_fields='namespace name port protocol type frontends backends affinity policy packets bytes
	connections'

svc_has_all_fields() {
	lbctl show svc -o json | jq -e --arg fields "$svc_fields" \
		'all(.[]; (keys | sort) == ($fields | [splits("\\s+")] | sort))' >/dev/null
}

before_attach() {
	check 'show without a datapath' status 1 lbctl show svc
	check 'and says what to do' prints 'lbctl attach DEV' nsenter "--net=/run/netns/$ns" \
		sh -c "'$build/lbctl' --root '$root' show svc 2>&1 || true"
	check 'detach --all has nothing to do' outputs 'nothing is attached' lbctl detach --all
	check 'detach of a device fails' status 1 lbctl detach eth0
	check 'attach what is not there' status 1 lbctl attach eth9
	check 'attach nothing' status 2 lbctl attach
	check 'attach in no such mode' status 2 lbctl attach eth0 --mode fast
	check 'detach nothing' status 2 lbctl detach
	check 'nothing stays behind' fails test -e "$root/bpf"
}

services() {
	check 'attach' prints '^eth0 +xdp +native +' lbctl attach eth0 --pods 'pod*' --cgroup none
	check 'no services yet' outputs 'No services in the datapath.' lbctl show svc
	check 'apply' lbctl apply -f <(manifest)
	check 'svc: every field, and no other' svc_has_all_fields
	check 'svc: text' prints '^default +kubia +80 +TCP +LoadBalancer +.*10\.9\.0\.1:30123' \
		lbctl show svc
	check 'svc: values' json 'map(select(.name == "kubia"))[0] | .type == "LoadBalancer" and
		.affinity == "ClientIP" and .policy == "Local" and .port == 80 and
		(.frontends | index("10.96.7.7:80") != null) and
		([.backends[] | .address] == ["172.17.0.7:8080", "172.17.0.8:8080"]) and
		all(.backends[]; .state == "active" and .weight == 1) and
		.packets == 0 and .bytes == 0 and .connections == 0' lbctl show svc -o json
	check 'svc: without endpoints' json 'map(select(.name == "dns"))[0] | .backends == [] and
		.frontends == ["10.96.0.10:53"] and .protocol == "UDP" and .policy == "Cluster" and
		.affinity == "None"' lbctl show svc -o json
	check 'svc -n' json 'map(.name) == ["dns"]' lbctl show svc -n kube-system -o json
	check 'svc -o yaml' prints '^  namespace: kube-system$' lbctl show svc -o yaml
	check 'svc -o wide' prints '^NAMESPACE .* AFFINITY +POLICY ' lbctl show svc -o wide
	check 'endpoints' json 'map(.address) == ["172.17.0.7:8080", "172.17.0.8:8080"] and
		all(.[]; .name == "kubia" and .local == false)' lbctl show endpoints -o json
}

the_rest() {
	check 'flows: none' outputs 'No flows.' lbctl show flows
	check 'flows: a filter that is none' status 2 lbctl show flows --client 10.0.0
	check 'drops: none' outputs 'Nothing was dropped or refused.' lbctl show drops
	check 'stats' prints '^forwarded +[0-9]+ +[0-9]+ ' lbctl show stats
	check 'devices' json '.[0].device == "eth0" and .[0].role == "nic" and
		.[0].mode == "native" and .[0].ipv4 == "10.9.0.1" and .[0].ipv6 == null and
		.[1].device == "pod1" and .[1].role == "pods"' lbctl show devices -o json
	check 'meta' json '.pods == "pod*" and .cgroup == "none" and .flows == 262144 and
		.timeouts.tcpHalfOpen == 60 and (has("seed") | not)' lbctl show meta -o json
	check 'what cannot be shown' status 2 lbctl show bogus
	check 'no such output' status 2 lbctl show svc -o name
	check 'delete' lbctl delete svc kubia
	check 'svc: one is left' json 'map(.name) == ["dns"]' lbctl show svc -o json
	check 'detach' outputs 'eth0 detached' lbctl detach eth0
	check 'nothing is left' fails test -e "$root/bpf"
}

ip netns add "$ns"
ip -n "$ns" link set lo up
ip -n "$ns" link add eth0 type veth peer name peer0
ip -n "$ns" link add pod1 type veth peer name inner1
ip -n "$ns" addr add 10.9.0.1/24 dev eth0
ip -n "$ns" link set eth0 up
before_attach
services
the_rest
checks_done
