#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# healthCheckNodePort: a load balancer asks each node whether it has ready endpoints.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

PORT=32001

# answer HOST: status, weight and count of what it answers, on one line.
answer() {
	curl_health -o "$STAGE/body" -D "$STAGE/head" "$1" >/dev/null || return 1
	tr -d '\r' <"$STAGE/head" >"$STAGE/lines"
	echo "$(sed -n '1s/^HTTP\/1.1 \([0-9]*\).*/\1/p' "$STAGE/lines")" \
		"$(sed -n 's/^X-Load-Balancing-Endpoint-Weight: //p' "$STAGE/lines")" \
		"$(jq .localEndpoints "$STAGE/body")" "$(jq .serviceProxyHealthy "$STAGE/body")"
}

# curl_health [OPTION...] HOST
curl_health() {
	on client curl -sS --max-time 3 "${@:1:$#-1}" "http://${!#}:$PORT/healthz"
}

answers() {
	local host=$1 want=$2 got
	got=$(answer "$host") || return 1
	[ "$got" = "$want" ] || {
		echo "answer: $got, expected: $want"
		return 1
	}
}

# Becomes true within moments, and is true then.
soon_answers() {
	stage_eventually 5 answers "$@" || answers "$@"
}

body_is_exact() {
	printf '{\n\t"service": {\n\t\t"namespace": "default",\n\t\t"name": "kubia-local"\n\t},\n' \
		>"$STAGE/expected"
	printf '\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}' >>"$STAGE/expected"
	curl_health -o "$STAGE/body" 192.0.2.1
	cmp "$STAGE/body" "$STAGE/expected"
}

headers_are_exact() {
	curl_health -o /dev/null -D - 192.0.2.1 | tr -d '\r' | grep -v '^Date:' >"$STAGE/head"
	diff "$STAGE/head" - <<-END
		HTTP/1.1 200 OK
		Content-Type: application/json
		X-Content-Type-Options: nosniff
		X-Load-Balancing-Endpoint-Weight: 2
		Content-Length: 122

	END
}

# pod_ready NAME NODE IP True|False [METADATA]
pod_ready() {
	on node1 lbctl apply -f - <<-END
		apiVersion: v1
		kind: Pod
		metadata:
		  name: $1
		  labels: {app: health}
		  ${5:-}
		spec:
		  nodeName: $2
		  containers: [{name: c, image: i}]
		status:
		  phase: Running
		  podIP: $3
		  podIPs: [{ip: $3}]
		  conditions: [{type: Ready, status: "$4"}]
	END
}

service_apply() {
	on node1 lbctl apply -f - <<-END
		apiVersion: v1
		kind: Service
		metadata:
		  name: kubia-local
		spec:
		  type: LoadBalancer
		  externalTrafficPolicy: ${1:-Local}
		  ${2-healthCheckNodePort: $PORT}
		  clusterIP: 10.96.7.7
		  ports: [{name: http, port: 80, targetPort: 8080}, {name: https, port: 443, targetPort: 8443}]
		  selector: {app: health}
	END
}

refused() {
	status 7 on client curl -sS --max-time 3 -o /dev/null "http://$1:$PORT/"
}

stage_cluster
{
	pod_ready one node1 172.17.0.7 True
	pod_ready two node1 172.17.0.8 True
	pod_ready three node2 172.17.1.9 False
} >/dev/null
check 'nobody listens before there is a Service' refused 192.0.2.1
service_apply >/dev/null
check 'node1 has two pods' soon_answers 192.0.2.1 '200 2 2 true'
check 'its body is exact' body_is_exact
check 'its headers are exact' headers_are_exact
check 'over IPv6 too' answers '[2001:db8::1]' '200 2 2 true'
check 'node2 has no ready pod' soon_answers 192.0.2.2 '503 0 0 true'
check 'nor over IPv6' answers '[2001:db8::2]' '503 0 0 true'
check 'any path' prints '"localEndpoints": 2' on client curl -sS "http://192.0.2.1:$PORT/a/b?c=d"
check 'asked from a pod' prints '"localEndpoints": 2' on curl curl -sS "http://192.0.2.1:$PORT/"
check 'asked from the node' prints '"localEndpoints": 2' on node1 curl -sS "http://127.0.0.1:$PORT/"
check 'describe shows the port' prints '^HealthCheck NodePort: +32001$' \
	on node1 lbctl describe svc kubia-local

pod_ready three node2 172.17.1.9 True >/dev/null
check 'a pod that gets ready is told of' soon_answers 192.0.2.2 '200 1 1 true'
pod_ready three node2 172.17.1.9 False >/dev/null
check 'a pod that is not ready any more, too' soon_answers 192.0.2.2 '503 0 0 true'
pod_ready two node1 172.17.0.8 True 'deletionTimestamp: "2026-01-01T00:00:00Z"' >/dev/null
check 'one on its way out does not count' soon_answers 192.0.2.1 '200 1 1 true'
pod_ready one node1 172.17.0.7 True 'deletionTimestamp: "2026-01-01T00:00:00Z"' >/dev/null
check 'not even if none is left' soon_answers 192.0.2.1 '503 0 0 true'
pod_ready one node1 172.17.0.7 True >/dev/null
check 'a pod is back' soon_answers 192.0.2.1 '200 1 1 true'

on node1 lbctl detach --all >/dev/null
check 'without a datapath the node is not healthy' soon_answers 192.0.2.1 '503 1 1 false'
on node1 lbctl attach eth0 --pods 'veth*' --cgroup "$STAGE_CGROUP/node1" >/dev/null
check 'with one it is' soon_answers 192.0.2.1 '200 1 1 true'

service_apply Cluster '' >/dev/null
check 'policy Cluster has no health port' stage_eventually 5 refused 192.0.2.1
service_apply >/dev/null
check 'Local has it again' soon_answers 192.0.2.1 '200 1 1 true'
on node1 lbctl delete svc kubia-local >/dev/null
check 'nobody listens when the Service is gone' stage_eventually 5 refused 192.0.2.1
check 'on node2 neither' stage_eventually 5 refused 192.0.2.2

stage_spawn node1 squatter.log "$STAGE_TOOLS/echod" squatter $PORT
stage_eventually 5 on node1 ss -Hltn "sport = :$PORT"
sleep 0.2
service_apply >/dev/null
check 'a port that is taken is told of' stage_eventually 5 grep -q \
	"kubia-local: its healthCheckNodePort is not served at .*: Address already in use" \
	"$STAGE/node1/agent.log"
check 'and nothing else fails for it' fails grep -E 'error|failed' "$STAGE/node1/agent.log"
checks_done
