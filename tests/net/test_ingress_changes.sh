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
	stage_eventually 5 hits "$1" 12 client "http://$2.example.com/" --connect-to "::$node:" ||
		hits "$1" 12 client "http://$2.example.com/" --connect-to "::$node:"
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
	check 'headless: all pods' reaches_now "$kubia" headless
	pod=$(web http://sticky.example.com/ -c "$STAGE/jar")
	check 'cookie: the same pod' keeps_its_pod "$pod"
	before=$(configurations)
	load_start headless.example.com
	for _ in 1 2 3 4 5; do
		for name in $kubia; do
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
	check 'none is left: 503' stage_eventually 3 code 503 http://headless.example.com/
	pod_label kubia-4h2mx kubia
	check 'one comes back' reaches_now kubia-4h2mx headless
	pod_label kubia-9tcwz kubia
	pod_label kubia-lq7dn kubia
	check 'all come back' reaches_now "$kubia" headless
	check 'and HAProxy was never reloaded' [ "$(configurations)" = "$before" ]
	check 'a worker that dies takes the present pods' worker_dies
}

# What was filled in since the last reload is not in its file.
worker_dies() {
	pod_label kubia-4h2mx out
	reaches_now 'kubia-9tcwz kubia-lq7dn' headless || return 1
	kill -KILL "$(pgrep -P "$(master)" | head -1)"
	sleep 0.2
	stage_eventually 10 web http://headless.example.com/ || return 1
	reaches_now 'kubia-9tcwz kubia-lq7dn' headless
	pod_label kubia-4h2mx kubia
}

ingress_stage
pods_in_places
checks_done
