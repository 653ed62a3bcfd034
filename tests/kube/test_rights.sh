#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deploy/: the API server takes it; the rights that it gives are enough for the agent, as are the
# capabilities, and are no more than that. Tokens that are replaced while the agent runs.
set -euo pipefail
cd "$(dirname "$0")/../net"
. ./stage.sh
. ./check.sh
. ./traffic.sh
. ../kube/cluster.sh

account=system:serviceaccount:kube-system:lbctl
three=172.17.0.7:8080\ 172.17.0.8:8080\ 172.17.1.9:8080

deployed() {
	"$KUBE_BIN/kubectl" kustomize "$KUBE_TOP/deploy/$1"
}

deploy() {
	deployed "$1" | kube apply --validate=false "${@:2}" -f -
}

# may ANSWER VERB RESOURCE [OPTION...]
may() {
	local want=$1 got
	shift
	got=$(kube auth can-i --as=$account "$@" 2>/dev/null || true)
	[ "$got" = "$want" ] || {
		echo "$got"
		return 1
	}
}

# All that the roles list, as lines "verb resource name".
rights() {
	kube get clusterrole/lbctl -o json >"$STAGE/roles"
	kube -n kube-system get role/lbctl -o json >>"$STAGE/roles"
	jq -r '.rules[] | .resourceNames as $names | .resources[] as $what | .verbs[] |
		"\(.) \($what) \($names // [] | join(","))"' "$STAGE/roles" | sed 's/ $//' | sort
}

rights_are_exact() {
	diff <(rights) <(printf '%s\n' 'create leases' 'get leases lbctl-load-balancer' 'list endpointslices' \
		'list nodes' 'list services' 'patch services/status' 'update leases lbctl-load-balancer' \
		'watch endpointslices' 'watch nodes' 'watch services' | sort)
}

manifests() {
	check 'the API server takes the base' prints '^daemonset.apps/lbctl created' deploy base --dry-run=server
	check 'and the one with less' prints '^daemonset.apps/lbctl created' deploy least --dry-run=server
	check 'and the one with Ingresses' prints '^clusterrole.rbac.authorization.k8s.io/lbctl-ingress created' \
		deploy ingress --dry-run=server
	check 'with three capabilities' json '[.. | .capabilities? | .add?] - [null] ==
		[["BPF", "NET_ADMIN", "PERFMON"], ["BPF", "NET_ADMIN", "PERFMON"]]' daemonset least
	check 'the image is set at one place' prints '^ *image: example/lbctl:v9$' image_set
	deploy base >/dev/null
}

daemonset() {
	deployed "$1" | kube create --validate=false --dry-run=client -o json -f - | jq 'select(.kind == "DaemonSet")'
}

image_set() {
	mkdir -p "$STAGE/overlay"
	cat >"$STAGE/overlay/kustomization.yaml" <<-END
		resources: [$(realpath --relative-to="$STAGE/overlay" "$KUBE_TOP/deploy/base")]
		images: [{name: lbctl, newName: example/lbctl, newTag: v9}]
	END
	"$KUBE_BIN/kubectl" kustomize --load-restrictor LoadRestrictionsNone "$STAGE/overlay"
}

no_more() {
	check 'the roles have exactly these rights' rights_are_exact
	check 'Services may be listed' may yes list services
	check 'not changed' may no patch services
	check 'but for their status' may yes patch services --subresource=status
	check 'not deleted' may no delete services
	check 'nor replaced' may no update services --subresource=status
	check 'Secrets are none of its business' may no list secrets -A
	check 'nor Pods' may no list pods
	check 'nor ConfigMaps' may no get configmaps -n kube-system
	check 'nor other Leases' may no update leases/other -n kube-system
	check 'its own Lease is' may yes update leases/lbctl-load-balancer -n kube-system
	check 'in no other namespace' may no update leases/lbctl-load-balancer -n default
}

# token_new SECRET: one that ends with the Secret.
token_new() {
	kube -n kube-system create secret generic "$1" >/dev/null
	kube create --raw /api/v1/namespaces/kube-system/serviceaccounts/lbctl/token -f - <<-END | jq -r .status.token
		{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
		 "spec": {"expirationSeconds": 3600, "boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "$1"}}}
	END
}

# What the kubelet does: written beside it, and renamed.
token_put() {
	(umask 077 && token_new "$1" >"$STAGE/token.new")
	mv "$STAGE/token.new" "$STAGE/token"
}

agent_kubeconfig() {
	cat >"$STAGE/agent.kubeconfig" <<-END
		apiVersion: v1
		kind: Config
		current-context: lbctl
		clusters: [{name: c, cluster: {server: "https://$KUBE_ADDRESS:$KUBE_PORT", certificate-authority: $KUBE_DIR/ca.crt}}]
		users: [{name: lbctl, user: {tokenFile: $STAGE/token}}]
		contexts: [{name: lbctl, context: {cluster: c, user: lbctl}}]
	END
}

# agent_confined CAPABILITY...: with these alone.
agent_confined() {
	stage_spawn node1 node1/agent.log setpriv --no-new-privs --bounding-set="-all$(printf ',+%s' "$@")" \
		lbctl agent --kubeconfig "$STAGE/agent.kubeconfig"
	echo $! >"$STAGE/node1/agent.pid"
}

# As in the pod of a DaemonSet: the account's files where a kubelet puts them, the rest by environment.
agent_in_pod() {
	local account=/run/secrets/kubernetes.io/serviceaccount
	mkdir -p $account "$STAGE/account"
	cp "$KUBE_DIR/ca.crt" "$STAGE/account/"
	ln -sf "$STAGE/token" "$STAGE/account/token"
	sed -i '/^nodeName:/d' "$STAGE/node2/config.yaml"
	stage_spawn node2 node2/agent.log env NODE_NAME=node2 KUBERNETES_SERVICE_HOST=$KUBE_ADDRESS \
		KUBERNETES_SERVICE_PORT=$KUBE_PORT unshare -m sh -c \
		'mount --bind "$0" "$1" && exec lbctl agent --in-cluster' "$STAGE/account" $account
	echo $! >"$STAGE/node2/agent.pid"
	stage_eventually 10 test -S "$STAGE/node2/run/agent.sock"
}

# As the init container does when the DaemonSet is rolled: an upgrade, while no agent runs.
attach_again() {
	on node1 setpriv --no-new-privs --bounding-set=-all,+bpf,+net_admin,+perfmon lbctl attach eth0
}

capabilities() {
	awk '$1 == "CapEff:" { print $2 }' "/proc/$(agent_pid)/status"
}

# The starter becomes the agent: nsenter, setpriv and lbctl are one process.
agent_pid() {
	cat "$STAGE/node1/agent.pid"
}

enough() {
	agent_kill node1 TERM
	agent_kill node2 TERM
	check 'attach does with three capabilities' prints '^cgroup +socket' attach_again
	check 'and without an agent leaves the maps as they are' has_service node1 kubernetes
	token_put first
	agent_kubeconfig
	agent_confined bpf net_admin perfmon # deploy/least
	agent_in_pod
	apply kubia/kubia-svc-loadbalancer.yaml >/dev/null
	check 'with these rights its endpoints come' both_have kubia-loadbalancer "$three"
	check 'also to an agent in a pod, which knows its node' node_is_known
	check 'and it gets an address' stage_eventually 20 hits "$PODS" 30 client http://198.51.100.1
	check 'by an agent with BPF, NET_ADMIN, PERFMON and nothing else' [ "$(capabilities)" = 000000c000001000 ]
	check 'which gives new pods their hooks' new_pod
	check 'nothing was forbidden' fails grep -hiE 'forbidden|denied|not permitted' "$STAGE/node1/agent.log" \
		"$STAGE/node2/agent.log"
}

# Policy Local: its own pod and no other.
node_is_known() {
	apply kubia/kubia-svc-local.yaml >/dev/null
	stage_eventually 5 hits kubia-lq7dn 20 client http://192.0.2.2:30124
}

new_pod() {
	pod_new late node1 30
	stage_eventually 5 on node1 sh -c 'lbctl show devices | grep -q veth-late' &&
		stage_eventually 5 hits "$PODS" 30 late "http://$(cluster_ip kubia-loadbalancer)"
}

# Sockets that are connected to a pod which is not ready any more end, so that their owners connect anew.
sweep() {
	local load
	agent_kill node1 TERM
	agent_confined bpf net_admin perfmon sys_admin # deploy/base
	kube apply --validate=false -f - >/dev/null <<-END
		apiVersion: v1
		kind: Service
		metadata: {name: echo}
		spec: {selector: {app: kubia}, ports: [{port: 9000, protocol: UDP}]}
	END
	check 'a Service for UDP' both_have echo '172.17.0.7:9000 172.17.0.8:9000 172.17.1.9:9000'
	on curl loadgen udp "$(cluster_ip echo)" 9000 --count 60 --concurrency 60 --rounds 2 --pause 2000 \
		>"$STAGE/load" &
	load=$!
	sleep 0.8
	pod_runs kubia-4h2mx 172.17.0.7 False
	pod_runs kubia-9tcwz 172.17.0.8 False
	wait $load || true
	check 'sockets of other namespaces end with SYS_ADMIN' json '.failed > 15 and .ok > 4 and
		.errors == {"read: Software caused connection abort": .failed}' cat "$STAGE/load"
	pod_runs kubia-4h2mx 172.17.0.7
	pod_runs kubia-9tcwz 172.17.0.8
	check 'and all is as before' both_have echo '172.17.0.7:9000 172.17.0.8:9000 172.17.1.9:9000'
}

# capabilities_of FOLDER: of its agent, as setpriv has them.
capabilities_of() {
	daemonset "$1" | jq -r '.spec.template.spec.containers[0].securityContext.capabilities.add[] | ascii_downcase'
}

ingress() {
	deploy ingress >/dev/null
	agent_kill node1 TERM
	echo 'ingress: {httpPort: 80}' >>"$STAGE/node1/config.yaml"
	# shellcheck disable=SC2046
	agent_confined $(capabilities_of ingress)
	apply kubia/kubia-svc-nodeport.yaml kubia/kubia-ingress.yaml >/dev/null
	check 'an Ingress, with the rights and capabilities for it' stage_eventually 15 hits "$PODS" 30 client \
		http://kubia.example.com/ --resolve kubia.example.com:80:192.0.2.1
	check 'nothing was forbidden' fails grep -iE 'forbidden|denied|not permitted' "$STAGE/node1/agent.log"
}

rotation() {
	token_put second
	kube -n kube-system delete secret first >/dev/null
	sleep 12 # for so long the API server takes the old one at its word
	kube_up kill kube-apiserver
	kube_up run kube-apiserver
	pod_runs kubia-9tcwz 172.17.0.8 False
	check 'with the first token gone, the second one is used' stage_eventually 60 has_backends node1 \
		kubia-loadbalancer '172.17.0.7:8080 172.17.1.9:8080' # when the controllers are back
	kube -n kube-system delete secret second >/dev/null
	sleep 12
	kube_up kill kube-apiserver
	kube_up run kube-apiserver
	pod_runs kubia-9tcwz 172.17.0.8
	check 'without a token the maps stay as they are' stage_eventually 10 grep -q 'Unauthorized' "$STAGE/node1/agent.log"
	check 'and traffic goes on' hits 'kubia-4h2mx kubia-lq7dn' 30 client http://198.51.100.1
	token_put third
	check 'a third one is found' stage_eventually 70 has_backends node1 kubia-loadbalancer "$three"
}

kube_cluster
manifests
no_more
enough
sweep
ingress
rotation
agent_kill node2 TERM # it holds the folder
rmdir /run/secrets/kubernetes.io/serviceaccount /run/secrets/kubernetes.io /run/secrets 2>/dev/null || true
checks_done
