# shellcheck shell=bash disable=SC2034 # who sources this reads the variables
# SPDX-License-Identifier: Apache-2.0
# What the scenarios of the rules share: who answers and whom they see, conversations that last, and
# manifests in a line.

PODS="kubia-4h2mx kubia-9tcwz kubia-lq7dn"
ON_NODE1="kubia-4h2mx kubia-9tcwz"

# ------------------------------------------------------------- manifests --

# apply_text: what is on stdin, applied on node1 and read by node2's agent.
apply_text() {
	on node1 lbctl apply -f - && stage_settle
}

# service NAME SPEC [METADATA]: a Service for the kubia pods; flow style ("type: NodePort, ports: …").
service() {
	apply_text >/dev/null <<-END
		apiVersion: v1
		kind: Service
		metadata: {name: $1${3:+, $3}}
		spec: {selector: {app: kubia}, $2}
	END
}

service_delete() {
	on node1 lbctl delete svc "$@" >/dev/null && stage_settle
}

pods_delete() {
	on node1 lbctl delete pod "$@" >/dev/null && stage_settle
}

pods_restore() {
	on node1 lbctl apply -f kubia/cluster.yaml >/dev/null && stage_settle
}

# pod_state POD LABEL [METADATA]: the pod with another app label, or on its way out.
pod_state() {
	on node1 lbctl get pod "$1" -o json | jq ".metadata.labels.app = \"$2\" | .metadata += {${3:-}}" |
		apply_text >/dev/null
}

TERMINATING='deletionTimestamp: "2026-01-01T00:00:00Z"'

# node_config NODE [LINE...]: these lines more in its configuration, and its agent follows.
node_config() {
	local node=$1 file=$STAGE/$1/config.yaml
	shift
	[ -e "$file.plain" ] || cp "$file" "$file.plain"
	{
		cat "$file.plain"
		printf '%s\n' "$@"
	} >"$file"
	agent_kill "$node" TERM
	agent_start "$node"
}

# --------------------------------------------------------------- answers --

# ports_fresh HOST: source ports that nobody had yet. Who comes from one port to one pod by two
# addresses of its service within half a minute is masqueraded, so that answers can be told apart.
ports_fresh() {
	local n=0
	case $1 in
	node*) return 0 ;; # theirs are partly reserved
	esac
	[ ! -e "$STAGE/windows" ] || n=$(cat "$STAGE/windows")
	echo $((n + 1)) >"$STAGE/windows"
	n=$((10000 + n % 680 * 80))
	stage_sysctl "$1" "net.ipv4.ip_local_port_range=$n $((n + 79))"
}

# ask N HOST URL [CURL-OPTION...]: N connections, a line "POD CLIENT" each.
ask() {
	local n=$1 host=$2 url=$3
	shift 3
	ports_fresh "$host"
	on "$host" curl -sSk -H 'Connection: close' --max-time 4 -w '%header{x-client}\n' "$@" \
		"$url/[1-$n]" | sed "s/^You've hit //" | paste -d' ' - -
}

# sees "POD CLIENT|POD CLIENT..." HOST URL: exactly these pods answer, and see these clients.
sees() {
	local want=$1 got
	shift
	want=$(tr '|' '\n' <<<"$want" | sort -u)
	got=$(ask 40 "$@" | sort -u)
	[ "$got" = "$want" ] || {
		echo "$got"
		return 1
	}
}

# reaches "POD..." HOST URL: exactly these pods answer.
reaches() {
	local want=$1 got
	shift
	want=$(tr ' ' '\n' <<<"$want" | sort -u)
	got=$(ask 40 "$@" | cut -d' ' -f1 | sort -u)
	[ "$got" = "$want" ] || {
		echo "$got"
		return 1
	}
}

# refused HOST URL: at once. silent HOST URL: no answer at all.
refused() {
	status 7 on "$1" curl -sg -o /dev/null --max-time 1 "$2"
}

silent() {
	status 28 on "$1" curl -sg -o /dev/null --max-time 0.5 "$2"
}

# [ADDRESS] in URLs
url() {
	case $1 in
	*:*) echo "http://[$1]:$2" ;;
	*) echo "http://$1:$2" ;;
	esac
}

# ----------------------------------------------------------- conversations --

# say HOST talk's arguments...: one line there; what comes back.
say() {
	local host=$1
	shift
	ports_fresh "$host"
	on "$host" talk "$@" <<<hello
}

# says PATTERN HOST talk's arguments...: what comes back matches the whole pattern.
says() {
	local want=$1 got
	shift
	got=$(say "$@" || true)
	grep -qxE -- "$want" <<<"$got" || {
		echo "$got"
		return 1
	}
}

declare -A TALK_IN

# talk_open NAME HOST talk's arguments...: a conversation that lasts.
talk_open() {
	local name=$1 host=$2 fd
	shift 2
	mkfifo "$STAGE/talk-$name"
	: >"$STAGE/talk-$name.out"
	on "$host" talk "$@" <"$STAGE/talk-$name" >>"$STAGE/talk-$name.out" 2>&1 &
	stage_pid_record $!
	disown $!
	exec {fd}>"$STAGE/talk-$name"
	TALK_IN[$name]=$fd
}

# talk_ask NAME: says a line more; prints what comes back.
talk_ask() {
	local out=$STAGE/talk-$1.out lines
	lines=$(wc -l <"$out")
	echo hello >&"${TALK_IN[$1]}" || return 1
	for ((i = 0; i < 150; i++)); do
		if [ "$(wc -l <"$out")" -gt "$lines" ]; then
			tail -n 1 "$out"
			return 0
		fi
		sleep 0.02
	done
	echo 'nothing comes back'
	return 1
}

# talk_says PATTERN NAME
talk_says() {
	local got
	got=$(talk_ask "$2")
	grep -qxE -- "$1" <<<"$got" || {
		echo "$got"
		return 1
	}
}

talk_close() {
	local fd=${TALK_IN[$1]}
	exec {fd}>&-
	rm -f "$STAGE/talk-$1" "$STAGE/talk-$1.out"
}
