#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# status.loadBalancer: one agent at a time gives addresses out of the pool of 14, and takes them back.
set -euo pipefail
cd "$(dirname "$0")/../net"
. ./stage.sh
. ./check.sh
. ./traffic.sh
. ../kube/cluster.sh

# balancer NAME [SPEC]
balancer() {
	kube apply --validate=false -f - >/dev/null <<-END
		apiVersion: v1
		kind: Service
		metadata: {name: $1}
		spec: {type: LoadBalancer, selector: {app: kubia}, ports: [{port: 80, targetPort: 8080}]${2:+, $2}}
	END
}

lb_ip() {
	kube get svc "$1" -o jsonpath='{.status.loadBalancer.ingress[*].ip}'
}

has_ip() {
	[ "$(lb_ip "$1")" = "$2" ] || {
		echo "$1 has $(lb_ip "$1")"
		return 1
	}
}

soon_has_ip() {
	stage_eventually 5 has_ip "$@" || has_ip "$@"
}

holder() {
	kube -n kube-system get lease lbctl-load-balancer -o jsonpath='{.spec.holderIdentity}'
}

# held_by NODE
held_by() {
	[[ "$(holder)" = "$1"_* ]]
}

# All addresses that Services have, those that two have twice.
all_ips() {
	kube get svc -o json | jq -r '.items[].status.loadBalancer.ingress[]?.ip'
}

no_address_twice() {
	[ -z "$(all_ips | sort | uniq -d)" ]
}

given_out() {
	[ "$(all_ips | wc -l)" = "$1" ]
}

one_service() {
	apply kubia/kubia-svc-loadbalancer.yaml >/dev/null
	check 'it gets the first address of the pool' soon_has_ip kubia-loadbalancer 198.51.100.1
	check 'which clients outside reach' stage_eventually 5 hits "$PODS" 30 client http://198.51.100.1
	check 'kubectl shows it' prints '^kubia-loadbalancer +LoadBalancer +[0-9.]+ +198.51.100.1 ' \
		kube get svc
	check 'one agent holds the Lease' prints '^node[12]_[0-9a-f]{8}$' holder
	check 'for fifteen seconds' [ "$(kube -n kube-system get lease lbctl-load-balancer \
		-o jsonpath='{.spec.leaseDurationSeconds}')" = 15 ]
}

asked_and_taken() {
	balancer asked 'loadBalancerIP: 198.51.100.5'
	check 'the address that is asked for' soon_has_ip asked 198.51.100.5
	balancer second 'loadBalancerIP: 198.51.100.5'
	sleep 1
	check 'is not given twice' has_ip second ''
	kube delete svc asked >/dev/null
	check 'but when it is free' soon_has_ip second 198.51.100.5
	kube patch svc second --type=merge -p '{"spec": {"type": "ClusterIP", "loadBalancerIP": null}}' >/dev/null
	check 'with the type the address goes' soon_has_ip second ''
	balancer third 'loadBalancerIP: 198.51.100.5'
	check 'and is free again' soon_has_ip third 198.51.100.5
	kube delete svc second third >/dev/null
}

# The status of one that is younger, with the address of an older one.
status_by_hand() {
	request PATCH "/api/v1/namespaces/default/services/$1/status" \
		"{\"status\": {\"loadBalancer\": {\"ingress\": [{\"ip\": \"$2\"}]}}}" >/dev/null
}

conflicts() {
	sleep 1 # creation times are in seconds
	balancer younger
	check 'another one gets another address' soon_has_ip younger 198.51.100.2
	status_by_hand younger 198.51.100.1
	check 'an address that two have stays with the older one' soon_has_ip younger 198.51.100.2
	check 'as it was' has_ip kubia-loadbalancer 198.51.100.1
	status_by_hand younger 203.0.113.7
	check 'without a class, a foreign address is somebody else'"'"'s business' has_ip younger 203.0.113.7
	kube delete svc younger >/dev/null
}

# All at once, while somebody else writes to the same objects.
pool_runs_out() {
	for i in $(seq 15); do
		balancer many-$i &
	done
	wait
	for i in $(seq 15); do
		kube annotate svc many-$i seen=yes >/dev/null &
	done
	wait
	check 'fourteen addresses are given out' stage_eventually 10 given_out 14
	check 'none of them twice' no_address_twice
	check 'nobody else'"'"'s change was lost' [ "$(kube get svc -o json |
		jq '[.items[] | select(.metadata.annotations.seen == "yes")] | length')" = 15 ]
	check 'those without one are told of' stage_eventually 5 grep -qhE \
		'service default/many-[0-9]+: no address is left in loadBalancerPools' \
		"$STAGE/node1/agent.log" "$STAGE/node2/agent.log"
	kube delete svc many-1 many-2 many-3 kubia-loadbalancer >/dev/null
	check 'and get one when others give it back' stage_eventually 10 given_out 12
	kube delete svc $(seq -f many-%g 4 15) >/dev/null
	check 'all are back' stage_eventually 5 given_out 0
}

takeover() {
	local first=node1 other=node2 began
	held_by node1 || { first=node2 && other=node1; }
	agent_kill $first KILL
	balancer orphan
	sleep 8
	check 'while the Lease of a dead holder lasts, nobody gives' has_ip orphan ''
	began=$SECONDS
	check 'then another agent does' stage_eventually 25 has_ip orphan 198.51.100.1
	echo "takeover after $((8 + SECONDS - began)) s"
	check 'it says so in the Lease' held_by $other
	kube_agent_start $first
	agent_kill $other TERM
	began=$SECONDS
	balancer handed
	check 'one that ends in order hands it over' stage_eventually 12 has_ip handed 198.51.100.2
	echo "handed over after $((SECONDS - began)) s"
	check 'to the other' held_by $first
	kube_agent_start $other
}

# Who reaches nobody gives up before others begin: their addresses would meet.
cut_off() {
	local first=node1 other=node2
	held_by node1 || { first=node2 && other=node1; }
	sever $first
	check 'a holder that is cut off loses the Lease' stage_eventually 30 held_by $other
	balancer beyond
	check 'the other gives addresses' stage_eventually 10 has_ip beyond 198.51.100.3
	mend $first
	check 'the first one learns of it' stage_eventually 60 on "$first" curl -sf --max-time 3 http://198.51.100.3
	check 'and no address is there twice' no_address_twice
}

kube_cluster
one_service
asked_and_taken
conflicts
pool_runs_out
takeover
cut_off
checks_done
