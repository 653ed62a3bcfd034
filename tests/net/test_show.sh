#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lbctl show: every kind, every filter, rates, a watch; and a full flow table in little memory.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

show() {
	on node1 lbctl show "$@"
}

shows() {
	local filter=$1
	shift
	json "$filter" show "$@" -o json
}

stage_cluster
on node1 lbctl apply -f kubia/kubia-svc.yaml -f kubia/kubia-svc-nodeport.yaml >/dev/null
stage_editor client-ip 's/sessionAffinity: None/sessionAffinity: ClientIP/'
on node1 env EDITOR="$STAGE/bin/client-ip" lbctl edit svc kubia >/dev/null
ip=$(service_ip kubia)
ASKED=40 # of three pods none is left out by chance
for ((i = 0; i < ASKED; i++)); do
	on client curl -sS http://192.0.2.1:30123
	on bare curl -sS "http://$ip"
done >/dev/null

check 'svc: all' shows 'map(.name) == ["kubia", "kubia-nodeport"]' svc -n default
check 'svc: by name' shows 'map(.name) == ["kubia"]' svc kubia
check 'svc: by --service' shows 'map(.name) == ["kubia-nodeport"]' svc --service default/kubia-nodeport:80
check 'svc: another port' shows '. == []' svc kubia:81
check 'svc: another namespace' shows '. == []' svc -n shop
check 'endpoints: by name and address' shows 'length == 1 and .[0].name == "kubia"' \
	endpoints kubia --backend 172.17.1.9:8080
check 'endpoints: active' shows 'length == 6' ep --state active -n default
check 'endpoints: none draining' shows '. == []' ep --state draining
check 'flows: closed ones of the client' shows \
	"length == $ASKED and all(.client | startswith(\"192.0.2.10:\"))" \
	flows --client 192.0.2.10 --state closed
check 'flows: by name' shows "length == $ASKED and all(.service == \"default/kubia:80\")" flows kubia
check 'flows: by backend' shows 'length > 0 and all(.backend == "172.17.1.9:8080")' \
	flows --backend 172.17.1.9
check 'affinity: the client of kubia' shows \
	'length == 1 and .[0].client == "172.17.0.21" and .[0].current' affinity
check 'affinity: by client' shows '. == []' affinity --client 172.17.0.20
check 'maglev: the spread is even' shows \
	'length == 2 and all(.slots == ([.backends[].slots] | add) and .most - .least <= 2 and
	(.backends | length) == 3)' maglev -n default
check 'nat: remote pod by the node port' shows \
	'length == 1 and .[0].backend == "172.17.1.9:8080" and .[0].masquerade == "192.0.2.1" and
	.[0].ports > 0 and .[0].of == 20000' nat kubia-nodeport
check 'dns: the name of kubia' stage_eventually 5 shows \
	"any(.record == \"kubia.default.svc.cluster.local.\" and .addresses == [\"$ip\"])" dns
check 'a state that is none' status 2 show flows --state open
check 'an address that is none' status 2 show flows --client 1.2.3
check 'rates of flows' status 2 show flows --rate
check 'flows as YAML' prints '^- backend: "?172.17' show flows -o yaml

# The plan of a change has what changes, and nothing else.
plan_is() {
	local want=$1 got
	shift
	got=$("$@" | grep -E '^[-+~] (service|backend|table|frontend|source)' | cut -d' ' -f1,2 | sort | uniq -c |
		sed 's/^ *//' | paste -sd,) || true
	[ "$got" = "$want" ] || {
		echo "$got"
		return 1
	}
}
check 'diff: nothing changes' status 0 on node1 lbctl diff -f kubia/kubia-svc-nodeport.yaml
check 'apply --dry-run: the map operations of a new Service' \
	plan_is '3 + backend,6 + frontend,1 + service,1 + table' \
	on node1 lbctl apply --dry-run=client -f kubia/kubia-svc-loadbalancer.yaml
check 'diff: the same' plan_is '3 + backend,6 + frontend,1 + service,1 + table' \
	on node1 lbctl diff -f kubia/kubia-svc-loadbalancer.yaml
check '… and nothing was done' shows '. == []' svc kubia-loadbalancer

rates() {
	for ((i = 0; i < 60; i++)); do
		on client curl -sS http://192.0.2.1:30123 || true
		sleep 0.05
	done >/dev/null 2>&1 &
	local load=$!
	shows 'length == 1 and .[0].packetsPerSecond > 0 and .[0].connectionsPerSecond > 0 and
		.[0].connectionsPerSecond < .[0].connections + 1' svc kubia-nodeport --rate
	local result=$?
	wait $load
	return $result
}
check 'rates' rates

watch() {
	timeout 4 "$STAGE/bin/node1" lbctl show svc -w >"$STAGE/watch" &
	local watcher=$!
	sleep 1.5
	on client curl -sS http://192.0.2.1:30123 >/dev/null
	wait $watcher || true
	[ "$(grep -c kubia-nodeport "$STAGE/watch")" -ge 2 ] &&
		[ "$(grep -c ' kubia ' "$STAGE/watch")" = 1 ] &&
		[ "$(grep -c NAMESPACE "$STAGE/watch")" = 1 ]
}
check 'a watch shows what changes, and nothing else' watch

# Older ones may expire meanwhile.
watch_flows() {
	local port
	timeout 5 "$STAGE/bin/node1" lbctl show flows --client 192.0.2.10 --state closed -w \
		>"$STAGE/watch" &
	local watcher=$!
	sleep 1.5
	port=$(on client curl -sS -o /dev/null -w '%{local_port}' http://192.0.2.1:30123)
	wait $watcher || true
	[ "$(grep -c " closed .* 192.0.2.10:$port " "$STAGE/watch")" = 1 ] &&
		[ "$(grep -c ' closed ' "$STAGE/watch")" -gt 1 ] &&
		[ -z "$(awk '{ print $3 }' "$STAGE/watch" | sort | uniq -d)" ] &&
		[ "$(grep -c PROTOCOL "$STAGE/watch")" = 1 ]
}
check 'a watch of flows shows each once' watch_flows

on node1 lbctl apply -f - >/dev/null <<'END'
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
empty=$(service_ip empty)
refuse() {
	for ((i = 0; i < 60; i++)); do
		on bare curl -s "http://$empty" || true
		on curl curl -s "http://$empty" || true
	done
}
on bare curl -s "http://$empty" || true
on curl curl -s "http://$empty" || true
check 'svc: what was refused, packets and sockets' shows 'length == 1 and .[0].drops == 2' svc empty --rate

# A terminal of its own, whose screen can be read: COLUMNS ROWS.
top_open() {
	tmux -L "$STAGE_ID" -f /dev/null new-session -d -x "$1" -y "$2" \
		"'$STAGE/bin/node1' lbctl top; echo status \$? >'$STAGE/top'; sleep 60"
}

top_shows() {
	tmux -L "$STAGE_ID" capture-pane -p | grep -qE -- "$1"
}

# No line of the screen is longer than it, and the title is there once.
top_is_clean() {
	[ "$(tmux -L "$STAGE_ID" capture-pane -p | grep -c 'a second:')" = 1 ]
}

top_on_terminal() {
	top_open 100 20
	check 'top: services' stage_eventually 5 top_shows '^default/kubia-nodeport:80 +[0-9]'
	tmux -L "$STAGE_ID" send-keys s s s s
	check 'top: s sorts' stage_eventually 5 top_shows 'sorted by name'
	tmux -L "$STAGE_ID" send-keys Down Enter
	check 'top: enter shows backends' stage_eventually 5 top_shows '^172.17.1.9:8080 active'
	tmux -L "$STAGE_ID" resize-window -x 60 -y 10
	check 'top: it follows the size' stage_eventually 5 top_is_clean
	check 'top: still there' top_shows '^172.17.0.7:8080'
	tmux -L "$STAGE_ID" send-keys Left
	check 'top: left goes back' stage_eventually 5 top_shows '^default/kubia:80'
	tmux -L "$STAGE_ID" send-keys Down Down Right
	check 'top: down and right: the third one' stage_eventually 5 top_shows '^default/kubia-nodeport:80  a sec'
	tmux -L "$STAGE_ID" resize-window -x 100 -y 20
	tmux -L "$STAGE_ID" send-keys Enter S
	check 'top: enter goes back, S sorts the other way' stage_eventually 5 top_shows 'sorted by drops'
	refuse &
	check 'top: drops a second' stage_eventually 8 top_shows '^default/empty:80 +0 +0 +0 +[1-9]'
	wait
	tmux -L "$STAGE_ID" send-keys q
	check 'top: q quits' stage_eventually 5 grep -q 'status 0' "$STAGE/top"
	tmux -L "$STAGE_ID" kill-server
}
check 'top: plain' prints '^default/kubia-nodeport:80 +[0-9]+ +[0-9]+' on node1 lbctl top
top_on_terminal

# Resident memory, in kilobytes, while all flows are listed; the mapped table is not counted.
lean() {
	local format=$1 peak
	on node1 lbctl show flows -o "$format" >"$STAGE/flows.out" &
	local pid=$! now
	peak=0
	while [ -e /proc/$pid/smaps_rollup ]; do
		now=$(awk '/^Anonymous/ { print $2 }' /proc/$pid/smaps_rollup 2>/dev/null) || break
		[ "${now:-0}" -le $peak ] || peak=$now
		sleep 0.05
	done
	wait $pid
	[ $peak -gt 0 ] && [ $peak -lt 100000 ] || {
		echo "$peak kB"
		return 1
	}
}
# The table is made anew, for a million.
agent_kill node1
on node1 lbctl detach --all >/dev/null
echo 'flows: 1048576' >>"$STAGE/node1/config.yaml"
stage_attach >/dev/null
agent_start node1
on client curl -sS http://192.0.2.1:30123 >/dev/null
flows=$("$STAGE_TOOLS/flowfill" "$STAGE/node1/bpf/v2/lb_flow4")
check 'a table of a million flows' test "$flows" -gt 1000000
check 'a million flows are listed in little memory' lean json
check '… all of them' test "$(grep -o '"protocol"' "$STAGE/flows.out" | wc -l)" -gt 1000000
check '… as one list' test "$(head -c 1 "$STAGE/flows.out")$(tail -c 2 "$STAGE/flows.out" | tr -d '\n')" = '[]'
check '… and as a table' lean wide
check '… and filtered' shows 'length == 1' flows --client 11.0.1.1
checks_done
