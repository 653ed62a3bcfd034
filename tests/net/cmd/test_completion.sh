#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Completion as it is typed: bash and zsh in a terminal of tmux, fish by its own `complete`.
set -euo pipefail
cd "$(dirname "$0")/.."
. ./check.sh

ROOT=$(mktemp -d)
export LBCTL_ROOT=$ROOT
PATH=$(cd ../../build && pwd):$PATH
TMUX_SOCKET=lb-completion-$$
done_with() {
	tmux -L "$TMUX_SOCKET" kill-server 2>/dev/null || true
	rm -rf "$ROOT"
}
trap done_with EXIT

# ---------------------------------------------------------------- terminals --

screen() {
	tmux -L "$TMUX_SOCKET" capture-pane -p -t "$1" | sed '/^$/d'
}

# soon PATTERN SHELL: a line of its screen matches.
soon() {
	local i
	for ((i = 0; i < 50; i++)); do
		! screen "$2" | grep -qE -- "$1" || return 0
		sleep 0.1
	done
	echo "never: $1"
	screen "$2"
	return 1
}

shell_start() {
	local name=$1
	shift
	tmux -L "$TMUX_SOCKET" -f /dev/null new-session -d -s "$name" -x 120 -y 40 "$@"
	soon '^ready>' "$name"
}

# typed SHELL TEXT PATTERN: after TEXT and a tab (or two) there is such a line.
typed() {
	local shell=$1 text=$2 pattern=$3
	tmux -L "$TMUX_SOCKET" send-keys -t "$shell" C-u
	tmux -L "$TMUX_SOCKET" send-keys -t "$shell" C-l
	tmux -L "$TMUX_SOCKET" send-keys -t "$shell" -l "$text"
	tmux -L "$TMUX_SOCKET" send-keys -t "$shell" Tab
	soon "$pattern" "$shell"
}

# ------------------------------------------------------------------- shells --

# What fish offers for a line: its words, in alphabetical order.
fish_offers() {
	local want=$1 got
	# shellcheck disable=SC2016 # fish reads it
	got=$(fish --no-config -c 'lbctl completion fish | source; complete -C $argv[1]' -- "$2" |
		cut -f 1 | sort | tr '\n' ' ')
	[ "$got" = "$want " ] || {
		echo "offered: $got"
		return 1
	}
}

mkdir "$ROOT/files"
touch "$ROOT/files/kubia-svc.yaml"
printf 'apiVersion: lbctl.io/v1\nkind: Configuration\n' >"$ROOT/config.yaml"
lbctl apply -f kubia/cluster.yaml -f kubia/kubia-svc.yaml >/dev/null

# shellcheck disable=SC2016 # bash inside reads it
shell_start bash env PS1='ready> ' bash --norc -i
tmux -L "$TMUX_SOCKET" send-keys -t bash -l 'source <(lbctl completion bash); bind "set show-all-if-ambiguous on"'
tmux -L "$TMUX_SOCKET" send-keys -t bash Enter
# zsh asks a new user what to do, unless there is a file.
touch "$ROOT/.zshrc"
shell_start zsh env ZDOTDIR="$ROOT" PS1='ready> ' zsh -i
tmux -L "$TMUX_SOCKET" send-keys -t zsh -l 'autoload -Uz compinit && compinit -D; source <(lbctl completion zsh)'
tmux -L "$TMUX_SOCKET" send-keys -t zsh Enter

for shell in bash zsh; do
	check "$shell: a command" typed $shell 'lbctl descr' '> lbctl describe$'
	check "$shell: commands" typed $shell 'lbctl de' 'delete.*'
	check "$shell: a kind" typed $shell 'lbctl get serv' '> lbctl get services$'
	check "$shell: an object" typed $shell 'lbctl describe svc k' '> lbctl describe svc kubia$'
	check "$shell: an object behind its kind" typed $shell 'lbctl describe svc/k' '> lbctl describe svc/kubia$'
	check "$shell: another one" typed $shell 'lbctl get pods kubia-4h2mx kubia-9' \
		'> lbctl get pods kubia-4h2mx kubia-9tcwz$'
	check "$shell: an option" typed $shell 'lbctl get svc --no-h' '> lbctl get svc --no-headers$'
	check "$shell: an option of all" typed $shell 'lbctl get --all-n' '> lbctl get --all-namespaces$'
	check "$shell: a value" typed $shell 'lbctl get svc -o js' '> lbctl get svc -o json$'
	check "$shell: a value behind =" typed $shell 'lbctl get svc --output=ya' \
		'> lbctl get svc --output=yaml$'
	check "$shell: a file" typed $shell "lbctl apply -f $ROOT/files/kub" "files/kubia-svc.yaml"
	check "$shell: a device" typed $shell 'lbctl attach l' '> lbctl attach lo$'
	check "$shell: a word of show" typed $shell 'lbctl show magl' '> lbctl show maglev$'
done
check 'fish: a command' fish_offers 'describe' 'lbctl descr'
check 'fish: commands' fish_offers 'delete describe detach' 'lbctl de'
check 'fish: a kind' fish_offers services 'lbctl get serv'
check 'fish: an object' fish_offers kubia 'lbctl describe svc k'
check 'fish: objects' fish_offers 'kubia-4h2mx kubia-9tcwz kubia-lq7dn' 'lbctl get pods kubia-4h2mx kubia-'
check 'fish: an option' fish_offers '--session-affinity' 'lbctl expose --ses'
check 'fish: values' fish_offers 'json name wide yaml' 'lbctl get svc -o '
check 'fish: a value behind =' fish_offers '--output=yaml' 'lbctl get svc --output=ya'
check 'fish: a file' fish_offers "$ROOT/files/kubia-svc.yaml" "lbctl apply -f $ROOT/files/kub"
check 'no such shell' status 2 lbctl completion tcsh
checks_done
