#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The API server goes away, comes back, and has forgotten what the agents had seen last. KUBE_LONG=1: it
# is away for ten minutes.
set -euo pipefail
cd "$(dirname "$0")/../net"
. ./stage.sh
. ./check.sh
. ./traffic.sh
. ../kube/cluster.sh

AWAY=15
[ "${KUBE_LONG:-0}" != 1 ] || AWAY=600

slices=/apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices
three=172.17.0.7:8080\ 172.17.0.8:8080\ 172.17.1.9:8080

# A Service whose slice is written here: no controller has to come back for it.
hand_made() {
	kube apply --validate=false -f - >/dev/null <<-END
		apiVersion: v1
		kind: Service
		metadata: {name: $1}
		spec: {ports: [{port: 80, targetPort: 8080}]}
		---
		apiVersion: discovery.k8s.io/v1beta1
		kind: EndpointSlice
		metadata: {name: $1-1, labels: {kubernetes.io/service-name: $1}}
		addressType: IPv4
		ports: [{name: "", port: 8080}]
		endpoints: [{addresses: [172.17.0.7]}, {addresses: [172.17.0.8]}, {addresses: [172.17.1.9]}]
	END
}

# slice_is NAME ADDRESS...
slice_is() {
	local name=$1
	shift
	request PATCH "$slices/$name-1" "{\"endpoints\": $(printf '%s\n' "$@" |
		jq -R '{addresses: [.]}' | jq -sc .)}" >/dev/null
}

answers_now() {
	request GET /readyz >/dev/null 2>&1
}

# Milliseconds from the first answer of the server, to which it is told of a change, to the maps.
time_back() {
	local began
	stage_eventually 60 answers_now
	slice_is manual 172.17.0.7
	began=$(date +%s%N)
	until has_backends node1 manual 172.17.0.7:8080 >/dev/null && has_backends node2 manual 172.17.0.7:8080 >/dev/null; do
		[ $(($(date +%s%N) - began)) -lt 20000000000 ] || break
		sleep 0.02
	done
	echo $((($(date +%s%N) - began) / 1000000))
}

# Connections from a pod until load_end, counted.
load_begin() {
	while [ ! -e "$STAGE/load.stop" ]; do
		on curl loadgen tcp "$1" 80 --http --count 50 --concurrency 2
		sleep 0.2
	done >"$STAGE/load" 2>&1 &
	LOAD=$!
}

load_end() {
	touch "$STAGE/load.stop"
	wait $LOAD || true
	jq -s '{ok: (map(.ok) | add), failed: (map(.failed) | add)}' "$STAGE/load"
	jq -se 'all(.[]; .failed == 0) and (map(.ok) | add) > 500' "$STAGE/load" >/dev/null
}

away() {
	local ip took
	ip=$(cluster_ip manual)
	kube_up kill kube-apiserver
	load_begin "$ip"
	check 'new connections while it is away' hits "$PODS" 30 bare "http://$ip"
	check 'from the node, too' hits "$PODS" 30 node2 "http://$ip"
	agent_kill node2 TERM
	kube_agent_start node2
	sleep 1
	check 'an agent that is started meanwhile leaves the maps alone' has_backends node2 manual "$three"
	check 'attaching again says what is missing' status 1 on node2 lbctl attach eth0
	check 'and leaves them, too' has_backends node2 manual "$three"
	sleep $AWAY
	check "$AWAY seconds long no connection failed" load_end
	check 'and no endpoint was lost' both_have manual "$three"
	kube_up run kube-apiserver &
	took=$(time_back)
	wait $!
	echo "in sync $took ms after the server's return"
	check 'in sync within a second of its return' [ "$took" -lt 1000 ]
	check 'exactly' both_have manual 172.17.0.7:8080
}

# etcd_post PATH JSON: its API, from the host where it listens.
etcd_post() {
	on api curl -sSf -X POST "http://127.0.0.1:$((KUBE_PORT + 1))$1" -d "$2"
}

compact() {
	local revision
	revision=$(etcd_post /v3/kv/range '{"key": "AA=="}' | jq -r .header.revision)
	etcd_post /v3/kv/compaction "{\"revision\": $revision, \"physical\": true}" >/dev/null
}

# While node1 is cut off, one Service goes, one comes, one changes, and the server forgets all that.
compaction() {
	hand_made leaves
	hand_made stays
	check 'before' both_have leaves "$three"
	sever node1
	kube delete svc leaves >/dev/null
	kube delete endpointslice leaves-1 >/dev/null
	hand_made comes
	slice_is stays 172.17.0.8
	check 'who is connected has the news' stage_eventually 5 has_backends node2 comes "$three"
	check 'who is cut off has what it had' has_backends node1 leaves "$three"
	for i in $(seq 300); do
		slice_is manual "172.17.0.$((7 + i % 2))"
	done
	compact
	kube_up kill kube-apiserver
	kube_up run kube-apiserver
	check 'still' has_backends node1 leaves "$three"
	mend node1
	check 'what came is there' stage_eventually 30 has_backends node1 comes "$three"
	check 'what changed has changed' stage_eventually 1 has_backends node1 stays 172.17.0.8:8080
	check 'what went is gone' stage_eventually 1 fails has_service node1 leaves
	check 'the rest is right' has_backends node1 manual 172.17.0.7:8080
}

# The server keeps its connections, but nothing comes any more: neither side is told.
silent() {
	hand_made silence
	check 'before' both_have silence "$three"
	kill -STOP "$(cut -d' ' -f1 "$KUBE_DIR/kube-apiserver.pid")"
	sleep 3
	check 'a server that says nothing changes nothing' both_have silence "$three"
	kill -CONT "$(cut -d' ' -f1 "$KUBE_DIR/kube-apiserver.pid")"
	slice_is silence 172.17.0.8
	check 'and when it goes on, so do the agents' both_have silence 172.17.0.8:8080
}

kube_cluster
hand_made manual
check 'before' both_have manual "$three"
away
slice_is manual 172.17.0.7 172.17.0.8 172.17.1.9
compaction
silent
checks_done
