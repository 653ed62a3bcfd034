#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Colours are for terminals, and not for those who set NO_COLOR (https://no-color.org): every command
# of the table, into a file and on a terminal of script(1).
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh

# What to type for each command, and how it ends. Those that go on are stopped by timeout.
declare -A LINES=(
	[agent]='agent --check-config'
	[apply]='apply -f kubia/kubia-svc.yaml'
	[attach]='attach none0'
	[completion]='completion bash'
	[create]='create -f kubia/kubia-svc-headless.yaml'
	[delete]='delete svc kubia-headless'
	[describe]='describe svc kubia'
	[detach]='detach none0'
	[diff]='diff -f kubia/kubia-svc-nodeport.yaml'
	[dns]='dns kubia'
	[doctor]='doctor svc kubia'
	[edit]='edit svc kubia'
	[env]='env'
	[explain]='explain tcp 10.96.0.1:80'
	[expose]='expose pod kubia-4h2mx --port 80 --name exposed --dry-run'
	[get]='get all -A -o wide'
	[help]='help get'
	[manual]='manual get'
	[monitor]='monitor'
	[show]='show svc'
	[top]='top'
	[verify]='verify'
	[version]='version'
)

# A line of its own to type, for commands that others add to the table: their help.
line_of() {
	echo "${LINES[$1]:-$1 --help}"
}

# Those that go on until they are stopped.
patience() {
	case $1 in
	monitor | top) echo 1.5 ;;
	*) echo 30 ;;
	esac
}

# into_file COMMAND: nothing but text.
into_file() {
	local escape=$'\e'
	# shellcheck disable=SC2046 # words
	on node1 env EDITOR=true TERM=xterm-256color timeout -s INT "$(patience "$1")" \
		lbctl $(line_of "$1") \
		>"$STAGE/out" 2>"$STAGE/err" </dev/null || true
	cat "$STAGE/err" >>"$STAGE/out"
	[ -s "$STAGE/out" ] || [ "$1" = monitor ] || {
		echo "it prints nothing"
		return 1
	}
	! grep -n "$escape" "$STAGE/out"
}

# on_terminal COMMAND [VARIABLE...]: its output with everything that steers the terminal.
on_terminal() {
	local command=$1
	shift
	on node1 env EDITOR=true TERM=xterm-256color "$@" timeout -s INT "$(patience "$command")" \
		script -qefc "lbctl $(line_of "$command")" /dev/null </dev/null >"$STAGE/out" 2>&1 || true
}

# 30 to 38, 40 to 48, 90 to 97, 100 to 107, by themselves or among others.
COLOUR=$'\e''\[([0-9]*;)*(3[0-8]|4[0-8]|9[0-7]|10[0-7])(;[0-9]*)*m'

plain_where_asked() {
	on_terminal "$1" NO_COLOR=1
	! grep -nE "$COLOUR" "$STAGE/out"
}

# An empty NO_COLOR is none.
coloured() {
	on_terminal "$@"
	grep -qE "$COLOUR" "$STAGE/out"
}

stage_cluster
on node1 lbctl apply -f kubia/kubia-svc.yaml >/dev/null
mapfile -t commands < <(on node1 lbctl completion candidates -- '' | cut -f 1)
for command in "${commands[@]}"; do
	check "$command into a file" into_file "$command"
	check "$command on a terminal, NO_COLOR" plain_where_asked "$command"
done
check 'doctor has colours on a terminal' coloured doctor NO_COLOR=
checks_done
