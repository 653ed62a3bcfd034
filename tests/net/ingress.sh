# shellcheck shell=bash disable=SC2034 # who sources this reads the variables
# SPDX-License-Identifier: Apache-2.0
# What the scenarios of Ingress share. Needs stage.sh and check.sh.

NODE=192.0.2.1
KUBIA='kubia-4h2mx kubia-9tcwz kubia-lq7dn'

# web HOST URL [CURL-OPTION...]: from outside, the names of example.com being the Ingress's.
web() {
	local url=$1
	shift
	on client curl -sS --max-time 10 --connect-to "::$NODE:" "$url" "$@"
}

# code N URL [CURL-OPTION...]: the answer's status.
code() {
	local want=$1 got
	shift
	got=$(web "$@" -o /dev/null -w '%{http_code}')
	[ "$got" = "$want" ] || {
		echo "status $got"
		return 1
	}
}

# header NAME VALUE URL...: of the answer.
header() {
	local name=$1 value=$2
	shift 2
	prints "^$name: $value.?$" web "$@" -o /dev/null -D -
}

# ingress_apply -f FILE...: returns when the new rules are served. A rule of its own goes with each.
ingress_apply() {
	generation=$(date +%s%N) # a counter would be lost in the subshell of a check
	cat >"$STAGE/generation.yaml" <<-END
		apiVersion: networking.k8s.io/v1
		kind: Ingress
		metadata: {name: generation, annotations: {lbctl.io/force-ssl-redirect: "true"}}
		spec:
		  rules:
		  - host: generation-$generation.example.com
		    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: bar, port: {number: 80}}}}]}
	END
	# After the others: of files that change together an agent may see some first.
	[ $# = 0 ] || on node1 lbctl apply "$@" >/dev/null
	on node1 lbctl apply -f "$STAGE/generation.yaml" >/dev/null
	stage_eventually 20 generation_is_served || {
		echo "the rules are not served after 20 s" >&2
		tail -5 "$STAGE/node1/agent.log" >&2
		return 1
	}
}

# Old workers may still take a connection or two while the new ones begin.
generation_is_served() {
	for _ in 1 2 3 4 5; do
		code 308 "http://generation-$generation.example.com/" || return 1
	done
}

# How many configurations HAProxy has been given.
configurations() {
	find "$STAGE/node1/run/ingress" -name 'g*' -printf '%f\n' | tr -d g | sort -n | tail -1
}

master() {
	ls -l "$STAGE/node1/run/ingress/master.sock" >/dev/null &&
		pgrep -x -f 'haproxy .*-S unix@master.sock,mode,600' -P "$(cat "$STAGE/node1/agent.pid")"
}

certificate() {
	openssl req -x509 -newkey "$@" -nodes -days 2 2>/dev/null
}

# shows SUBJECT NAME [OPTION...]: the certificate that a client is shown.
shows() {
	local subject=$1 name=$2
	shift 2
	prints "^subject=$subject$" on client bash -c \
		"openssl s_client -connect $NODE:443 -servername $name $* </dev/null 2>/dev/null |
			openssl x509 -noout -subject"
}

# annotated NAME SERVICE ANNOTATIONS [PATH]: an Ingress for NAME.example.com.
annotated() {
	cat <<-END
		---
		apiVersion: networking.k8s.io/v1
		kind: Ingress
		metadata: {name: $1, annotations: {$3}}
		spec:
		  rules:
		  - host: ${1%-canary}.example.com
		    http: {paths: [{path: '${4:-/}', pathType: ImplementationSpecific, backend: {service: {name: $2, port: {number: 80}}}}]}
	END
}

# mirror_start: the pod bar tells on 8091 what it was asked.
mirror_start() {
	cat >"$STAGE/mirror" <<-'END'
		use IO::Socket::INET;
		$server = IO::Socket::INET->new(LocalPort => 8091, Listen => 99, ReuseAddr => 1) or die;
		$SIG{CHLD} = 'IGNORE';
		while ($peer = $server->accept) {
			next if fork;
			$text = '';
			while (<$peer>) { last if $_ eq "\r\n"; $text .= $_ }
			printf $peer "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s", length $text, $text;
			exit;
		}
	END
	stage_spawn bar-7xk2p mirror.log perl "$STAGE/mirror"
}

# load_start [HOST], load_end: requests without a pause, each on a connection of its own, and their
# sum.
load_start() {
	touch "$STAGE/load"
	while [ -e "$STAGE/load" ]; do
		on client loadgen tcp $NODE 80 "--http=${1:-loadgen}" --count 500 --concurrency 4
	done >"$STAGE/load.json" 2>&1 &
	load=$!
}

load_end() {
	rm "$STAGE/load"
	wait $load
	jq -s '{ok: map(.ok) | add, failed: map(.failed) | add}' "$STAGE/load.json"
}

# A connection through the Ingress that is upgraded, as a WebSocket is, and then says something
# every 0.1 seconds until the file is gone; each line has to come back.
upgrade_start() {
	touch "$STAGE/upgrade"
	cat >"$STAGE/upgrade-client" <<-END
		exec 3<>/dev/tcp/$NODE/80
		printf 'GET /socket HTTP/1.1\r\nHost: socket.example.com\r\nConnection: Upgrade\r\n' >&3
		printf 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' >&3
		printf 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n' >&3
		while IFS= read -r line <&3 && [ "\$line" != \$'\r' ]; do echo "\$line"; done
		n=0
		while [ -e $STAGE/upgrade ]; do
			n=\$((n + 1))
			echo "message \$n" >&3
			IFS= read -r -t 5 line <&3 && [ "\$line" = "message \$n" ] || exit 1
			sleep 0.1
		done
		echo "through \$n"
	END
	cat >"$STAGE/upgrade-server" <<-'END'
		use IO::Socket::INET;
		$server = IO::Socket::INET->new(LocalPort => 8090, Listen => 9, ReuseAddr => 1) or die;
		$SIG{CHLD} = 'IGNORE';
		while ($peer = $server->accept) {
			next if fork;
			$peer->autoflush(1);
			while (<$peer>) { last if $_ eq "\r\n" }
			print $peer "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n";
			print $peer "Upgrade: websocket\r\n";
			print $peer "Sec-WebSocket-Accept: s3pPLBMiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
			print $peer $_ while <$peer>;
			exit;
		}
	END
	stage_spawn bar-7xk2p upgrade.log perl "$STAGE/upgrade-server"
	on node1 lbctl apply -f - >/dev/null <<-'END'
		apiVersion: v1
		kind: Service
		metadata: {name: socket}
		spec: {selector: {app: bar}, ports: [{port: 80, targetPort: 8090}]}
	END
	ingress_apply -f - <<-'END'
		apiVersion: networking.k8s.io/v1
		kind: Ingress
		metadata: {name: socket}
		spec:
		  defaultBackend: {service: {name: bar, port: {name: http}}}
		  rules:
		  - host: socket.example.com
		    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: socket, port: {number: 80}}}}]}
	END
	on client bash "$STAGE/upgrade-client" >"$STAGE/upgrade.out" 2>&1 &
	UPGRADE=$!
	check 'upgrade' stage_eventually 15 grep -q '101 Switching' "$STAGE/upgrade.out"
}

upgrade_goes_on() {
	kill -0 "$UPGRADE" || {
		cat "$STAGE/upgrade.out"
		return 1
	}
}

# ingress_stage: the stage with bar and kubia, agents on both nodes.
ingress_stage() {
	stage_up
	pod_new bar-7xk2p node2 30
	pod_serve bar-7xk2p
	stage_attach >/dev/null
	agent_start node1 node2
	on node1 lbctl apply -f kubia/cluster.yaml -f kubia/kubia-svc.yaml \
		-f kubia/kubia-svc-nodeport.yaml -f kubia/bar-svc.yaml >/dev/null
	stage_settle
}
