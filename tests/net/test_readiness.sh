#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ready, or no traffic: probes of every kind, and what connections meet while pods come and go.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

PODS="kubia-4h2mx kubia-9tcwz kubia-lq7dn"
URL=http://192.0.2.1:30123

# ready N: so many kubia pods are ready for get, and both nodes' maps know it.
ready() {
	[ "$(on node1 lbctl get pods -l app=kubia | grep -c ' 1/1 ')" = "$1" ] &&
		backends node1 "$1" && backends node2 "$1"
}

# backends NODE N [SERVICE]: so many get new connections.
backends() {
	json "[.[] | select(.name == \"${3:-kubia-nodeport}\")] | length == 1 and
		([.[0].backends[] | select(.state == \"active\")] | length) == $2" \
		on "$1" lbctl show svc -o json | head -c 300
}

becomes_ready() {
	stage_eventually 10 ready "$1"
}

touch_ready() {
	on "$1" touch /var/ready
}

remove_ready() {
	on "$1" rm -f /var/ready
}

# refused HOST: at once, not by a time-out.
refused() {
	status 7 on "$1" curl -s --max-time 3 $URL
}

the_story() {
	local pod
	for pod in $PODS; do
		pod_root "$pod"
	done
	on node1 lbctl apply -f kubia/kubia-svc-nodeport.yaml -f kubia/dual.yaml >/dev/null
	pod_manifest kubia/kubia-probed.yaml | on node1 lbctl apply -f - >/dev/null
	check 'nobody is ready' becomes_ready 0
	check 'get pods says so' prints '^kubia-4h2mx +0/1 +Running' on node1 lbctl get pods
	check 'get pods -o wide says why' stage_eventually 5 prints \
		'^kubia-4h2mx .*/var/ready.*No such file' on node1 lbctl get pods -o wide
	check 'clients are refused' refused client
	check 'pods are refused' refused curl
	touch_ready kubia-4h2mx
	check 'touch /var/ready: one is ready' becomes_ready 1
	check 'get pods says so' prints '^kubia-4h2mx +1/1 +Running' on node1 lbctl get pods
	check 'and gets everything' hits kubia-4h2mx 20 client $URL
	check 'by the other node too' hits kubia-4h2mx 20 client http://192.0.2.2:30123
	touch_ready kubia-9tcwz
	touch_ready kubia-lq7dn
	check 'all are ready' becomes_ready 3
	check 'and share' load_even client tcp 192.0.2.1 30123 --http --backends 3 --count 3000
	remove_ready kubia-9tcwz
	check 'rm /var/ready: one is out' becomes_ready 2
	check 'and gets nothing' hits 'kubia-4h2mx kubia-lq7dn' 40 client $URL
	check 'endpoints follow' prints '^kubia-nodeport +172.17.0.7:8080,172.17.1.9:8080 ' \
		on node1 lbctl get endpoints
	touch_ready kubia-9tcwz
	check 'it comes back' becomes_ready 3
}

what_is_told() {
	check 'events: unhealthy' prints 'Warning +Unhealthy +pod/kubia-4h2mx +Readiness probe failed: ls' \
		on node1 lbctl get events
	check 'events: healthy' prints 'Normal +Healthy +pod/kubia-4h2mx +Readiness probe succeeded' \
		on node1 lbctl get events
	check 'describe pod has them' prints '^  Warning +Unhealthy .* lbctl +Readiness probe failed' \
		on node1 lbctl describe pod kubia-4h2mx
	check 'the log tells each transition once' test "$(grep -c \
		'kubia-9tcwz: readiness probe of kubia fails' "$STAGE/node1/agent.log")" = 1
}

# Connections of a pod that is ready no more go on, new ones go elsewhere.
connections_go_on() {
	on client loadgen tcp 192.0.2.1 30090 --count 60 --concurrency 60 --rounds 40 --pause 100 \
		>"$STAGE/long" &
	local long=$!
	sleep 0.5
	remove_ready kubia-4h2mx
	check 'one leaves under traffic' becomes_ready 2
	check 'new connections go elsewhere' hits 'kubia-9tcwz kubia-lq7dn' 20 client $URL
	wait $long || true
	check 'its connections went on' json '.failed == 0 and .ok == 60' cat "$STAGE/long"
}

last_one_goes() {
	for pod in $PODS; do
		remove_ready "$pod"
	done
	check 'the last one leaves' becomes_ready 0
	check 'clients are refused again' refused client
	check 'pods are refused again' refused curl
}

# The agent is killed and comes back while clients go on: nobody may meet a gap.
agent_restarts() {
	touch_ready kubia-4h2mx
	touch_ready kubia-lq7dn
	check 'two are ready' becomes_ready 2
	on client loadgen tcp 192.0.2.1 30123 --http --count 40000 --concurrency 10 >"$STAGE/short" &
	local short=$!
	for signal in KILL TERM; do
		agent_kill node1 $signal
		check "SIG$signal: apply without agent keeps them" prints unchanged \
			on node1 lbctl apply -f kubia/kubia-svc-nodeport.yaml
		check "SIG$signal: the maps stay" backends node1 2
		agent_start node1
		check "SIG$signal: and with the new agent" backends node1 2
		sleep 0.5
	done
	agent_kill node1
	rm "$STAGE/node1/run/readiness.log"
	agent_start node1
	check 'nothing written down: the maps tell' backends node1 2
	wait $short || true
	check 'no connection failed' json '.failed == 0' cat "$STAGE/short"
	remove_ready kubia-4h2mx
	check 'the new agent probes' becomes_ready 1
}

pod_with() {
	cat <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: kubia-4h2mx, labels: {app: kubia}${3:-}}
		spec:
		  nodeName: node1
		  ${2:-}
		  containers:
		  - name: kubia
		    image: kubia
		    ports: [{name: http, containerPort: 8080}, {name: https, containerPort: 8443}]
		    $1
		status: {phase: Running, podIP: 172.17.0.7${4:-}}
	END
}

# other_probe NAME 1/1|0/1 PROBE...
other_probe() {
	local name=$1 want=$2
	shift 2
	pod_with "$1" "${2:-}" "${3:-}" "${4:-}" | on node1 lbctl apply -f - >/dev/null
	check "$name: $want" stage_eventually 5 prints "^kubia-4h2mx +$want " on node1 lbctl get pods
}

other_probes() {
	other_probe 'no probe' 1/1 ''
	other_probe 'HTTP by the name of the port' 1/1 \
		'readinessProbe: {httpGet: {port: http, path: /}, periodSeconds: 1}'
	other_probe 'a port without a server' 0/1 \
		'readinessProbe: {tcpSocket: {port: 81}, periodSeconds: 1, failureThreshold: 1}'
	other_probe 'TCP' 1/1 'readinessProbe: {tcpSocket: {port: 9000}, periodSeconds: 1}'
	other_probe 'gRPC where there is HTTP' 0/1 \
		'readinessProbe: {grpc: {port: 8080}, periodSeconds: 1, failureThreshold: 1}'
	other_probe 'HTTPS, its certificate unknown' 1/1 \
		'readinessProbe: {httpGet: {port: https, scheme: HTTPS}, periodSeconds: 1}'
	other_probe 'not started' 0/1 'startupProbe: {tcpSocket: {port: 81}, periodSeconds: 1}'
	other_probe 'started' 1/1 'startupProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}'
	other_probe 'a liveness probe that fails is told of only' 1/1 \
		'livenessProbe: {tcpSocket: {port: 81}, periodSeconds: 1}'
	check 'and it is' stage_eventually 6 prints 'Liveness probe failed: dial tcp 172.17.0.7:81' \
		on node1 lbctl get events
	other_probe 'a gate that is open' 1/1 '' 'readinessGates: [{conditionType: example.com/in}]' '' \
		', conditions: [{type: example.com/in, status: "True"}]'
	check 'a gate that is shut' gate_shut
	other_probe 'on its way out' 1/1 '' '' ', deletionTimestamp: "2026-01-01T00:00:00Z"'
	check 'and others take its place' hits kubia-lq7dn 20 client $URL
	remove_ready kubia-lq7dn
	check 'unless there are none' stage_eventually 5 hits kubia-4h2mx 5 client $URL
}

gate_shut() {
	pod_with '' 'readinessGates: [{conditionType: example.com/in}]' |
		on node1 lbctl apply -f - >/dev/null
	stage_eventually 5 hits kubia-lq7dn 10 client $URL
}

# Endpoints that are no pods, by an annotation on their Service.
external_probed() {
	local port=$1
	cat <<-END
		apiVersion: v1
		kind: Service
		metadata:
		  name: external-service
		  annotations:
		    lbctl.io/probe: |
		      tcpSocket: {port: $port}
		      periodSeconds: 1
		      failureThreshold: 1
		spec:
		  ports:
		  - port: 80
	END
}

external_has() {
	backends node1 "$1" external-service
}

external() {
	on node1 lbctl apply -f kubia/external-service.yaml -f kubia/external-service-endpoints.yaml \
		>/dev/null
	check 'external: not probed, served' stage_eventually 5 external_has 2
	external_probed 81 | on node1 lbctl apply -f - >/dev/null
	check 'external: a probe that fails' stage_eventually 5 external_has 0
	check 'external: its Service has the event' stage_eventually 5 prints \
		'^  Warning +Unhealthy .*dial tcp 11.11.11.11:81' \
		on node1 lbctl describe svc external-service
	external_probed 80 | on node1 lbctl apply -f - >/dev/null
	check 'external: a probe that succeeds' stage_eventually 5 external_has 2
}

stage_cluster
the_story
what_is_told
connections_go_on
last_one_goes
agent_restarts
other_probes
external
checks_done
