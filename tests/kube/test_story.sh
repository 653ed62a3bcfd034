#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The story's objects, by kubectl: they reach the maps of both nodes, and curl the pods.
set -euo pipefail
cd "$(dirname "$0")/../net"
. ./stage.sh
. ./check.sh
. ./traffic.sh
. ../kube/cluster.sh

three=172.17.0.7:8080\ 172.17.0.8:8080\ 172.17.1.9:8080

one_service() {
	local url
	check 'kubectl creates a Service' prints 'service/kubia created' apply kubia/kubia-svc.yaml
	check 'its pods are in the maps of both nodes' both_have kubia "$three"
	url=http://$(cluster_ip kubia)
	check 'from a pod, translated at its socket' hits "$PODS" 30 curl "$url"
	check 'from a pod, translated by TC' hits "$PODS" 30 bare "$url"
	check 'from a pod of the other node' hits "$PODS" 30 kubia-lq7dn "$url"
	check 'from a node' hits "$PODS" 30 node2 "$url"
	check 'the API server by its own Service' prints '"gitVersion": "v1' on curl \
		curl -sSk "https://10.96.0.1/version"
}

changes() {
	pod_runs kubia-9tcwz 172.17.0.8 False
	check 'a pod that is not ready leaves' both_have kubia '172.17.0.7:8080 172.17.1.9:8080'
	pod_runs kubia-9tcwz 172.17.0.8
	check 'and comes back' both_have kubia "$three"
	kube label pod kubia-4h2mx app=other --overwrite >/dev/null
	check 'a pod with another label is none of it' both_have kubia '172.17.0.8:8080 172.17.1.9:8080'
	kube label pod kubia-4h2mx app=kubia --overwrite >/dev/null
	check 'until it is one again' both_have kubia "$three"
	for pod in $PODS; do
		pod_runs "$pod" "$(pod_address "$pod")" False
	done
	check 'without a pod that is ready' both_have kubia ''
	check 'connections are refused' stage_eventually 5 refused node1 "http://$(cluster_ip kubia)"
	for pod in $PODS; do
		pod_runs "$pod" "$(pod_address "$pod")"
	done
	check 'with all of them it answers again' both_have kubia "$three"
	check 'all of them' hits "$PODS" 30 curl "http://$(cluster_ip kubia)"
}

# One pod after the other leaves, is deleted and comes back, as a rollout has it, while a client connects.
rollout() {
	local pod address
	for pod in $PODS; do
		address=$(pod_address "$pod")
		pod_runs "$pod" "$address" False
		stage_eventually 10 lacks_backend node1 kubia "$address:8080" || return 1
		kube delete pod "$pod" --grace-period=0 --force >/dev/null 2>&1
		apply kubia/cluster.yaml >/dev/null
		pod_runs "$pod" "$address"
		both_have kubia "$three" || return 1
	done
	touch "$STAGE/rolled"
}

lacks_backend() {
	! backends "$1" "$2" | grep -qF "$3"
}

rolled() {
	local url
	url=$(cluster_ip kubia)
	while [ ! -e "$STAGE/rolled" ]; do
		on bare loadgen tcp "$url" 80 --http --count 50 --concurrency 2
	done >"$STAGE/load" 2>&1 &
	check 'a rollout: pod after pod goes and comes' rollout
	touch "$STAGE/rolled"
	wait $! || true
	check 'and no connection failed meanwhile' jq -se 'all(.[]; .failed == 0) and (map(.ok) | add) > 200' \
		"$STAGE/load"
}

scaled() {
	local i
	for i in $(seq 30 129); do
		printf '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "more-%d", "labels": {"app": "more"}},
			"spec": {"nodeName": "node1", "containers": [{"name": "c", "image": "i"}]}}\n' "$i"
	done | kube create --validate=false -f - >/dev/null
	for i in $(seq 30 129); do
		pod_runs "more-$i" "172.17.0.$i"
	done
	kube create service clusterip more --tcp=80:8080 >/dev/null
	check 'scaled to a hundred pods' stage_eventually 20 has_count more 100
	kube delete pod -l app=more --grace-period=0 --force >/dev/null 2>&1
	check 'and to none' stage_eventually 20 has_count more 0
}

# has_count SERVICE N
has_count() {
	[ "$(backends node1 "$1" | wc -w)" = "$2" ] && [ "$(backends node2 "$1" | wc -w)" = "$2" ]
}

pod_address() {
	kube get pod "$1" -o jsonpath='{.status.podIP}'
}

# type_is TYPE: of the Service kubia.
type_is() {
	kube patch svc kubia --type=merge -p "{\"spec\": {\"type\": \"$1\"}}" >/dev/null
}

types() {
	local port ip
	ip=$(cluster_ip kubia)
	type_is NodePort
	port=$(kube get svc kubia -o jsonpath='{.spec.ports[0].nodePort}')
	check 'as a NodePort it answers on every node' stage_eventually 5 hits "$PODS" 30 client \
		"http://192.0.2.1:$port"
	check 'on the other one, too' stage_eventually 5 hits "$PODS" 30 client "http://192.0.2.2:$port"
	check 'and at its cluster IP as before' hits "$PODS" 30 curl "http://$ip"
	kube patch svc kubia --type=merge -p '{"spec": {"externalTrafficPolicy": "Local"}}' >/dev/null
	check 'policy Local: only pods of the node' stage_eventually 5 hits "$ON_NODE1" 30 client \
		"http://192.0.2.1:$port"
	kube patch svc kubia --type=merge -p '{"spec": {"externalTrafficPolicy": "Cluster"}}' >/dev/null
	type_is ClusterIP
	check 'as a ClusterIP no longer' stage_eventually 5 silent_or_refused client "http://192.0.2.1:$port"
	check 'but at its cluster IP' hits "$PODS" 30 curl "http://$ip"
	kube patch svc kubia --type=merge -p '{"spec": {"sessionAffinity": "ClientIP"}}' >/dev/null
	check 'with affinity one client has one pod' stage_eventually 5 one_pod curl "http://$ip"
	kube patch svc kubia --type=merge -p '{"spec": {"sessionAffinity": "None"}}' >/dev/null
	check 'without it all again' stage_eventually 5 hits "$PODS" 30 curl "http://$ip"
}

silent_or_refused() {
	fails on "$1" curl -s -o /dev/null --max-time 0.5 "$2"
}

one_pod() {
	[ "$(pods_hit 12 "$@" | wc -w)" = 1 ]
}

written_by_hand() {
	local two='11.11.11.11:80 22.22.22.22:80' url
	apply kubia/external-service.yaml kubia/external-service-endpoints.yaml >/dev/null
	check 'Endpoints by hand, which a controller mirrors' both_have external-service "$two"
	url=http://$(cluster_ip external-service)
	check 'are reached' hits '11.11.11.11 22.22.22.22' 30 curl "$url"
	kube patch endpoints external-service --type=merge -p '{"subsets": [{"addresses":
		[{"ip": "22.22.22.22"}], "ports": [{"port": 80}]}]}' >/dev/null
	check 'one less' both_have external-service 22.22.22.22:80
	kube apply --validate=false -f - >/dev/null <<-END
		apiVersion: v1
		kind: Service
		metadata: {name: external-slices}
		spec: {ports: [{port: 80}]}
		---
		apiVersion: discovery.k8s.io/v1beta1
		kind: EndpointSlice
		metadata: {name: external-slices-1, labels: {kubernetes.io/service-name: external-slices}}
		addressType: IPv4
		ports: [{name: "", port: 80}]
		endpoints: [{addresses: [11.11.11.11]}, {addresses: [22.22.22.22]}]
	END
	check 'EndpointSlices by hand' both_have external-slices "$two"
	kube delete endpointslice external-slices-1 >/dev/null
	check 'and without them' both_have external-slices ''
	kube delete svc external-service external-slices >/dev/null
	check 'Services that are deleted are gone' both_lack external-service
	check 'on both nodes' both_lack external-slices
}

port_is_there() {
	on node1 lbctl show svc -o json | jq -e "any(.[]; .name == \"kubia\" and .port == $1)"
}

others() {
	apply kubia/kubia-svc-named-ports.yaml kubia/kubia-svc-headless.yaml >/dev/null
	check 'ports by name' stage_eventually 5 port_is_there 443
	kube apply --validate=false -f - >/dev/null <<-END
		apiVersion: v1
		kind: Service
		metadata: {name: elsewhere, labels: {service.kubernetes.io/service-proxy-name: other}}
		spec: {ports: [{port: 80, targetPort: 8080}], selector: {app: kubia}}
	END
	apply kubia/bar-svc.yaml >/dev/null
	check 'a Service that comes after it' stage_eventually 5 has_service node1 bar
	check 'one that somebody else serves is left alone' fails has_service node1 elsewhere
	check 'a headless one has nothing in the maps' fails has_service node1 kubia-headless
}

# health PATH: what node1 answers.
health() {
	on client curl -s -o /dev/null -w '%{http_code}' --max-time 3 "http://192.0.2.1:10256$1"
}

health_is() {
	[ "$(health "$1")" = "$2" ] || {
		echo "$1: $(health "$1")"
		return 1
	}
}

node_health() {
	check 'a node that serves is healthy' stage_eventually 5 health_is /healthz 200
	check 'and alive' health_is /livez 200
	kube taint node node1 ToBeDeletedByClusterAutoscaler=1:NoSchedule >/dev/null
	check 'one that is about to be taken away wants no new traffic' stage_eventually 5 health_is /healthz 503
	check 'but is alive' health_is /livez 200
	check 'and goes on' hits "$PODS" 30 client "http://192.0.2.1:$(kube get svc kubia-nodeport \
		-o jsonpath='{.spec.ports[0].nodePort}')"
	kube taint node node1 ToBeDeletedByClusterAutoscaler- >/dev/null
	check 'until it stays after all' stage_eventually 5 health_is /healthz 200
}

kube_cluster
one_service
changes
rolled
scaled
types
written_by_hand
others
apply kubia/kubia-svc-nodeport.yaml >/dev/null
node_health
check 'the agents are content' fails grep -hE 'error|warn|left as it was' "$STAGE/node1/agent.log" \
	"$STAGE/node2/agent.log"
checks_done
