#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Broken manifests on the command line: a message that names file, line and field, exit status 1, and
# nothing applied. The unit tests have many more of them.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

objects() {
	on node1 lbctl get svc -A -o json | jq '.items | length'
}

# refused NAME FILE PATTERN: and the state stays as it was.
refused() {
	local name=$1 file=$2 pattern=$3 before output status=0
	before=$(objects)
	output=$(on node1 lbctl apply -f "$file" 2>&1) || status=$?
	check "$name: exit status 1" test "$status" = 1
	check "$name: the message" grep -qE -- "$pattern" <<<"$output"
	check "$name: nothing applied" test "$(objects)" = "$before"
}

manifest() {
	cat >"$STAGE/bad/$1.yaml"
}

stage_cluster
mkdir "$STAGE/bad"

manifest 1-good <<'END'
apiVersion: v1
kind: Service
metadata:
  name: good
spec:
  ports:
  - port: 80
END
manifest port <<'END'
apiVersion: v1
kind: Service
metadata:
  name: bad
spec:
  ports:
  - port: 70000
END
refused 'a port out of range' "$STAGE/bad/port.yaml" 'port\.yaml:7: spec\.ports\[0\]\.port: .*70000'
refused 'a directory with one bad file' "$STAGE/bad" 'port\.yaml:7: spec\.ports\[0\]\.port'

printf 'apiVersion: v1\nkind: Service\nmetadata:\n\tname: tabs\n' | manifest tabs
refused 'tabs' "$STAGE/bad/tabs.yaml" 'tabs\.yaml:4: '

head -c 60 "$STAGE/bad/port.yaml" | manifest cut
refused 'a file cut short' "$STAGE/bad/cut.yaml" 'cut\.yaml:[0-9]+: '

printf 'apiVersion: v1\nkind: Service\nmetadata:\n  name: "\xff\xfe"\n' | manifest utf8
refused 'not UTF-8' "$STAGE/bad/utf8.yaml" 'utf8\.yaml:[0-9]+: '

manifest cycle <<'END'
apiVersion: v1
kind: Service
metadata: &loop
  name: cycle
  labels: *loop
END
refused 'an anchor in itself' "$STAGE/bad/cycle.yaml" 'cycle\.yaml:[0-9]+: '

manifest kind <<'END'
apiVersion: apps/v1
kind: Deployment
metadata:
  name: unserved
END
refused 'a kind that is not served' "$STAGE/bad/kind.yaml" 'Deployment'

manifest second <<'END'
apiVersion: v1
kind: Service
metadata:
  name: first
spec:
  ports:
  - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: second
spec:
  ports:
  - port: eighty
END
refused 'a bad second document' "$STAGE/bad/second.yaml" \
	'second\.yaml:15: spec\.ports\[0\]\.port: '

refused 'no such file' "$STAGE/bad/none.yaml" 'none\.yaml: '
check 'no arguments: usage' status 2 on node1 lbctl apply
check 'an unknown command: usage' status 2 on node1 lbctl aply
checks_done
