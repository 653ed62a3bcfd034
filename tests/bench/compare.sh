#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The packet benchmark of this tree beside that of another revision, turn by turn.
#
#	BASE=REVISION tests/bench/compare.sh [TURNS]
#
# Exits with 3 when a program grew or a ratio got worse; see bench_compare.c.
set -euo pipefail

[ -n "${BASE:-}" ] || { echo 'which revision? make bench-compare BASE=main' >&2; exit 2; }
turns=${1:-3}
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'git -C "$here" worktree remove --force "$work/base" 2>/dev/null; rm -rf "$work"' EXIT

git -C "$here" worktree add -q --detach "$work/base" "$BASE"
make -s -C "$work/base" -j"$(nproc)" build/tests/bench/bench >&2
usage=$("$work/base/build/tests/bench/bench" --help 2>&1 || true)
case $usage in
*--short*) ;;
*)
	echo "the benchmark of $BASE has no short form to compare with" >&2
	exit 1
	;;
esac
for turn in $(seq "$turns"); do
	for side in base run; do
		tree=$here
		[ $side = run ] || tree=$work/base
		"$tree/build/tests/bench/bench" --short --rounds 7 --json "$work/$side-$turn.json" >/dev/null
	done
done
"$here/build/tests/bench/bench_compare" "$work"/base-*.json -- "$work"/run-*.json
