# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The stage of tests/net with a real API server in it, and agents that take their objects from there.
# Source it, from tests/net, after stage.sh and check.sh, and call kube_cluster.
#
#	api .40, on the lan: etcd, kube-apiserver, kube-controller-manager (scripts/kube-up)
#
# No kubelet runs: pods are what the stage made, and `pod_runs` tells the API what a kubelet would.

KUBE_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export KUBE_ADDRESS=192.0.2.40 KUBE_PORT=6443

kube_cluster() {
	stage_up
	stage_attach >/dev/null
	stage_host_new api
	stage_lan_join api 40
	for n in 0 1; do
		ip -n "$STAGE_ID-api" route add 172.17.$n.0/24 via 192.0.2.$((n + 1))
	done
	export KUBE_DIR=$STAGE/kube KUBECONFIG=$STAGE/kube/admin.kubeconfig HOME=$STAGE
	# This API server is older than spec.loadBalancerClass.
	echo 'loadBalancerDefault: true' | tee -a "$STAGE/node1/config.yaml" >>"$STAGE/node2/config.yaml"
	kube_up start >/dev/null
	stage_eventually 30 default_account
	stage_eventually 10 apply kubia/cluster.yaml
	pod_runs kubia-4h2mx 172.17.0.7
	pod_runs kubia-9tcwz 172.17.0.8
	pod_runs kubia-lq7dn 172.17.1.9
	kube_agent_start node1 node2
}

# Where the binaries are is asked outside of the stage, whose HOME is another.
KUBE_BIN=$("$KUBE_TOP/scripts/kube-build") || exit 1
LBCTL_KUBE=${KUBE_BIN%/bin}
export LBCTL_KUBE

# kube_up COMMAND...: scripts/kube-up on that host. What it starts ends with the stage.
kube_up() {
	on api "$KUBE_TOP/scripts/kube-up" "$@"
	cat "$KUBE_DIR"/*.pid >>"$STAGE/pids" 2>/dev/null || true
}

# Without it there is no pod: the controllers make it a moment after the namespace.
default_account() {
	kube get serviceaccount default -o json | jq -e '.secrets | length > 0'
}

# ---------------------------------------------------------------- objects --

kube() {
	on api "$KUBE_BIN/kubectl" "$@"
}

# apply FILE...: newer kubectl cannot check what an older API server has.
apply() {
	local file options=()
	for file in "$@"; do
		options+=(-f "$file")
	done
	kube apply --validate=false "${options[@]}"
}

# request METHOD PATH [BODY]: quicker than kubectl; merge patches, JSON otherwise.
request() {
	local method=$1 path=$2 type=application/json
	[ "$method" != PATCH ] || type=application/merge-patch+json
	shift 2
	on api curl -sSf --cacert "$KUBE_DIR/ca.crt" --cert "$KUBE_DIR/admin.crt" --key "$KUBE_DIR/admin.key" \
		-X "$method" -H "Content-Type: $type" ${1:+--data-binary "$1"} "https://$KUBE_ADDRESS:$KUBE_PORT$path"
}

# pod_runs NAME ADDRESS [Ready condition]: what its kubelet would say.
pod_runs() {
	request PATCH "/api/v1/namespaces/default/pods/$1/status" "{\"status\": {\"phase\": \"Running\",
		\"podIP\": \"$2\", \"podIPs\": [{\"ip\": \"$2\"}],
		\"conditions\": [{\"type\": \"Ready\", \"status\": \"${3:-True}\"}]}}" >/dev/null
}

cluster_ip() {
	kube get svc "$1" -o jsonpath='{.spec.clusterIP}'
}

# sever NODE, mend NODE: between it and the API server nothing gets through, either way, unsaid.
sever() {
	ip -n "$STAGE_ID-$1" route add blackhole 192.0.2.40/32
	ip -n "$STAGE_ID-api" route add blackhole "192.0.2.${1#node}/32"
}

mend() {
	ip -n "$STAGE_ID-$1" route del blackhole 192.0.2.40/32
	ip -n "$STAGE_ID-api" route del blackhole "192.0.2.${1#node}/32"
}

# ----------------------------------------------------------------- agents --

# kube_agent_start NODE...: with the rights that deploy/ gives, if KUBE_AGENT_CONFIG says so.
kube_agent_start() {
	local node
	for node in "$@"; do
		stage_spawn "$node" "$node/agent.log" lbctl agent \
			--kubeconfig "${KUBE_AGENT_CONFIG:-$KUBECONFIG}"
		echo $! >"$STAGE/$node/agent.pid"
		stage_eventually 10 test -S "$STAGE/$node/run/agent.sock" || {
			cat "$STAGE/$node/agent.log" >&2
			return 1
		}
	done
}

# backends NODE SERVICE: those in its maps that get new connections, sorted, on one line.
backends() {
	on "$1" lbctl show svc -o json | jq -r --arg name "$2" \
		'[.[] | select(.name == $name) | .backends[] | select(.state != "draining").address] |
			unique | join(" ")'
}

has_backends() {
	local got
	got=$(backends "$1" "$2")
	[ "$got" = "$3" ] || {
		echo "$1 has: $got"
		return 1
	}
}

# both_have SERVICE BACKENDS: soon, on both nodes.
both_have() {
	local node
	for node in node1 node2; do
		stage_eventually 5 has_backends $node "$1" "$2" || has_backends $node "$1" "$2" || return 1
	done
}

# has_service NODE NAME
has_service() {
	on "$1" lbctl show svc -o json | jq -e --arg name "$2" 'any(.[]; .name == $name)'
}

# both_lack SERVICE: it is in nobody's maps any more.
both_lack() {
	stage_eventually 5 fails has_service node1 "$1" && stage_eventually 5 fails has_service node2 "$1"
}

agent_status() {
	on "$1" lbctl status -o json
}
