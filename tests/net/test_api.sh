#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An agent whose objects are an API server's: what a 1.36 server sent once is sent again, and goes on.
# `make test-kube` does more of it, with a server that is real.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

# In node1: the agent's network is the node's.
API=127.0.0.1:8001
version=1000

api_start() {
	stage_spawn node1 apid.log apid "$API" "$STAGE/api"
	echo $! >"$STAGE/api.pid"
	stage_eventually 10 on node1 curl -sf -o /dev/null "http://$API/version"
}

api_kill() {
	kill -KILL "$(cat "$STAGE/api.pid")"
	stage_eventually 5 fails on node1 curl -sf -o /dev/null "http://$API/version"
}

api_agent_start() {
	stage_spawn node1 node1/agent.log lbctl agent --kubeconfig "$STAGE/kubeconfig"
	echo $! >"$STAGE/node1/agent.pid"
	stage_eventually 10 json '.backends[0]' shown web
}

# event FILE TYPE OBJECT: the version is put where it says VERSION.
event() {
	version=$((version + 1))
	printf '{"type":"%s","object":%s}\n' "$2" "${3/VERSION/\"resourceVersion\":\"$version\"}" >>"$STAGE/api/$1.watch"
}

kubia() {
	event services "$1" '{"kind":"Service","apiVersion":"v1","metadata":{"name":"kubia","namespace":"default",VERSION},"spec":{"type":"ClusterIP","clusterIP":"10.96.0.77","clusterIPs":["10.96.0.77"],"ports":[{"port":80,"targetPort":8080,"protocol":"TCP"}]}}'
}

# endpoints TYPE ADDRESS...
endpoints() {
	local type=$1 address list=
	shift
	for address in "$@"; do
		list+=${list:+,}'{"addresses":["'$address'"],"conditions":{"ready":true}}'
	done
	event endpointslices "$type" '{"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","metadata":{"name":"kubia-1","namespace":"default",VERSION,"labels":{"kubernetes.io/service-name":"kubia"}},"addressType":"IPv4","ports":[{"name":"","port":8080,"protocol":"TCP"}],"endpoints":['"$list"']}'
}

# shown NAME: what the maps have of it.
shown() {
	on node1 lbctl show svc -o json | jq --arg name "$1" '[.[] | select(.name == $name)] | .[0]'
}

has() {
	local got
	got=$(shown "$1" | jq -r '[.backends[]? | select(.state != "draining").address] | sort | join(" ")')
	[ "$got" = "$2" ] || {
		echo "$1 has: $got"
		return 1
	}
}

soon_has() {
	stage_eventually 5 has "$@" || has "$@"
}

health() {
	[ "$(on node1 curl -s -o /dev/null -w '%{http_code}' "http://$1:10256$2")" = "$3" ]
}

kubia_answers() {
	prints "You've hit" on curl curl -sS --max-time 3 http://10.96.0.77
}

stage_up
stage_attach >/dev/null
mkdir "$STAGE/api"
cp ../data/watch/*.watch "$STAGE/api"
cat >"$STAGE/kubeconfig" <<END
current-context: here
contexts: [{name: here, context: {cluster: here}}]
clusters: [{name: here, cluster: {server: "http://$API"}}]
END
sed -i 's/^nodeName:.*/nodeName: n1/' "$STAGE/node1/config.yaml"

check 'a server with recorded streams' api_start
check 'what is left in their end is in the maps' api_agent_start
check '… its address' json '.frontends | any(startswith("10.96.61.68:80"))' shown web
check '… of three endpoints the one that does not end' soon_has web 10.244.0.11:8080
check '… and the Service that was deleted is not there' json '. == null' shown web-lb

endpoints ADDED 172.17.0.7 172.17.1.9
kubia ADDED
check 'a Service comes: both pods are backends' soon_has kubia '172.17.0.7:8080 172.17.1.9:8080'
check 'it answers a pod' kubia_answers
endpoints MODIFIED 172.17.1.9
check 'a pod leaves' soon_has kubia 172.17.1.9:8080
check 'get asks the API server' prints '^kubernetes +ClusterIP +10.96.0.1 ' on node1 lbctl get svc
check 'apply does not' prints 'change them with kubectl' fails on node1 lbctl apply -f kubia/kubia-svc.yaml

check '/healthz: the node is fine' health 127.0.0.1 /healthz 200
check '/healthz: by IPv6, too' health '[::1]' /healthz 200
event nodes MODIFIED '{"kind":"Node","apiVersion":"v1","metadata":{"name":"n1",VERSION},"spec":{"taints":[{"key":"ToBeDeletedByClusterAutoscaler","effect":"NoSchedule"}]}}'
check '/healthz: the autoscaler takes it away' stage_eventually 5 health 127.0.0.1 /healthz 503
check '/livez: the agent is fine all the same' health 127.0.0.1 /livez 200
check '/anything: not found' health 127.0.0.1 /anything 404

check 'the API server is away' api_kill
check '… and traffic goes on' kubia_answers
check '… and the agent is fine' health 127.0.0.1 /livez 200
endpoints MODIFIED 172.17.0.8
sleep 1
check '… it comes back' api_start
check '… with what changed meanwhile, a second later' soon_has kubia 172.17.0.8:8080

# A server that begins anew has all of it in its first list.
api_kill
sed -i '/initial-events-end/d' "$STAGE/api/nodes.watch"
event nodes MODIFIED '{"kind":"Node","apiVersion":"v1","metadata":{"name":"n1",VERSION},"spec":{"podCIDRs":["172.17.0.0/24","fd00:17::/64"]}}'
event nodes BOOKMARK '{"metadata":{VERSION,"annotations":{"k8s.io/initial-events-end":"true"}}}'
api_start
sed -i '/^podCIDRs:/d' "$STAGE/node1/config.yaml"
check "attach takes the node's podCIDRs from its object" \
	on node1 lbctl attach eth0 --pods 'veth*' --cgroup "$STAGE_CGROUP/node1" --kubeconfig "$STAGE/kubeconfig"
check '… for the programs' json '.podCIDRs == ["172.17.0.0/24", "fd00:17::/64"]' on node1 lbctl show meta -o json
check '… and knows later where they are from' \
	on node1 lbctl attach eth0 --pods 'veth*' --cgroup "$STAGE_CGROUP/node1"
check '… to have them still' json '.podCIDRs == ["172.17.0.0/24", "fd00:17::/64"]' on node1 lbctl show meta -o json
echo 'podCIDRs: [172.17.0.0/16]' >>"$STAGE/node1/config.yaml"

check 'the agent is away, too' api_kill
agent_kill node1
check '… attaching again leaves the maps as they are' \
	prints 'the maps stay as they are' on node1 lbctl attach eth0 --pods 'veth*' --cgroup "$STAGE_CGROUP/node1"
check '… and traffic goes on' kubia_answers
event services DELETED '{"kind":"Service","apiVersion":"v1","metadata":{"name":"web","namespace":"default",VERSION}}'
stage_spawn node1 node1/agent.log lbctl agent --kubeconfig "$STAGE/kubeconfig"
check 'an agent that begins without the API server takes nothing away' kubia_answers
check '… the server comes' api_start
check '… and with it what was deleted in the meantime' stage_eventually 5 json '. == null' shown web
check '… and nothing else' has kubia 172.17.0.8:8080
checks_done
