#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ingress while things change: pods told apart come and go without a reload, and nobody notices.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh
. ./ingress.sh

# Two routes whose pods have to be told apart: by cookie, and since the Service is headless.
listed_apply() {
	{
		cat <<-'END'
			apiVersion: v1
			kind: Service
			metadata: {name: kubia-headless}
			spec: {clusterIP: None, ports: [{port: 80, targetPort: 8080}], selector: {app: kubia}}
		END
		annotated sticky kubia 'lbctl.io/affinity: cookie'
		annotated headless kubia-headless ''
	} >"$STAGE/listed.yaml"
	ingress_apply -f "$STAGE/listed.yaml"
}

# reaches_now "POD..." HOST: soon, exactly these.
reaches_now() {
	stage_eventually 15 hits "$1" 12 client "http://$2.example.com/" --connect-to "::$NODE:" ||
		hits "$1" 12 client "http://$2.example.com/" --connect-to "::$NODE:"
}

pod_label() {
	on node1 lbctl get pod "$1" -o json | jq ".metadata.labels.app = \"$2\"" |
		on node1 lbctl apply -f - >/dev/null
}

keeps_its_pod() {
	local pod
	pod=$(web http://sticky.example.com/ -b "$STAGE/jar")
	for _ in 1 2 3 4 5 6; do
		[ "$(web http://sticky.example.com/ -b "$STAGE/jar")" = "$pod" ] || return 1
	done
	[ -z "${1:-}" ] || [ "$pod" = "$1" ]
}

pods_in_places() {
	local before pod
	check 'listed pods' listed_apply
	check 'headless: all pods' reaches_now "$KUBIA" headless
	pod=$(web http://sticky.example.com/ -c "$STAGE/jar")
	check 'cookie: the same pod' keeps_its_pod "$pod"
	before=$(configurations)
	load_start headless.example.com
	for _ in 1 2 3 4 5; do
		for name in $KUBIA; do
			pod_label "$name" out
			pod_label "$name" kubia
		done
	done
	check '30 changes of endpoints: no request failed' json '.failed == 0 and .ok > 500' load_end
	check 'the cookie still leads to its pod' keeps_its_pod "$pod"
	pod_label kubia-4h2mx out
	check 'a pod that went is not asked' reaches_now 'kubia-9tcwz kubia-lq7dn' headless
	check 'nor by cookie' reaches_now 'kubia-9tcwz kubia-lq7dn' sticky
	pod_label kubia-9tcwz out
	pod_label kubia-lq7dn out
	check 'none is left: 503' stage_eventually 15 code 503 http://headless.example.com/
	pod_label kubia-4h2mx kubia
	check 'one comes back' reaches_now kubia-4h2mx headless
	pod_label kubia-9tcwz kubia
	pod_label kubia-lq7dn kubia
	check 'all come back' reaches_now "$KUBIA" headless
	check 'and HAProxy was never reloaded' [ "$(configurations)" = "$before" ]
	check 'a worker that dies takes the present pods' worker_dies
}

# What was filled in since the last reload is not in its file.
worker_dies() {
	pod_label kubia-4h2mx out
	reaches_now 'kubia-9tcwz kubia-lq7dn' headless || return 1
	kill -KILL "$(pgrep -P "$(master)" | head -1)"
	sleep 0.2
	stage_eventually 15 web http://headless.example.com/ || return 1
	reaches_now 'kubia-9tcwz kubia-lq7dn' headless
	pod_label kubia-4h2mx kubia
}

# Balancers in front say by the PROXY protocol who the client is; from others that is no request.
proxy_protocol() {
	annotated seen mirror '' >"$STAGE/seen.yaml"
	cat >"$STAGE/class.yaml" <<-'END'
		apiVersion: networking.k8s.io/v1
		kind: IngressClass
		metadata:
		  name: lbctl
		  annotations:
		    ingressclass.kubernetes.io/is-default-class: "true"
		    lbctl.io/proxy-protocol-from: 192.0.2.30, 2001:db8::30
		spec: {controller: lbctl.io/ingress}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: mirror}
		spec: {selector: {app: bar}, ports: [{port: 80, targetPort: 8091}]}
	END
	mirror_start
	ingress_apply -f "$STAGE/class.yaml" -f "$STAGE/seen.yaml"
	check 'PROXY: who is trusted says who asks' prints '^x-forwarded-for: 203.0.113.7' \
		spoken outside 'PROXY TCP4 203.0.113.7 192.0.2.1 4711 80'
	check 'PROXY: and has to' fails spoken outside ''
	check 'PROXY: version 2' prints '^x-forwarded-for: 192.0.2.30' on outside curl -sS --max-time 10 \
		--haproxy-protocol --connect-to "::$NODE:" http://seen.example.com/
	check 'PROXY: before TLS' prints '^x-forwarded-proto: https' on outside curl -sSk --max-time 10 \
		--haproxy-protocol --connect-to "::$NODE:" https://seen.example.com/
	check 'PROXY: from others it is no request' fails prints '^x-forwarded-for' \
		spoken client 'PROXY TCP4 203.0.113.7 192.0.2.1 4711 80'
	check 'PROXY: others are who they are' prints '^x-forwarded-for: 192.0.2.10' \
		web http://seen.example.com/
	sed -i 's/proxy-protocol-from: .*/proxy-protocol-from: everybody/' "$STAGE/class.yaml"
	ingress_apply -f "$STAGE/class.yaml"
	check 'PROXY: nobody is trusted by what cannot be read' fails prints '^x-forwarded-for' \
		spoken outside 'PROXY TCP4 203.0.113.7 192.0.2.1 4711 80'
	check 'PROXY: and that is said' prints 'Rejected .*proxy-protocol-from: must be addresses' \
		on node1 lbctl describe ingressclass lbctl
	on node1 lbctl delete ingressclass lbctl >/dev/null
}

# spoken HOST LINE: a request behind that line.
spoken() {
	on "$1" timeout 3 bash -c "exec 3<>/dev/tcp/$NODE/80
		printf '%s' '${2:+$2
}' | sed 's/\$/\r/' >&3
		printf 'GET / HTTP/1.1\r\nHost: seen.example.com\r\nConnection: close\r\n\r\n' >&3
		cat <&3"
}

# value SERIES: what the agent's metrics say of it.
value() {
	on node1 curl -sS --max-time 10 http://127.0.0.1:9100/metrics |
		awk 'index($0, series " ") == 1 { print $NF }' series="lbctl_ingress_$1"
}

# is SERIES OPERATOR NUMBER: soon, since an answer is a second old at most.
is() {
	stage_eventually 15 is_now "$@" || is_now "$@"
}

is_now() {
	local got
	got=$(value "$1")
	jq -en "$got $2 $3" >/dev/null || {
		echo "$1 is '$got', not $2 $3"
		return 1
	}
}

metrics() {
	local bar='namespace="default",ingress="counted",service="bar"' before end
	{
		annotated counted bar '' | sed "s/^spec:/&\n  tls: [{secretName: counted, hosts: [t.example.com]}]/"
		annotated wrong gone 'lbctl.io/rewrite-target: nowhere'
	} >"$STAGE/counted.yaml"
	certificate rsa:2048 -subj /CN=t.example.com -keyout "$STAGE/t.key" -out "$STAGE/t.cert"
	on node1 lbctl create secret tls counted --cert "$STAGE/t.cert" --key "$STAGE/t.key" >/dev/null
	ingress_apply -f "$STAGE/counted.yaml"
	for _ in 1 2 3; do
		web http://counted.example.com/ >/dev/null
	done
	check 'metrics: HAProxy runs' is up == 1
	check 'metrics: requests by class' is "requests_total{$bar,code=\"2xx\"}" '>=' 3
	check 'metrics: none without an answer' is "requests_total{$bar,code=\"5xx\"}" == 0
	check 'metrics: endpoints' is "endpoints{$bar}" == 1
	check 'metrics: problems by reason' is \
		'problems{namespace="default",ingress="wrong",reason="annotation"}' == 1
	check 'metrics: a Service that is not there' is \
		'problems{namespace="default",ingress="wrong",reason="service"}' == 1
	end=$(date -d "$(openssl x509 -noout -enddate -in "$STAGE/t.cert" | cut -d= -f2)" +%s)
	check 'metrics: when a certificate ends' is \
		'certificate_end_timestamp_seconds{namespace="default",secret="counted"}' == "$end"
	before=$(value "requests_total{$bar,code=\"2xx\"}")
	web http://nobody.example.com/ >/dev/null
	ingress_apply
	check 'metrics: reloads lose no count' is "requests_total{$bar,code=\"2xx\"}" '>=' "$before"
	check 'metrics: nor that of requests without a rule' is \
		'requests_total{namespace="",ingress="",service="",code="4xx"}' '>=' 1
	check 'metrics: reloads' is reloads_total '>=' 3
}

# An address that no device has becomes the node's own while it is served.
own_address() {
	ip -n "$STAGE_ID-client" route add 203.0.113.80 via $NODE
	check 'before: nobody is there' fails on client curl -s --max-time 0.5 \
		--connect-to ::203.0.113.80: http://counted.example.com/
	echo 'ingress: {addresses: [203.0.113.80, 192.0.2.1]}' >>"$STAGE/node1/config.yaml"
	kill -HUP "$(cat "$STAGE/node1/agent.pid")"
	check 'ingress.addresses: one that no device has' stage_eventually 15 on client curl -sS \
		--max-time 1 --connect-to ::203.0.113.80: http://counted.example.com/
	check 'and one that a device has' code 200 http://counted.example.com/
	check 'get ingress' prints ' 192.0.2.1,203.0.113.80 ' on node1 lbctl get ingress counted -o wide
	agent_kill node1
	agent_start node1
	check 'a new agent knows whose it is' ingress_apply
	agent_kill node1 TERM
	check 'it goes with the agent' fails grep -q 203.0.113.80 <(ip -n "$STAGE_ID-node1" addr)
	check 'the other stays' grep -q 192.0.2.1/24 <(ip -n "$STAGE_ID-node1" addr)
}

# Without HAProxy the agent does all else, and says what is missing.
without_haproxy() {
	mkdir "$STAGE/empty"
	stage_spawn node1 node1/agent.log env "PATH=$STAGE/empty" "$STAGE_BUILD/lbctl" agent
	echo $! >"$STAGE/node1/agent.pid"
	stage_eventually 15 test -S "$STAGE/node1/run/agent.sock"
	check 'no HAProxy: describe says so' stage_eventually 15 prints \
		'Warning +Unserved .*HAProxy cannot be run \(not installed\)' \
		on node1 lbctl describe ingress counted
	check 'no HAProxy: and the metrics' is up == 0
	check 'no HAProxy: Services work' hits "$KUBIA" 30 client http://192.0.2.1:30123
	agent_kill node1 TERM
	agent_start node1
	check 'HAProxy again' stage_eventually 15 code 200 http://counted.example.com/
	check 'and nothing is said any more' stage_eventually 15 fails prints Unserved \
		on node1 lbctl describe ingress counted
}

ingress_stage
echo 'metrics: {listen: 127.0.0.1:9100}' >>"$STAGE/node1/config.yaml"
kill -HUP "$(cat "$STAGE/node1/agent.pid")"
pods_in_places
proxy_protocol
metrics
own_address
without_haproxy
checks_done
