#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real Prometheus scrapes both agents while there is traffic of all kinds. Then every query of the
# dashboard gives numbers and every alert is one that Prometheus can work out.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

DEPLOY=$(cd ../../deploy && pwd)
DASHBOARD=$DEPLOY/grafana/lbctl.json
RULES=$DEPLOY/prometheus/lbctl.rules.yaml
export PATH=$STAGE_BUILD/unpacked/usr/bin:$PATH

prometheus_start() {
	mkdir "$STAGE/prometheus"
	cat >"$STAGE/prometheus/prometheus.yml" <<-END
		global: {scrape_interval: 1s, evaluation_interval: 1s}
		rule_files: ["$RULES"]
		scrape_configs:
		- job_name: lbctl
		  static_configs:
		  - targets: ["192.0.2.1:9100", "192.0.2.2:9100"]
		- job_name: cluster
		  metrics_path: /large/metrics
		  static_configs:
		  - targets: ["192.0.2.30:80"]
	END
	stage_spawn node1 prometheus.log prometheus --config.file="$STAGE/prometheus/prometheus.yml" \
		--storage.tsdb.path="$STAGE/prometheus/data" --web.listen-address=127.0.0.1:9090 \
		--log.level=warn
	stage_eventually 15 api /-/ready
}

# api PATH [NAME=VALUE...]
api() {
	local path=$1 value options=()
	shift
	for value; do
		options+=(--data-urlencode "$value")
	done
	on node1 curl -sSG --fail-with-body --max-time 5 "${options[@]}" "http://127.0.0.1:9090$path"
}

# What Grafana puts in place of its variables.
expression() {
	sed -e 's/\$__rate_interval/30s/g; s/\$__range/1m/g' -e 's/\$[a-z]*/.*/g' <<<"$1"
}

# numbers QUERY: at least one series, and one of its values is a number.
numbers() {
	json '.status == "success" and (.data.result | length > 0) and
		any(.data.result[]; .value[1] != "NaN")' api /api/v1/query "query=$1"
}

valid() {
	json '.status == "success"' api /api/v1/query "query=$1"
}

all_are_up() {
	json '[.data.activeTargets[] | select(.health == "up")] | length == 3' api /api/v1/targets
}

scrape() {
	on node1 curl -sS --fail --max-time 5 http://192.0.2.1:9100/metrics
}

check_metrics() {
	scrape | promtool check metrics
}

# Each alert fires in a test of its own, and is silent in another.
alerts_are_tested() {
	local alert
	for alert in $(sed -n 's/.*- alert: //p' "$RULES"); do
		for how in fires 'is silent'; do
			grep -qx -- "- name: $alert $how" "${RULES%.yaml}.test.yaml" || {
				echo "no test: $alert $how"
				return 1
			}
		done
	done
}

# What is asked for is what there is: docs/metrics.md is compared with the code by test_metrics.c.
names_are_documented() {
	local name
	grep -ohE 'lbctl_[a-z0-9_]+' "$DASHBOARD" "$RULES" | sed -E 's/_(bucket|sum|count)$//' | sort -u |
		while read -r name; do
			grep -q "^| \`$name\` " ../../docs/metrics.md || {
				echo "no such series: $name"
				return 1
			}
		done
}

# Nobody here has the Kubernetes API as a source. This is what an agent that has tells besides, word for
# word (test_metrics.c).
cluster_metrics() {
	local metric
	mkdir -p "$STAGE/large"
	for metric in last_contact_timestamp_seconds synced objects lists_total events_total \
		errors_total unreadable_total; do
		case $metric in
		last_contact*) echo "lbctl_api_$metric $(date +%s)" ;;
		*) echo "lbctl_api_$metric{kind=\"services\"} 1" ;;
		esac
	done >"$STAGE/large/metrics"
}

# Every panel has its place, and its queries a data source.
dashboard_is_whole() {
	json '([.panels[].id] | length == (unique | length)) and
		([.panels[] | .gridPos | select(.x + .w > 24)] | length == 0) and
		([.panels[] | select(.type != "row") | select((.targets | length) == 0)] | length == 0) and
		([.panels[] | select(.type != "row") as $a | .. | .expr? // empty] | length > 30) and
		([.panels[] as $a | .panels[] as $b | select($a.id < $b.id) | [$a.gridPos, $b.gridPos] |
			select(.[0].x < .[1].x + .[1].w and .[1].x < .[0].x + .[0].w and
				.[0].y < .[1].y + .[1].h and .[1].y < .[0].y + .[0].h)] | length == 0)' \
		cat "$DASHBOARD"
}

CHANGES=0

# All that can happen, so that all that is counted counts.
traffic() {
	local i
	CHANGES=$((CHANGES + 1))
	on node1 lbctl apply -f - <<-END || return 1
		apiVersion: v1
		kind: Service
		metadata: {name: changed}
		spec: {selector: {app: kubia}, ports: [{port: $CHANGES}]}
	END
	on client loadgen tcp 192.0.2.2 30123 --http --count 50 --concurrency 5 || return 1
	on client loadgen tcp 192.0.2.1 30123 --http --count 50 --concurrency 5 || return 1
	! on client curl -s --max-time 3 http://192.0.2.1:30999 || return 1
	on client curl -sSk --max-time 3 --resolve kubia.example.com:443:192.0.2.1 https://kubia.example.com || return 1
	for ((i = 0; i < 5; i++)); do
		on bare dig +short +nocookie +time=2 +tries=1 @10.96.0.10 kubia-nodeport.default.svc.cluster.local
		on bare dig +short +time=2 +tries=1 @10.96.0.10 nobody.default.svc.cluster.local
		on bare dig +short +time=2 +tries=1 @10.96.0.10 "$RANDOM.example.com"
	done
}

# Other names than the cluster's: there are none.
upstream_start() {
	cat >"$STAGE/unbound.conf" <<-END
		server:
			directory: "$STAGE"
			chroot: ""
			username: ""
			pidfile: ""
			use-syslog: no
			do-daemonize: no
			interface: 192.0.2.30
			access-control: 0.0.0.0/0 allow
			module-config: "iterator"
			local-zone: "." static
		remote-control:
			control-enable: no
	END
	stage_spawn outside unbound.log unbound -c "$STAGE/unbound.conf"
	stage_eventually 10 on outside dig +time=1 +tries=1 @192.0.2.30 example.com
}

stage_prometheus() {
	local node
	stage_up
	upstream_start
	cluster_metrics
	for node in node1 node2; do
		cat >>"$STAGE/$node/config.yaml" <<-END
			dns: {upstreams: [192.0.2.30]}
			metrics: {listen: "0.0.0.0:9100"}
		END
	done
	stage_attach >/dev/null
	agent_start node1 node2
	on node1 lbctl create secret tls tls-secret --cert "$STAGE/tls.crt" --key "$STAGE/tls.key" >/dev/null
	on node1 lbctl apply -f kubia/cluster.yaml -f kubia/kubia-svc-nodeport.yaml \
		-f kubia/kubia-ingress-tls.yaml -f - >/dev/null <<-END
		apiVersion: v1
		kind: List
		items:
		- apiVersion: v1
		  kind: Service
		  metadata: {name: nobody}
		  spec: {type: NodePort, ports: [{port: 80, nodePort: 30999}], selector: {app: nobody}}
		- apiVersion: v1
		  kind: Pod
		  metadata: {name: probed}
		  spec:
		    nodeName: node1
		    containers:
		    - {name: web, image: i, readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}}
		    - {name: other, image: i, readinessProbe: {tcpSocket: {port: 8081}, periodSeconds: 1}}
		  status: {phase: Running, podIP: 172.17.0.7, podIPs: [{ip: 172.17.0.7}]}
	END
	stage_settle
	stage_eventually 10 on client curl -sk --max-time 3 -o /dev/null https://192.0.2.1
	prometheus_start
}

stage_prometheus
check 'Prometheus scrapes both nodes' stage_eventually 10 all_are_up
check 'traffic' traffic
sleep 2 # both ends of a rate
check 'more traffic' traffic
check 'promtool finds nothing to say of the metrics' check_metrics
check 'the alerts are right' promtool check rules "$RULES"
check 'they fire, and are silent' promtool test rules "${RULES%.yaml}.test.yaml"
check 'each of them is tested' alerts_are_tested
check 'the dashboard is whole' dashboard_is_whole
check 'and asks for series that there are' names_are_documented
sleep 1.5 # the last of it is scraped

mapfile -t queries < <(jq -r '.panels[].targets[]?.expr' "$DASHBOARD")
for query in "${queries[@]}"; do
	query=$(expression "$query")
	check "dashboard: $query" numbers "$query"
done
mapfile -t variables < <(jq -r '.templating.list[] | select(.type == "query") | .definition' "$DASHBOARD")
for variable in "${variables[@]}"; do
	# label_values(SERIES, LABEL)
	query=$(expression "$(sed 's/^label_values(\(.*\), \([a-z]*\))$/count by (\2) (\1)/' <<<"$variable")")
	check "dashboard: $variable" numbers "$query"
done
mapfile -t alerts < <(api /api/v1/rules | jq -r '.data.groups[].rules[] | [.name, .health, .query] | join("\t")')
check 'Prometheus has all alerts' [ "${#alerts[@]}" = "$(grep -c -- '- alert:' "$RULES")" ]
for alert in "${alerts[@]}"; do
	IFS=$'\t' read -r name health query <<<"$alert"
	check "alert $name is evaluated" [ "$health" = ok ]
	check "alert $name: $query" valid "$query"
done
check 'a Service without endpoints is found' numbers "$(api /api/v1/rules |
	jq -r '.data.groups[].rules[] | select(.name == "LbctlServiceWithoutEndpoints").query')"
checks_done
