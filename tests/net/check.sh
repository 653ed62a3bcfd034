# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Asserted steps for the scenario files. Each file ends with checks_done, which prints
# "N passed, N failed" and gives the exit status.

CHECKS_PASSED=0
CHECKS_FAILED=0

# check NAME COMMAND...: one step; it passes when the command succeeds.
check() {
	local name=$1 output status=0
	shift
	output=$("$@" 2>&1) || status=$?
	if [ $status = 0 ]; then
		CHECKS_PASSED=$((CHECKS_PASSED + 1))
		[ "${V:-0}" != 1 ] || echo "ok    $name"
		return 0
	fi
	CHECKS_FAILED=$((CHECKS_FAILED + 1))
	echo "FAIL  $name"
	echo "      $ $*"
	[ -z "$output" ] || head -c 4000 <<<"$output" | sed 's/^/      /'
}

checks_done() {
	echo "$CHECKS_PASSED passed, $CHECKS_FAILED failed"
	[ "$CHECKS_FAILED" = 0 ] && [ "$CHECKS_PASSED" != 0 ]
}

# ------------------------------------------------------- what to assert --

fails() {
	! "$@"
}

# status N COMMAND...: it exits with N.
status() {
	local want=$1 got=0
	shift
	"$@" || got=$?
	[ $got = "$want" ] || {
		echo "exit status $got, expected $want"
		return 1
	}
}

# prints PATTERN COMMAND...: it succeeds, and a line of its output matches the extended regex.
prints() {
	local pattern=$1 output
	shift
	output=$("$@" 2>&1) || {
		echo "$output"
		return 1
	}
	grep -qE -- "$pattern" <<<"$output" || {
		printf 'no line matches: %s\n%s\n' "$pattern" "$output"
		return 1
	}
}

# json FILTER COMMAND...: it succeeds and prints JSON for which jq's FILTER is true.
json() {
	local filter=$1 output
	shift
	output=$("$@") || {
		echo "$output"
		return 1
	}
	jq -e "$filter" >/dev/null <<<"$output" || {
		printf 'not true: %s\n%s\n' "$filter" "$output"
		return 1
	}
}

# The different pods that N curls of a URL reach, sorted: pods_hit N HOST URL [CURL-OPTION...]
pods_hit() {
	local n=$1 host=$2
	shift 2
	for ((i = 0; i < n; i++)); do
		on "$host" curl -sS --max-time 3 "$@" || return 1
	done | sed "s/^You've hit //" | sort -u | tr '\n' ' '
}

# hits "POD..." N HOST URL...: N curls reach all of these pods and no others.
hits() {
	local want=$1 got
	shift
	want=$(tr ' ' '\n' <<<"$want" | sort -u | tr '\n' ' ')
	got=$(pods_hit "$@") || {
		echo "$got"
		return 1
	}
	[ "$got" = "$want" ] || {
		echo "hit: $got"
		return 1
	}
}

# load HOST loadgen's arguments...: no connection fails.
load() {
	local host=$1
	shift
	json '.failed == 0 and .ok > 0' on "$host" loadgen "$@"
}

# Like load, and the answers are evenly spread at the 1 % level. An even spreader fails that one
# time of 100: a second, fresh sample decides then.
load_even() {
	local host=$1
	shift
	json '.failed == 0 and .chi2 < .limit' on "$host" loadgen "$@" ||
		json '.failed == 0 and .chi2 < .limit' on "$host" loadgen "$@"
}
