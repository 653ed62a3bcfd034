#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lbctl monitor: what it tells of, what it leaves out, and that a flood of drops does not cost much.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

# watched OPTION... -- COMMAND...: the events of what the command does, in $STAGE/events.
watched() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	"$STAGE/bin/node1" lbctl monitor "${options[@]}" -o json >"$STAGE/events" &
	local observer=$!
	stage_eventually 5 looked_at
	"$@" >/dev/null 2>&1 || true
	sleep 0.5
	kill -TERM $observer
	wait $observer
}

looked_at() {
	[ "$(bpftool -j map lookup pinned "$STAGE/node1/bpf/v1/lb_monitor" key 0 0 0 0 |
		jq -r '.formatted.value.kinds // (.value[0] | ltrimstr("0x") | tonumber? // 1)')" != 0 ]
}

events() {
	jq -e -s "$1" "$STAGE/events" >/dev/null || {
		echo "not true: $1"
		head -5 "$STAGE/events"
		return 1
	}
}

stage_cluster
on node1 lbctl apply -f kubia/kubia-svc-nodeport.yaml >/dev/null
on node1 lbctl apply -f - >/dev/null <<'END'
apiVersion: v1
kind: Service
metadata:
  name: guarded
spec:
  type: LoadBalancer
  ports:
  - port: 80
    targetPort: 8080
  selector:
    app: kubia
  loadBalancerSourceRanges: [198.51.100.128/25]
---
apiVersion: v1
kind: Service
metadata:
  name: empty
spec:
  ports:
  - port: 80
  selector:
    app: nothing
END
guarded=$(service_lb_ip guarded)
empty=$(service_ip empty)

watched -- on client curl -s --max-time 1 "http://$guarded"
check 'a drop, with its reason' events \
	"length > 0 and all(.type == \"drop\" and .reason == \"source_range\" and .hook == \"xdp\" and
	.device == \"eth0\" and (.client | startswith(\"192.0.2.10:\")) and
	.frontend == \"$guarded:80\" and .bytes > 50 and .time > 1.7e9)"
watched -- on bare curl -s --max-time 1 "http://$empty"
check 'a rejected packet of a pod' events \
	"length == 1 and .[0].type == \"reject\" and .[0].reason == \"no_backend\" and
	.[0].hook == \"tc\" and .[0].frontend == \"$empty:80\""
watched -- on curl curl -s --max-time 1 "http://$empty"
check 'a refused socket' events \
	"length == 1 and .[0].type == \"reject\" and .[0].hook == \"socket\" and .[0].client == null"
watched -- on client curl -s http://192.0.2.1:30123
check 'no flows unless asked' events 'length == 0'
watched --type flow -- on client curl -s http://192.0.2.1:30123
check 'a new flow, once, with its backend' events \
	'length == 1 and .[0].type == "flow" and .[0].frontend == "192.0.2.1:30123" and
	(.[0].backend | startswith("172.17."))'
watched --service guarded -- bash -c "'$STAGE/bin/client' curl -s --max-time 1 http://$guarded
	'$STAGE/bin/bare' curl -s --max-time 1 http://$empty"
check 'one service alone' events "length > 0 and all(.frontend == \"$guarded:80\")"
watched --client 192.0.2.0/24 -- on bare curl -s --max-time 1 "http://$empty"
check 'one network of clients alone' events 'length == 0'
watched --reason no_port -- on client curl -s --max-time 1 "http://$guarded"
check 'one reason alone' events 'length == 0'

flood() {
	local pids=()
	for ((i = 0; i < 40; i++)); do
		on client curl -s --max-time 0.1 "http://$guarded" &
		pids+=($!)
	done
	wait "${pids[@]}"
}
watched --rate 3 -- flood
check 'a limit, and what was left out' events \
	'([.[] | select(.type)] | length) <= 30 and ([.[].lost // 0] | add) > 0'

"$STAGE/bin/node1" lbctl monitor >"$STAGE/text" &
first=$!
stage_eventually 5 looked_at
check 'one observer at a time' status 1 on node1 lbctl monitor
on client curl -s --max-time 1 "http://$guarded" >/dev/null || true
check 'as text' stage_eventually 3 grep -qE \
	"drop +xdp +eth0 +TCP 192.0.2.10:[0-9]+ > $guarded:80: source_range: the client is outside" \
	"$STAGE/text"
kill -KILL $first
wait $first 2>/dev/null || true
check 'an observer that was killed is followed by another' bash -c \
	"timeout -s TERM 1 '$STAGE/bin/node1' lbctl monitor || test \$? = 124"
check 'afterwards nobody looks' fails looked_at
check 'a reason that is none' status 2 on node1 lbctl monitor --reason weather
check 'a type that is none' status 2 on node1 lbctl monitor --type packet
check 'a service that is none' status 1 on node1 lbctl monitor --service nowhere
checks_done
