#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The manual's pages: whole, and without a complaint of those who read roff.
set -euo pipefail
cd "$(dirname "$0")/../../.."
. tests/net/check.sh

DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT

# page COMMAND...: its page, and nobody has anything to say of it.
page() {
	local file=$DIR/page.1 said
	build/lbctl manual "$@" >"$file" || return 1
	said=$(mandoc -T lint -W warning "$file" 2>&1) || {
		echo "$said"
		return 1
	}
	mandoc -T utf8 "$file" | sed 's/.\x08//g' >"$DIR/page.txt"
	grep -q '^NAME$' "$DIR/page.txt" && grep -q '^SYNOPSIS$' "$DIR/page.txt"
}

# Whoever reads the help, reads the same in the manual.
says_what_help_says() {
	local word
	page "$1" || return 1
	build/lbctl help "$1" | grep -oE -- '--[a-z-]+' | sort -u | while read -r word; do
		grep -qF -- "$word" "$DIR/page.txt" || {
			echo "not in the page: $word"
			return 1
		}
	done
}

check 'lbctl' page
mapfile -t commands < <(build/lbctl completion candidates -- '' | cut -f 1)
check 'all commands' [ ${#commands[@]} -gt 20 ]
for command in "${commands[@]}"; do
	check "lbctl-$command" says_what_help_says "$command"
done
check 'an unknown command' status 2 build/lbctl manual nonsense
check 'installed' make -s install DESTDIR="$DIR/to" PREFIX=/usr
check 'a page for each command' [ "$(find "$DIR/to/usr/share/man/man1" -name 'lbctl*.1' | wc -l)" = $((${#commands[@]} + 1)) ]
for file in share/bash-completion/completions/lbctl share/zsh/site-functions/_lbctl \
	share/fish/vendor_completions.d/lbctl.fish share/lbctl/lbctl.json share/lbctl/lbctl.rules.yaml; do
	check "$file" test -s "$DIR/to/usr/$file"
done
checks_done
