#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The story that scripts/demo tells, every step of it asserted.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

pods="kubia-4h2mx kubia-9tcwz kubia-lq7dn"

one_pod_hit() {
	[ "$(pods_hit 12 "$@" | wc -w)" = 1 ]
}

node1_apply() {
	on node1 lbctl apply -f "kubia/$1.yaml"
}

# Applied on node1, and read by node2's agent.
apply_says() {
	prints "^$1\$" node1_apply "$2" && stage_settle
}

first_steps() {
	check 'cluster: nodes and pods are created' prints '^pod/kubia-lq7dn created$' \
		node1_apply cluster
	check 'apply creates the Service' apply_says 'service/kubia created' kubia-svc
	check 'apply again changes nothing' apply_says 'service/kubia unchanged' kubia-svc
	check 'get svc: the header' \
		prints '^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE$' on node1 lbctl get svc
	check 'get svc: the row' \
		prints '^kubia +ClusterIP +10\.[0-9.]+ +<none> +80/TCP +[0-9]+s$' on node1 lbctl get svc
	check 'describe: selector' prints '^Selector: +app=kubia$' on node1 lbctl describe svc kubia
	check 'describe: port' prints '^Port: +<unset> +80/TCP$' on node1 lbctl describe svc kubia
	check 'describe: target port' prints '^TargetPort: +8080/TCP$' \
		on node1 lbctl describe svc kubia
	check 'describe: endpoints' \
		prints '^Endpoints: +172.17.0.7:8080,172.17.0.8:8080,172.17.1.9:8080$' \
		on node1 lbctl describe svc kubia
	check 'get endpoints' \
		prints '^kubia +172.17.0.7:8080,172.17.0.8:8080,172.17.1.9:8080 +[0-9]+s$' \
		on node1 lbctl get endpoints kubia
}

cluster_ip() {
	local url
	url=http://$(service_ip kubia)
	check 'curl from a pod, translated at its socket' hits "$pods" 30 curl "$url"
	check 'curl from a pod, translated by TC' hits "$pods" 30 bare "$url"
	check 'curl from a pod on the other node' hits "$pods" 30 kubia-lq7dn "$url"
	check 'curl from node1' hits "$pods" 30 node1 "$url"
	check 'curl from node2' hits "$pods" 30 node2 "$url"
	check 'outside, nothing routes to it' fails on client curl -s --max-time 1 "$url"
}

changes() {
	local url ip
	ip=$(service_ip kubia)
	url=http://$ip
	check 'expose makes a Service of a pod'"'"'s labels' prints '^service/kubia-http exposed$' \
		on node1 lbctl expose pod kubia-4h2mx --port=80 --target-port=8080 --name=kubia-http
	stage_settle
	check 'the exposed Service answers' hits "$pods" 30 curl "http://$(service_ip kubia-http)"

	stage_editor client-ip 's/sessionAffinity: None/sessionAffinity: ClientIP/'
	stage_editor no-affinity 's/sessionAffinity: ClientIP/sessionAffinity: None/
		/sessionAffinityConfig:/,/timeoutSeconds:/d'
	check 'edit: affinity on' prints '^service/kubia edited$' \
		on node1 env EDITOR="$STAGE/bin/client-ip" lbctl edit svc kubia
	stage_settle
	check 'affinity: timeout is 10800 s' json '.spec.sessionAffinityConfig.clientIP.timeoutSeconds
		== 10800' on node1 lbctl get svc kubia -o json
	check 'affinity: one client, one pod' one_pod_hit curl "$url"
	check 'affinity: by TC too' one_pod_hit bare "$url"
	check 'edit: affinity off' prints '^service/kubia edited$' \
		on node1 env EDITOR="$STAGE/bin/no-affinity" lbctl edit svc kubia
	stage_settle
	check 'no affinity: all pods again' hits "$pods" 30 curl "$url"
	check 'the cluster IP stays' test "$(service_ip kubia)" = "$ip"
}

ports() {
	local ip
	ip=$(service_ip kubia)
	for kind in two named; do
		check "$kind ports: configured" apply_says 'service/kubia configured' \
			"kubia-svc-$kind-ports"
		check "$kind ports: http" hits "$pods" 30 curl "http://$ip"
		check "$kind ports: https" hits "$pods" 30 curl -k "https://$ip"
	done
	check 'get svc shows both ports' prints '^kubia .* 80/TCP,443/TCP ' on node1 lbctl get svc
}

external() {
	check 'a Service without selector' apply_says 'service/external-service created' \
		external-service
	check 'has no endpoints' prints '^Endpoints: +<none>$' \
		on node1 lbctl describe svc external-service
	check 'and refuses at once' status 7 on curl curl -s --max-time 2 \
		"http://$(service_ip external-service)"
	check 'Endpoints written by hand' apply_says 'endpoints/external-service created' \
		external-service-endpoints
	check 'lead outside' hits '11.11.11.11 22.22.22.22' 30 curl \
		"http://$(service_ip external-service)"
	check 'an EndpointSlice' apply_says \
		'endpointslice.discovery.k8s.io/external-slices-1 created' external-service-slices
	check 'does the same' hits '11.11.11.11 22.22.22.22' 30 curl \
		"http://$(service_ip external-slices)"
}

from_outside() {
	local url
	check 'NodePort: created' apply_says 'service/kubia-nodeport created' kubia-svc-nodeport
	check 'NodePort: get svc' prints '^kubia-nodeport +NodePort +10\.[0-9.]+ +<none> +80:30123/TCP ' \
		on node1 lbctl get svc
	check 'NodePort: node1' hits "$pods" 30 client http://192.0.2.1:30123
	check 'NodePort: node2' hits "$pods" 30 client http://192.0.2.2:30123
	check 'NodePort: from the node' hits "$pods" 30 node1 http://192.0.2.2:30123
	check 'LoadBalancer: created' apply_says 'service/kubia-loadbalancer created' \
		kubia-svc-loadbalancer
	check 'LoadBalancer: get svc' \
		prints '^kubia-loadbalancer +LoadBalancer +10\.[0-9.]+ +198\.51\.100\.[0-9]+ +80:3[0-9]{4}/TCP ' \
		on node1 lbctl get svc
	url=http://$(service_lb_ip kubia-loadbalancer)
	check 'LoadBalancer: curl from outside' hits "$pods" 30 client "$url"
}

local_policy() {
	check 'Local: created' apply_says 'service/kubia-local created' kubia-svc-local
	check 'Local: node1 gives its own pods' hits 'kubia-4h2mx kubia-9tcwz' 30 client \
		http://192.0.2.1:30124
	check 'Local: node2 gives its own pod' hits kubia-lq7dn 10 client http://192.0.2.2:30124
	check 'Local: the pod sees the client' prints '^X-Client: 192.0.2.10' \
		on client curl -sSi --max-time 3 http://192.0.2.2:30124
	check 'Local: a pod may use all endpoints' hits "$pods" 30 curl http://192.0.2.1:30124
	on node1 lbctl delete pod kubia-lq7dn >/dev/null
	stage_settle
	check 'Local: a node without pod lets it hang' status 28 on client curl -s --max-time 1 \
		http://192.0.2.2:30124
	on node1 lbctl apply -f kubia/cluster.yaml >/dev/null
	stage_settle
	check 'Local: and answers again with one' hits kubia-lq7dn 10 client http://192.0.2.2:30124
}

the_end() {
	check 'show svc: from the maps' json '[.[] | select(.name == "kubia-nodeport")] |
		length == 1 and (.[0].frontends | index("192.0.2.1:30123")) != null and
		(.[0].backends | length) == 3' on node1 lbctl show svc -o json
	check 'delete' prints '^service "kubia-nodeport" deleted' on node1 lbctl delete svc kubia-nodeport
	stage_settle
	check 'a deleted NodePort is closed' status 7 on client curl -s --max-time 2 \
		http://192.0.2.1:30123
	check 'nothing in the default namespace but ours' fails prints kubia-nodeport \
		on node1 lbctl get svc
}

stage_up
check 'attach on node1 and node2' stage_attach
agent_start node1 node2
first_steps
cluster_ip
changes
ports
external
from_outside
local_policy
the_end
checks_done
