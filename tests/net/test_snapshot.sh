#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lbctl snapshot and replay: a node's fault is found on another machine, and no secret goes there.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

# elsewhere COMMAND...: on a host of no node, below a root of its own.
elsewhere() {
	on client env LBCTL_ROOT="$STAGE/elsewhere" lbctl "$@"
}

stage_cluster
on node1 lbctl apply -f kubia/kubia-svc-nodeport.yaml -f kubia/kubia-svc.yaml >/dev/null
on node1 lbctl create secret generic quiet --from-literal=password=hidden-word >/dev/null 2>&1 ||
	on node1 lbctl apply -f - >/dev/null <<'END'
apiVersion: v1
kind: Secret
metadata:
  name: quiet
stringData:
  password: hidden-word
END
on node1 lbctl apply -f - >/dev/null <<'END'
apiVersion: v1
kind: Service
metadata:
  name: nobody
spec:
  ports:
  - port: 80
  selector:
    app: kubio
END
on node1 lbctl get pod kubia-4h2mx -o json |
	jq '.spec.containers[0].readinessProbe =
		{tcpSocket: {port: 8098}, periodSeconds: 1, failureThreshold: 1}' |
	on node1 lbctl apply -f - >/dev/null
stage_eventually 10 prints 'kubia-4h2mx +0/1' on node1 lbctl get pods

record=$STAGE/node1.jsonl
: >"$record"
chmod 644 "$record"
check 'save' prints '^[0-9]+ objects of node1 saved' on node1 lbctl snapshot save "$record"
check "the file is its owner's" test "$(stat -c %a "$record")" = 600
check 'one JSON object a line, a header first' jq -es \
	'.[0].lbctl == "record" and .[0].version == 1 and
	.[0].configuration.nodeName == "node1" and
	(.[0].configuration.nodeAddresses | index("192.0.2.1")) and
	(.[1:] | all(has("object") or has("journal")))' "$record"
check 'no secret in it' fails grep -qE 'hidden-word|aGlkZGVuLXdvcmQ' "$record"
check '… but that there is one' grep -q '"name":"quiet"' "$record"
check 'something else than save' status 2 on node1 lbctl snapshot load "$record"
check 'a place that is none' status 1 on node1 lbctl snapshot save /nowhere/at/all

check 'not over an instance that lives' status 1 on node1 lbctl replay "$record"
check 'not without a place' status 1 on client env -u LBCTL_ROOT lbctl replay "$record"
sed 's/"version":1/"version":9/' "$record" >"$STAGE/later"
check 'not of a later version' status 1 elsewhere replay "$STAGE/later"
head -c -20 "$record" >"$STAGE/broken"
check 'not what broke off' status 1 elsewhere replay "$STAGE/broken"
check '… of which nothing is left behind' test ! -e "$STAGE/elsewhere"

# As a watch would have told them, later.
jq -c 'select(.object.metadata.name == "kubia") | {event: "DELETED", time: "2026-01-02T03:04:05.678Z", object}' \
	"$record" >>"$record"
check 'replay' prints '^[0-9]+ objects of node1, as of .*, and 1 events later' \
	elsewhere replay "$record"
check 'not twice' status 1 elsewhere replay "$record"
check 'get' prints '^kubia-nodeport +NodePort' elsewhere get svc
check 'the event took effect' fails elsewhere get svc kubia
check 'describe' prints '^Selector: +app=kubia$' elsewhere describe svc kubia-nodeport
check 'what the probe found' prints 'kubia-4h2mx +0/1' elsewhere get pods
check 'explain: the addresses of the node' prints '172\.17\.' \
	elsewhere explain tcp 192.0.2.1:30123 --from 192.0.2.10
check 'diff' status 3 elsewhere diff -f kubia/kubia-svc.yaml
found() {
	elsewhere doctor svc nobody -o json >"$STAGE/found" || true
	jq -e 'any(.[]; .check == "selector" and .level == "bad" and (.text | test("app=kubio")))' \
		"$STAGE/found" >/dev/null
}
check 'doctor finds the fault' found
check '… and does not take this machine for that one' jq -e \
	'all(.[]; .check | IN("forwarding", "agent", "attached", "target") | not)' "$STAGE/found"
check '… which it says' prints '^Node node1 was recorded' bash -c \
	"'$STAGE/bin/client' env LBCTL_ROOT='$STAGE/elsewhere' lbctl doctor || true"
checks_done
