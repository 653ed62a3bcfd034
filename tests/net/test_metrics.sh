#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What Prometheus is told of traffic, drops and probes.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

PORT=9100
KUBIA='namespace="default",service="kubia-nodeport",port="80",protocol="TCP"'

# shellcheck disable=SC2120 # check calls it with options
metrics() {
	on node1 curl -sS --fail --max-time 5 "$@" "http://127.0.0.1:$PORT/metrics"
}

# value SERIES: its value; the series is compared as a whole.
value() {
	metrics >"$STAGE/metrics" || return 1
	awk 'index($0, series " ") == 1 { print $NF; found = 1 } END { exit !found }' \
		series="$1" "$STAGE/metrics"
}

# is SERIES OPERATOR NUMBER: soon; an answer is a second old at most.
is() {
	stage_eventually 5 is_now "$@" || is_now "$@"
}

is_now() {
	local got
	got=$(value "$1") || {
		echo "no series $1"
		return 1
	}
	jq -en "$got $2 $3" >/dev/null || {
		echo "$1 is $got, not $2 $3"
		return 1
	}
}

http_status() {
	on node1 curl -sS --max-time 5 -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$PORT$1"
}

# The rules that a scraper gives up the whole answer for.
format_is_right() {
	metrics >"$STAGE/metrics"
	! grep -vE '^(# (HELP|TYPE) lbctl_[a-z_0-9]+ .+|lbctl_[a-z_0-9]+(\{.*\})? [0-9.]+)$' \
		"$STAGE/metrics" || return 1
	for what in '# HELP' '# TYPE'; do
		[ -z "$(grep "^$what" "$STAGE/metrics" | cut -d' ' -f3 | sort | uniq -d)" ] || return 1
	done
	[ -z "$(grep -v '^#' "$STAGE/metrics" | sed 's/ [0-9.]*$//' | sort | uniq -d)" ]
}

refused() {
	status 7 on node1 curl -sS --max-time 3 -o /dev/null "http://127.0.0.1:$PORT/metrics"
}

reload() {
	kill -HUP "$(cat "$STAGE/node1/agent.pid")"
}

stage_cluster
on node1 lbctl apply -f kubia/kubia-svc-nodeport.yaml >/dev/null
check 'nobody listens unless told to' refused
echo "metrics: {listen: 127.0.0.1:$PORT}" >>"$STAGE/node1/config.yaml"
reload
check 'SIGHUP opens the port' stage_eventually 5 metrics
check 'the type is that of the format' prints \
	'^Content-Type: text/plain; version=0.0.4; charset=utf-8' metrics -D - -o /dev/null
check 'other paths: 404' prints '^404$' http_status /
check 'build' prints '^lbctl_build_info\{version=".+"\} 1$' metrics
check 'attached' is lbctl_attached == 1
check 'syncs are counted' is lbctl_sync_total '>' 0
check 'none failed' is lbctl_sync_errors_total == 0
check 'the last was just now' is lbctl_sync_last_success_timestamp_seconds '>' "$(($(date +%s) - 60))"
check 'how long they took' is 'lbctl_sync_duration_seconds_bucket{le="+Inf"}' '>' 0
check 'maps: entries' is 'lbctl_map_entries{map="backends"}' '>=' 3
check 'no connection yet' is "lbctl_service_connections_total{$KUBIA}" == 0

hits 'kubia-4h2mx kubia-9tcwz kubia-lq7dn' 40 client http://192.0.2.1:30123
check 'connections of the Service' is "lbctl_service_connections_total{$KUBIA}" == 40
check 'its packets' is "lbctl_service_packets_total{$KUBIA}" '>=' 120
check 'its bytes' is "lbctl_service_bytes_total{$KUBIA}" '>=' 4800
check 'of one backend, some' is \
	"lbctl_backend_connections_total{$KUBIA,backend=\"172.17.1.9:8080\"}" '>' 0

check 'its endpoints' is "lbctl_service_endpoints{$KUBIA}" == 3
check 'its Maglev table' is "lbctl_service_maglev_slots{$KUBIA}" '>=' 3
check 'its flows, closed by now' is 'lbctl_flows{family="ipv4",state="closed"}' == 40
check 'an entry each way' is 'lbctl_map_entries{map="flow4"}' == 80

names() {
	on bare dig +nocookie +short +time=2 +tries=1 @10.96.0.10 "$@"
}
check 'a name, answered by the programs' prints '^10\.' names kubia-nodeport.default.svc.cluster.local
check 'is counted' is lbctl_dns_kernel_answers_total == 1
check 'a name that is not there, over TCP' names +tcp nobody.default.svc.cluster.local
check 'is counted, too' is 'lbctl_dns_answers_total{rcode="nxdomain"}' == 1

on node1 lbctl apply -f - >/dev/null <<-END
	apiVersion: v1
	kind: Service
	metadata: {name: nobody}
	spec: {type: NodePort, ports: [{port: 80, nodePort: 30999}], selector: {app: nobody}}
END
status 7 on client curl -s --max-time 3 http://192.0.2.1:30999
check 'a refusal is counted by its reason' is 'lbctl_drops_total{reason="no_backend"}' '>' 0
check 'and by its Service' is 'lbctl_service_drops_total{namespace="default",service="nobody",port="80",protocol="TCP"}' '>' 0

on node1 lbctl apply -f - >/dev/null <<-END
	apiVersion: v1
	kind: Pod
	metadata: {name: probed}
	spec:
	  nodeName: node1
	  containers:
	  - name: web
	    image: i
	    readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
	  - name: other
	    image: i
	    readinessProbe: {tcpSocket: {port: 8081}, periodSeconds: 1}
	status: {phase: Running, podIP: 172.17.0.7, podIPs: [{ip: 172.17.0.7}]}
END
WEB='namespace="default",pod="probed",container="web",probe="readiness"'
OTHER='namespace="default",pod="probed",container="other",probe="readiness"'
check 'a probe that succeeds' is "lbctl_probe_result{$WEB}" == 1
check 'one that fails' is "lbctl_probe_result{$OTHER}" == 0
check 'how long it took' is "lbctl_probe_duration_seconds{$WEB}" '>' 0
check 'how often it ran' is "lbctl_probe_runs_total{$WEB,result=\"success\"}" '>=' 2
check 'how often it failed' is "lbctl_probe_runs_total{$OTHER,result=\"failure\"}" '>=' 2
check 'the format is right' format_is_right

sed -i "s/^metrics:.*/metrics: {listen: 127.0.0.1:$PORT, perBackend: false}/" "$STAGE/node1/config.yaml"
reload
no_backend_series() {
	metrics >"$STAGE/metrics" && grep -q lbctl_service_packets "$STAGE/metrics" &&
		! grep -q lbctl_backend_ "$STAGE/metrics"
}
check 'no series of backends where nobody wants them' stage_eventually 5 no_backend_series

on node1 lbctl detach --all >/dev/null
check 'without a datapath it says so' is lbctl_attached == 0
check 'and counts nothing' fails grep -q 'service_packets' "$STAGE/metrics"
sed -i '/^metrics:/d' "$STAGE/node1/config.yaml"
reload
check 'SIGHUP closes the port' stage_eventually 5 refused
checks_done
