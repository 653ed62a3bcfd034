#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ingress under load, in the stage's network namespaces: requests a second to an nginx pod, through
# a HAProxy that a person configured, and through the Ingress, in turns; then changes of rules and of
# endpoints while requests go on, and a WebSocket through reloads. Needs root and a quiet machine.
#
#	tests/bench/ingress.sh [ROUNDS [SECONDS]]     with 0 rounds the changes alone
#	CHANGES=0 tests/bench/ingress.sh              without them
set -euo pipefail
rounds=${1:-5}
seconds=${2:-3}
RULES=50 ENDPOINTS=500 RELOADS=100

for tool in wrk h2load nghttp; do
	command -v $tool >/dev/null || {
		echo "$tool is missing: apt-get install wrk nghttp2-client" >&2
		exit 1
	}
done
cd "$(dirname "$0")/../net"
. ./stage.sh
. ./check.sh
. ./ingress.sh

# -------------------------------------------------------------- who is asked --

# nginx as fast as it goes, on 8180 and, with TLS and HTTP/2, on 8443, in a pod of node1.
pod_start() {
	local dir=$STAGE/nginx-fast
	mkdir -p "$dir"
	cat >"$dir/nginx.conf" <<-END
		daemon off;
		user root;
		worker_processes 1;
		pid $dir/nginx.pid;
		error_log $dir/error.log;
		events { worker_connections 8192; }
		http {
			access_log off;
			keepalive_requests 1000000000;
			client_body_temp_path $dir; proxy_temp_path $dir; fastcgi_temp_path $dir;
			uwsgi_temp_path $dir; scgi_temp_path $dir;
			ssl_certificate $STAGE/tls.crt;
			ssl_certificate_key $STAGE/tls.key;
			server {
				listen 8180 backlog=4096;
				listen 8543 ssl http2 backlog=4096;
				location / { default_type text/plain; return 200 "You've hit fast\n"; }
			}
		}
	END
	pod_new fast-5xk2p node1 40
	stage_spawn fast-5xk2p fast.log /usr/sbin/nginx -p "$dir" -e "$dir/error.log" -c "$dir/nginx.conf"
	stage_wait_port fast-5xk2p 8180
	on node1 lbctl apply -f - >/dev/null <<-'END'
		apiVersion: v1
		kind: Pod
		metadata: {name: fast-5xk2p, labels: {app: fast}}
		spec: {nodeName: node1, containers: [{name: c, image: c}]}
		status: {phase: Running, podIP: 172.17.0.40}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: fast}
		spec: {selector: {app: fast}, ports: [{port: 80, targetPort: 8180}]}
	END
	ip -n "$STAGE_ID-client" route add 172.17.0.0/24 via $NODE
}

# What somebody would write who has one host and one pod, and tells it as much of the client.
by_hand_start() {
	local dir=$STAGE/by-hand
	mkdir -p "$dir"
	cat "$STAGE/tls.crt" "$STAGE/tls.key" >"$dir/both.pem"
	cat >"$dir/haproxy.cfg" <<-END
		global
			ssl-default-bind-options ssl-min-ver TLSv1.2
		defaults
			mode http
			timeout connect 5s
			timeout client 60s
			timeout server 60s
		frontend web
			bind 0.0.0.0:8080
			bind 0.0.0.0:8443 ssl crt $dir/both.pem alpn h2,http/1.1
			http-request set-header X-Forwarded-For %[src]
			http-request set-header X-Real-IP %[src]
			http-request set-header X-Forwarded-Host %[req.hdr(host)]
			http-request set-header X-Forwarded-Port %[dst_port]
			http-request set-header X-Forwarded-Proto http if !{ ssl_fc }
			http-request set-header X-Forwarded-Proto https if { ssl_fc }
			use_backend fast if { req.hdr(host) -i fast.example.com }
		backend fast
			server fast 172.17.0.40:8180
	END
	stage_spawn node1 by-hand.log haproxy -q -f "$dir/haproxy.cfg"
	BY_HAND=$(tail -1 "$STAGE/pids" | cut -d' ' -f1)
	stage_eventually 10 on client curl -so /dev/null http://$NODE:8080/
}

ingress_start() {
	on node1 lbctl create secret tls fast --cert "$STAGE/tls.crt" --key "$STAGE/tls.key" >/dev/null
	ingress_apply -f - <<-'END'
		apiVersion: networking.k8s.io/v1
		kind: Ingress
		metadata: {name: fast, annotations: {lbctl.io/ssl-redirect: "false"}}
		spec:
		  tls: [{secretName: fast, hosts: [fast.example.com]}]
		  rules:
		  - host: fast.example.com
		    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: fast, port: {number: 80}}}}]}
	END
}

# ---------------------------------------------------------------- throughput --

# plain ADDRESS:PORT, secure ADDRESS:PORT: requests a second.
plain() {
	on client wrk -t1 -c64 "-d${seconds}s" -H 'Host: fast.example.com' "http://$1/" |
		awk '/^Requests\/sec/ { print $2 } /Non-2xx|Socket errors/ { print > "/dev/stderr" }'
}

secure() {
	on client h2load -t1 -c16 -m8 -D "$seconds" -H ':authority: fast.example.com' "https://$1/" |
		sed -nE 's/^finished in .*, ([0-9.]+) req\/s.*/\1/p; /^status codes: [0-9]+ 2xx, 0 3xx, 0 4xx, 0 5xx/!{
			/^status codes/w /dev/stderr
		}'
}

# cpu PID: nanoseconds that its threads have run.
cpu() {
	cat /proc/"$1"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# rate FILE KIND ADDRESS:PORT [PID]: a line of requests a second, and the microseconds of PID's for
# each, which say the same of a machine that is not quiet.
rate() {
	local file=$1 kind=$2 before=0 after=0 got
	[ -z "${4:-}" ] || before=$(cpu "$4")
	got=$("$kind" "$3")
	[ -z "${4:-}" ] || after=$(cpu "$4")
	awk -v got="$got" -v ns=$((after - before)) -v s="$seconds" \
		'BEGIN { print got, ns / 1000 / (got * s) }' >>"$file"
}

# median FILE COLUMN
median() {
	cut -d' ' -f"$2" "$1" | sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

worker() {
	pgrep -P "$(master)" | tail -1
}

# throughput KIND NAME PORT-OF-POD PORT-BY-HAND PORT-OF-INGRESS
throughput() {
	local kind=$1 name=$2 dir=$STAGE/rates-$1 pid
	mkdir "$dir"
	pid=$(worker)
	for ((i = 0; i < rounds; i++)); do
		rate "$dir/pod" "$kind" "172.17.0.40:$3"
		rate "$dir/hand" "$kind" "$NODE:$4" "$BY_HAND"
		rate "$dir/ingress" "$kind" "$NODE:$5" "$pid"
	done
	awk -v name="$name" -v pod="$(median "$dir/pod" 1)" \
		-v hand="$(median "$dir/hand" 1)" -v hand_us="$(median "$dir/hand" 2)" \
		-v ingress="$(median "$dir/ingress" 1)" -v us="$(median "$dir/ingress" 2)" 'BEGIN {
		printf "%-22s %8.0f %8.0f %8.0f %10.2f %11.2f %10.1f %10.1f %6.2f\n", name, pod, hand, ingress,
			ingress / pod, ingress / hand, hand_us, us, hand_us / us
	}'
}

# ------------------------------------------------------------------- changes --

pod_label() {
	on node1 lbctl get pod "$1" -o json | jq ".metadata.labels.app = \"$2\"" >"$STAGE/$1-$2.json"
}

changes() {
	local i pid before
	ingress_apply -f - <<-'END'
		apiVersion: v1
		kind: Service
		metadata: {name: kubia-headless}
		spec: {clusterIP: None, ports: [{port: 80, targetPort: 8080}], selector: {app: kubia}}
		---
		apiVersion: networking.k8s.io/v1
		kind: Ingress
		metadata: {name: changes}
		spec:
		  rules:
		  - host: loadgen
		    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: kubia, port: {number: 80}}}}]}
		  - host: headless
		    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: kubia-headless, port: {number: 80}}}}]}
	END
	load_start
	for ((i = 0; i < RULES; i++)); do
		ingress_apply
	done
	load_end >"$STAGE/rules.json"
	check "$RULES changes of rules: $(jq -c . "$STAGE/rules.json")" json '.failed == 0 and .ok > 1000' \
		cat "$STAGE/rules.json"
	pod_label kubia-4h2mx kubia
	pod_label kubia-4h2mx out
	for host in loadgen headless; do
		before=$(configurations)
		load_start $host
		for ((i = 0; i < ENDPOINTS / 4; i++)); do
			on node1 lbctl apply -f "$STAGE/kubia-4h2mx-out.json" >/dev/null
			on node1 lbctl apply -f "$STAGE/kubia-4h2mx-kubia.json" >/dev/null
		done
		load_end >"$STAGE/endpoints.json"
		check "$((ENDPOINTS / 2)) changes of endpoints, $host: $(jq -c . "$STAGE/endpoints.json")" \
			json '.failed == 0 and .ok > 1000' cat "$STAGE/endpoints.json"
		check 'without a reload' [ "$(configurations)" = "$before" ]
	done
	upgrade_start
	before=$(configurations)
	pid=$(master)
	for ((i = 0; i < RELOADS; i++)); do
		ingress_apply
	done
	check "a WebSocket through $(($(configurations) - before)) reloads" upgrade_goes_on
	check 'of the same master' [ "$(master)" = "$pid" ]
	rm "$STAGE/upgrade"
	wait "$UPGRADE" || true
	check "$(tail -1 "$STAGE/upgrade.out") messages" grep -q ^through "$STAGE/upgrade.out"
}

ingress_stage
if [ "$rounds" != 0 ]; then
	pod_start
	by_hand_start
	ingress_start
	printf '%-22s %8s %8s %8s %10s %11s %10s %10s %6s\n' 'requests a second' pod 'by hand' Ingress \
		'of the pod' 'of by hand' 'µs by hand' 'µs Ingress' ratio
	throughput plain 'HTTP/1.1, 64 clients' 8180 8080 80
	throughput secure 'HTTP/2, TLS, 16 × 8' 8543 8443 443
fi
[ "${CHANGES:-1}" = 1 ] || exit 0
export V=1
changes
checks_done
