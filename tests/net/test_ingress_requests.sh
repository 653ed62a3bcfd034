#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ingress, request by request: ingress/requests is the table, ingress/objects.sh what it asks.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh
. ./ingress.sh
. ./ingress/objects.sh

# signed NAME SUBJECT: by the authority.
signed() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
		-keyout "$STAGE/$1.key" -out "$STAGE/$1.csr" 2>/dev/null
	openssl x509 -req -in "$STAGE/$1.csr" -CA "$STAGE/authority.crt" -CAkey "$STAGE/authority.key" \
		-days 2 -out "$STAGE/$1.crt" 2>/dev/null
}

# own NAME KEY... SAN: signed by itself.
own() {
	local name=$1 san=$2
	shift 2
	certificate "$@" -subj "/CN=$name" -addext "subjectAltName=$san" -keyout "$STAGE/$name.key" \
		-out "$STAGE/$name.crt"
}

certificates() {
	local ec='ec -pkeyopt ec_paramgen_curve:P-256'
	certificate $ec -subj /CN=authority -keyout "$STAGE/authority.key" -out "$STAGE/authority.crt"
	signed member member
	own one 'DNS:tls.example.com,DNS:plain.example.com,DNS:members.example.com,DNS:grpc.example.com' $ec
	own wildcard 'DNS:*.wtls.example.com' $ec
	own both-ecdsa DNS:both.example.com $ec
	own both-rsa DNS:both.example.com rsa:2048
}

# A server on the ports of all Services, which tells what it was asked.
mirror_all() {
	local dir=$STAGE/nginx-all tell
	mkdir -p "$dir"
	tell='port $server_port $request_method $request_uri port $server_protocol
host=$http_host
for=$http_x_forwarded_for
real=$http_x_real_ip
at=$http_x_forwarded_host:$http_x_forwarded_port
proto=$http_x_forwarded_proto
verify=$http_ssl_client_verify $http_ssl_client_subject_dn
'
	cat >"$dir/nginx.conf" <<-END
		daemon off;
		user root;
		pid $dir/nginx.pid;
		error_log $dir/error.log;
		events { worker_connections 1024; }
		http {
			access_log off;
			client_body_temp_path $dir; proxy_temp_path $dir; fastcgi_temp_path $dir;
			uwsgi_temp_path $dir; scgi_temp_path $dir;
			default_type text/plain;
			ssl_certificate $STAGE/tls.crt;
			ssl_certificate_key $STAGE/tls.key;
			client_max_body_size 0;
			server {
				listen 8101; listen 8102; listen 8103; listen 8104; listen 8105;
				listen 8112 ssl;
				location / { return 200 "$tell"; }
			}
			server {
				listen 8111 http2; listen 8113 ssl http2;
				add_trailer grpc-status 0;
				location / { return 200 "$tell"; }
			}
			server {
				listen 8114 ssl;
				ssl_client_certificate $STAGE/authority.crt;
				ssl_verify_client on;
				location / { return 200 "$tell"; }
			}
		}
	END
	stage_spawn bar-7xk2p all.log /usr/sbin/nginx -p "$dir" -e "$dir/error.log" -c "$dir/nginx.conf"
	stage_wait_port bar-7xk2p 8101
	mkdir "$STAGE/echo"
	stage_spawn bar-7xk2p echo.log nghttpd --no-tls --echo-upload --trailer 'grpc-status: 0' \
		-d "$STAGE/echo" 8115
}

# asked STATUS PATTERN URL [OPTION...]
asked() {
	local want=$1 pattern=$2 got status
	shift 2
	# Of several --connect-to the first counts.
	got=$(on client curl -sSki --max-time 10 "$@" --connect-to "::$NODE:" \
		-w '\nstatus %{http_code}\n' 2>&1 | tr -d '\r')
	status=${got##*status }
	[ "$status" = "$want" ] || {
		echo "$got"
		return 1
	}
	case $pattern in
	'!'*) ! grep -qiE -- "${pattern#!}" <<<"$got" ;;
	*) grep -qiE -- "$pattern" <<<"$got" ;;
	esac || {
		echo "$got"
		return 1
	}
}

# requests FILE
requests() {
	local name status pattern request arguments
	while IFS='|' read -r name status pattern request; do
		[ "${name#\#}" = "$name" ] || continue
		# Patterns have bars of their own nowhere; blanks around the columns are for the eye.
		pattern=$(sed 's/^ *//; s/ *$//' <<<"$pattern")
		eval "arguments=($request)"
		check "${name%%  *}" asked "${status// /}" "$pattern" "${arguments[@]}"
	done <"$1"
}

# Of curl nobody hears what comes behind the body.
grpc_trailers() {
	echo message >"$STAGE/message"
	check 'GRPC: trailers come through' prints 'grpc-status: 0' on client nghttp -v \
		-H ':authority: grpc.example.com' -H 'te: trailers' -d "$STAGE/message" https://$NODE/echo
}

# What is wrong is said, and nothing that is right.
said() {
	local events
	events=$(on node1 lbctl get events)
	check 'said: what the younger Ingress lost' grep -q \
		'few.example.com/only belongs to ingress default/few' <<<"$events"
	check 'said: the Service that is not there' grep -q 'service default/missing is not there' <<<"$events"
	check 'said: authorities of another namespace' grep -q 'secret other/authority is not there' <<<"$events"
	check 'said: snippets' grep -q 'snippets are never taken' <<<"$events"
	check 'said: nothing else' [ "$(grep -c Rejected <<<"$events")" = 4 ]
	check 'explain: expression, and its endpoints' prints 'regular expression' \
		on node1 lbctl explain http://regex.example.com/user/42/name
	check 'explain: whose certificates clients show' prints '^Clients: +show a certificate by secret default/authority$' \
		on node1 lbctl explain https://members.example.com/
}

no_keys_anywhere() {
	check 'keys: in no log' fails grep -rqE 'PRIVATE KEY|MIG[A-Za-z0-9+/]{20}' "$STAGE/node1/agent.log"
	check 'keys: files are HAProxy'"'"'s alone' [ -z "$(find "$STAGE/node1/run/ingress" -type f ! -perm 600)" ]
	check 'keys: not in what is shown' fails grep -qE 'PRIVATE KEY' <(
		for words in 'describe secret one' 'describe ingress tls' 'get secret one' 'get events' \
			'get secret one -o wide' 'explain https://tls.example.com/'; do
			# shellcheck disable=SC2086 # words
			on node1 lbctl $words 2>&1
		done)
}

ingress_stage
certificates
mirror_all
{
	services
	routing
	tls_objects
	annotated_objects
} >"$STAGE/objects.yaml"
ingress_apply -f "$STAGE/objects.yaml"
requests ingress/requests
grpc_trailers
said
default_object >"$STAGE/default.yaml"
ingress_apply -f "$STAGE/default.yaml"
requests ingress/requests-default
no_keys_anywhere
checks_done
