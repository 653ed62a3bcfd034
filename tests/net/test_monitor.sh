#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lbctl monitor: what it tells of, what it leaves out, packets as tshark reads them, and that a flood
# of drops does not cost much.
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
	[ "$(bpftool -j map lookup pinned "$STAGE/node1/bpf/v2/lb_monitor" key 0 0 0 0 |
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

watched --type affinity -- bash -c "'$STAGE/bin/client' curl -s http://192.0.2.1:30123"
check 'no affinity, no event' events 'length == 0'
stage_editor client-ip 's/sessionAffinity: None/sessionAffinity: ClientIP/'
on node1 env EDITOR="$STAGE/bin/client-ip" lbctl edit svc kubia-nodeport >/dev/null
watched --type affinity -- bash -c "for i in 1 2; do '$STAGE/bin/client' curl -s http://192.0.2.1:30123; done"
check 'affinity: new, then kept' events \
	'map(.type) == ["affinity", "affinity"] and map(.affinity) == ["new", "kept"] and
	.[0].backend == .[1].backend'
stage_editor short 's/timeoutSeconds: 10800/timeoutSeconds: 1/'
on node1 env EDITOR="$STAGE/bin/short" lbctl edit svc kubia-nodeport >/dev/null
sleep 2.2
watched --type flow -- on client curl -s http://192.0.2.1:30123
check 'affinity: expired, told with the flow' events \
	'map(.type) == ["flow"] and .[0].affinity == "expired"'
on node1 lbctl apply -f - >/dev/null <<'END'
apiVersion: v1
kind: Service
metadata:
  name: far
spec:
  type: NodePort
  ports:
  - port: 80
    nodePort: 30200
---
apiVersion: v1
kind: Endpoints
metadata:
  name: far
subsets:
- addresses:
  - ip: 172.17.1.9
  ports:
  - port: 8080
END
far() {
	on node1 ip neigh flush dev eth0
	on client curl -s http://192.0.2.1:30200
}
watched --type neighbour -- far
check 'a neighbour that is not known yet' events \
	'length > 0 and all(.type == "neighbour" and .neighbourUnknown and
	.backend == "172.17.1.9:8080")'
watched --type dns -- on bare host -t A kubia-nodeport.default.svc.cluster.local 10.96.0.10
check 'a question that the programs answered' events \
	'length == 1 and .[0].type == "dns" and .[0].reason == "name" and
	.[0].frontend == "10.96.0.10:53" and (.[0].client | startswith("172.17.0."))'

# One port towards a backend elsewhere, and it is in use.
crowd() {
	on client bash -c 'exec 3<>/dev/tcp/192.0.2.1/30200 && sleep 1.5' &
	sleep 0.5
	on client curl -s --max-time 0.5 http://192.0.2.1:30200
	wait $!
}
echo 'snatPorts: 10000-10000' >>"$STAGE/node1/config.yaml"
on node1 lbctl attach eth0 >/dev/null
watched -- crowd
check 'no port left' events \
	'length > 0 and all(.type == "drop" and .reason == "no_port" and .frontend == "192.0.2.1:30200")'

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

# captured OPTION... -- COMMAND...: the packets of what the command does, in $STAGE/pcapng, and
# what tshark reads there in $STAGE/events.
captured() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	"$STAGE/bin/node1" lbctl monitor --pcap "$STAGE/pcapng" "${options[@]}" 2>"$STAGE/told" &
	local observer=$!
	stage_eventually 5 looked_at
	"$@" >/dev/null 2>&1 || true
	sleep 0.5
	kill -TERM $observer
	wait $observer
	tshark -r "$STAGE/pcapng" -T ek -o tcp.check_checksum:TRUE -e frame.interface_name \
		-e frame.interface_description -e frame.comment -e frame.packet_id -e frame.time_epoch \
		-e frame.verdict.ebpf_xdp -e ip.src -e ip.dst -e tcp.dstport -e tcp.flags.reset \
		-e tcp.checksum.status -e icmp.type -e http.request.method 2>"$STAGE/tshark" |
		jq -c 'select(.layers) | .layers | map_values(first)' >"$STAGE/events"
}

backends='["172.17.0.7", "172.17.0.8", "172.17.1.9"]'
captured -- on client curl -s http://192.0.2.1:30123
check 'packets: of XDP, before and after' events \
	"[.[] | select(.frame_interface_description == \"XDP, before lbctl\")] as \$before |
	(\$before | length) > 3 and all(\$before[]; .frame_interface_name == \"eth0\" and
	(.frame_comment | startswith(\"before: \")))"
check 'packets: the first one is told as a new flow' events \
	'.[0].frame_comment | test("^before: new flow, affinity; (up the stack|sent back out|sent to a device)$")'
check 'packets: the request leaves for a pod' events \
	"[.[] | select(.http_request_method == \"GET\")] | .[0].ip_dst == \"192.0.2.1\" and
	(.[1].ip_dst | IN(${backends}[])) and .[0].frame_packet_id == .[1].frame_packet_id and
	.[1].tcp_dstport == \"8080\" and (.[1].frame_comment | startswith(\"after: known flow\"))"
check 'packets: checksums are right afterwards' events 'all(.tcp_checksum_status == "1")'
check 'packets: nanoseconds of today' events \
	"all((.frame_time_epoch | tostring | test(\"[0-9]{9}\")) )"
check 'packets: the file is its owner'"'"'s' test "$(stat -c %a "$STAGE/pcapng")" = 600
check 'packets: Wireshark is told of nanoseconds' prints 'Time precision = nanoseconds' \
	capinfos -I "$STAGE/pcapng"
captured -- on client curl -s --max-time 1 "http://$guarded"
check 'packets: a drop, with its reason' events \
	"length > 0 and all(.ip_dst == \"$guarded\" and .frame_verdict_ebpf_xdp == \"1\" and
	(.frame_comment | test(\"^before: dropped: source_range: .* outside .*; dropped\")))"
captured -- on bare curl -s --max-time 1 "http://$empty"
check 'packets: of TC, a refusal and its answer' events \
	"length == 2 and .[0].frame_interface_description == \"TC ingress, before lbctl\" and
	(.[0].frame_comment | startswith(\"before: refused: no_backend: \")) and
	.[1].ip_src == \"$empty\" and (.[1].tcp_flags_reset | IN(true, \"1\", \"True\"))"
pinged() {
	on bare talk ping "$(service_ip kubia-nodeport)" --timeout 500 <<<hello
}
captured -- pinged
check 'packets: ping' events \
	'[.[] | select(.icmp_type)] | map(.icmp_type) == ["8", "0"] and
	.[1].frame_comment == "after: ICMP; sent to a device"'
captured --type reject -- bash -c "'$STAGE/bin/client' curl -s http://192.0.2.1:30123
	'$STAGE/bin/bare' curl -s --max-time 1 http://$empty"
check 'packets: of one type' events 'length == 2 and all(.frame_comment | test("refused"))'
captured --service default/guarded -- bash -c "'$STAGE/bin/client' curl -s --max-time 1 http://$guarded
	'$STAGE/bin/client' curl -s http://192.0.2.1:30123"
check 'packets: of one service' events "length > 0 and all(.ip_dst == \"$guarded\")"
captured --service kubia-nodeport --client 192.0.2.10 -- bash -c "'$STAGE/bin/client' curl -s http://192.0.2.1:30123
	'$STAGE/bin/bare' curl -s http://192.0.2.1:30123"
check 'packets: of one client, both directions' events \
	'any(.ip_src == "192.0.2.10") and any(.ip_dst == "192.0.2.10") and
	all(.ip_src == "192.0.2.10" or .ip_dst == "192.0.2.10" or
		(.frame_comment | startswith("after")) or (.ip_src | startswith("172.17.1.")))'
captured --rate 3 -- flood
check 'packets: a limit' prints 'more were left out' cat "$STAGE/told"
check 'packets: … which holds' events 'length <= 60'
piped() {
	timeout 3 "$STAGE/bin/node1" lbctl monitor --pcap - 2>/dev/null |
		tshark -r - -T fields -e frame.comment >"$STAGE/piped" 2>/dev/null &
	stage_eventually 5 looked_at
	on client curl -s http://192.0.2.1:30123 >/dev/null
	wait $!
	grep -q '^before: new flow' "$STAGE/piped"
}
check 'packets: into a pipe' piped
check 'packets are no JSON' status 2 on node1 lbctl monitor --pcap - -o json
check 'a file that cannot be written' status 1 on node1 lbctl monitor --pcap /nowhere/at/all

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
"$STAGE/bin/node1" lbctl monitor --pcap "$STAGE/pcapng" 2>/dev/null &
first=$!
stage_eventually 5 looked_at
kill -KILL $first
{ wait $first || true; } 2>/dev/null
still_watched() {
	on client curl -s http://192.0.2.1:30123 >/dev/null
	! bpftool map lookup pinned "$STAGE/node1/bpf/v2/lb_watch" key 0 0 0 0 |
		grep -q '"lb_watch": 0'
}
check 'who looked at packets and was killed is remembered for a moment' still_watched
sleep 5.2
still_watched || true
check '… and forgotten by the programs' fails still_watched
check 'a reason that is none' status 2 on node1 lbctl monitor --reason weather
check 'a type that is none' status 2 on node1 lbctl monitor --type packet
check 'a service that is none' status 1 on node1 lbctl monitor --service nowhere
checks_done
