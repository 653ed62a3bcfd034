#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The version, and what the kernel is found to do.
set -euo pipefail
cd "$(dirname "$0")/../../.."
. tests/net/check.sh

version() {
	build/lbctl version "$@"
}

# feature NAME VALUE JSON: found is VALUE.
feature() {
	json ".features[] | select(.name == \"$1\") | .found == $2" cat "$3"
}

OUT=$(mktemp)
trap 'rm -f "$OUT"' EXIT
check 'the first line is the version' prints '^lbctl [0-9a-f]+' version
check 'the kernel' prints "^Linux $(uname -r) $(uname -m)$" version
check 'as data' json '.version and .date and .kernel and (.features | length > 10)' version -o json
check 'as YAML' prints '^kernel: ' version -o yaml
version -o json >"$OUT"
# The other tests run here: what cannot be done without is there.
check 'this kernel has what lbctl needs' json \
	'all(.features[] | select(.without == null); .found == true)' cat "$OUT"
# tcx came with Linux 6.6; here, found by trying and by the number are compared.
read -r major minor _ < <(uname -r | tr . " ")
if ((major * 1000 + minor >= 6006)); then
	check "tcx" feature tcx true "$OUT"
else
	check "no tcx" feature tcx false "$OUT"
fi
# shellcheck disable=SC2016 # the shell inside reads it
unshare -m sh -c 'mount -t tmpfs none /sys && exec "$0" version -o json' build/lbctl >"$OUT"
check 'a kernel that does not tell its types' feature btf false "$OUT"
check 'and cannot find sockets without them' feature file-iterator false "$OUT"
check 'but has rings' feature ring-buffer true "$OUT"
setpriv --reuid 65534 --clear-groups --bounding-set=-all --inh-caps=-all \
	build/lbctl version -o json >"$OUT"
check 'who may not try does not know' json 'all(.features[]; .found == null)' cat "$OUT"
check 'and is told why' prints 'found by trying: .*: Operation not permitted' \
	setpriv --reuid 65534 --clear-groups --bounding-set=-all --inh-caps=-all build/lbctl version
checks_done
