#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ingress: many services behind one address, from the manifest to the pod's answer.
set -euo pipefail
cd "$(dirname "$0")"
. ./stage.sh
. ./check.sh
. ./ingress.sh

# ----------------------------------------------------------------- the story --

one_host() {
	on node1 lbctl apply -f kubia/kubia-ingress.yaml >/dev/null
	check 'HAProxy starts' stage_eventually 15 web http://kubia.example.com/
	check 'one host: all pods' hits "$KUBIA" 20 client http://kubia.example.com/ \
		--connect-to "::$NODE:"
	check 'another host: 404' code 404 http://other.example.com/
	check 'get ingress' prints '^kubia +<none> +kubia.example.com +192.0.2.1,200... +80 ' \
		on node1 lbctl get ingress
	check 'describe ingress' prints '/ +kubia-nodeport:80 \(172.17.0.7:8080,' \
		on node1 lbctl describe ingress kubia
	check 'the address goes into the object' json '.status.loadBalancer.ingress[0].ip == "192.0.2.1"' \
		on node1 lbctl get ingress kubia -o json
	check 'and not into the state' fails grep -rq loadBalancer "$STAGE/node1/state/ingresses"
	check 'another node serves it, too' prints "^You've hit kubia" \
		on client curl -sS --max-time 10 --connect-to ::192.0.2.2: http://kubia.example.com/
	check 'over IPv6' prints "^You've hit kubia" \
		on client curl -sS --max-time 10 --connect-to '::[2001:db8::1]:' http://kubia.example.com/
}

paths_and_hosts() {
	ingress_apply -f kubia/kubia-ingress-paths.yaml
	check '/kubia' hits "$KUBIA" 20 client http://kubia.example.com/kubia --connect-to "::$NODE:"
	check '/foo' hits bar-7xk2p 3 client http://kubia.example.com/foo --connect-to "::$NODE:"
	check 'below /foo' hits bar-7xk2p 3 client http://kubia.example.com/foo/x?y=z \
		--connect-to "::$NODE:"
	check 'beside /foo' code 404 http://kubia.example.com/foobar
	check 'the former path is gone' code 404 http://kubia.example.com/
	ingress_apply -f kubia/kubia-ingress-hosts.yaml
	check 'extensions/v1beta1: foo' hits "$KUBIA" 20 client http://foo.example.com/ \
		--connect-to "::$NODE:"
	check 'extensions/v1beta1: bar, by the name of the port' hits bar-7xk2p 3 client \
		http://bar.example.com/ --connect-to "::$NODE:"
	sed 's|extensions/|networking.k8s.io/|' kubia/kubia-ingress-hosts.yaml >"$STAGE/beta.yaml"
	on node1 lbctl apply -f "$STAGE/beta.yaml" >/dev/null
	check 'networking.k8s.io/v1beta1' hits bar-7xk2p 3 client http://bar.example.com/ \
		--connect-to "::$NODE:"
	check 'upper case, a port and a dot' prints '^You.ve hit bar' \
		web http://$NODE/ -H 'Host: BAR.example.com.:80'
}

tls() {
	certificate rsa:2048 -subj /CN=kubia.example.com -keyout "$STAGE/k.key" -out "$STAGE/k.cert"
	check 'before: the default certificate' prints 'subject: CN=lbctl default certificate' \
		web https://kubia.example.com/kubia -kv
	check 'create secret tls' prints '^secret/tls-secret created$' on node1 lbctl create secret \
		tls tls-secret --cert "$STAGE/k.cert" --key "$STAGE/k.key"
	ingress_apply -f kubia/kubia-ingress-tls.yaml
	check 'its certificate' prints 'subject: CN=kubia.example.com$' \
		web https://kubia.example.com/kubia -kv
	check 'its answer' prints "^You've hit kubia" web https://kubia.example.com/kubia -k
	check 'TLS 1.3' prints 'using TLSv1.3' web https://kubia.example.com/kubia -kv
	check 'TLS 1.2' prints 'using TLSv1.2' web https://kubia.example.com/kubia -kv --tls-max 1.2
	check 'TLS 1.1: refused' fails web https://kubia.example.com/kubia -k --tls-max 1.1 \
		--ciphers DEFAULT@SECLEVEL=0
	check 'HTTP/2' prints '^HTTP/2 200' web https://kubia.example.com/kubia -ki --http2
	check 'http leads to https' header location 'https://kubia.example.com/kubia\?x=1' \
		http://kubia.example.com/kubia?x=1
	check 'with 308' code 308 http://kubia.example.com/kubia
	check 'hosts without TLS stay' code 200 http://bar.example.com/
	check 'explain: the rule' prints '^Rule: +host kubia.example.com, path /kubia \(Prefix\)$' \
		on node1 lbctl explain https://kubia.example.com/kubia
	check 'explain: the certificate' prints \
		'^Certificate: +secret default/tls-secret, CN=kubia.example.com$' \
		on node1 lbctl explain https://kubia.example.com/kubia
	check 'explain: the endpoints' prints '^Endpoints: +172.17.1.30:8080$' \
		on node1 lbctl explain https://kubia.example.com/foo/x
	check 'PORTS' prints '^kubia .* 80, 443 ' on node1 lbctl get ingress
	check 'keys are for nobody else' files_are_private
	check 'and in no log' fails grep -rq 'PRIVATE KEY' "$STAGE/node1/agent.log"
	certificate ec -pkeyopt ec_paramgen_curve:P-256 -subj '/O=new/CN=kubia.example.com' \
		-keyout "$STAGE/k2.key" -out "$STAGE/k2.cert"
	on node1 lbctl delete secret tls-secret >/dev/null
	stage_eventually 15 shows 'CN = lbctl default certificate' kubia.example.com
	check 'without its Secret: the default certificate' \
		shows 'CN = lbctl default certificate' kubia.example.com
	check 'and said so' prints 'Warning +Rejected .*secret default/tls-secret is not there' \
		on node1 lbctl describe ingress kubia
	on node1 lbctl create secret tls tls-secret --cert "$STAGE/k2.cert" --key "$STAGE/k2.key" \
		>/dev/null
	check 'a new certificate, ECDSA' stage_eventually 15 \
		shows 'O = new, CN = kubia.example.com' kubia.example.com
}

files_are_private() {
	[ "$(stat -c %a "$STAGE/node1/run/ingress")" = 700 ] &&
		[ "$(find "$STAGE"/node1/run/ingress/g*/ -type f -printf '%m\n' | sort -u)" = 600 ]
}

# A pod that tells what it was asked, and Ingresses with an annotation each.
annotations_apply() {
	local nginx=nginx.ingress.kubernetes.io
	mirror_start
	{
		cat <<-END
			apiVersion: v1
			kind: Service
			metadata: {name: mirror}
			spec: {selector: {app: bar}, ports: [{port: 80, targetPort: 8091}]}
			---
			apiVersion: v1
			kind: Secret
			metadata: {name: users}
			stringData: {auth: 'me:$(openssl passwd -6 secret)'}
		END
		annotated mirror mirror ''
		annotated rewrite mirror "$nginx/rewrite-target: /new/\$2" '/old(/|$)(.*)'
		annotated inside bar 'lbctl.io/allow: 10.0.0.0/8'
		annotated outside bar "$nginx/denylist-source-range: 10.0.0.0/8"
		annotated auth bar "$nginx/auth-type: basic, $nginx/auth-secret: users"
		annotated sticky kubia "$nginx/affinity: cookie"
		annotated slow bar "$nginx/limit-rpm: '3'"
		annotated small bar 'lbctl.io/body-size: 1k'
		annotated cors bar "$nginx/enable-cors: 'true', $nginx/cors-allow-origin: 'https://x.test'"
		annotated canary kubia ''
		annotated canary-canary bar 'lbctl.io/canary: "true", lbctl.io/canary-by-header: X-New'
	} >"$STAGE/annotations.yaml"
	ingress_apply -f "$STAGE/annotations.yaml"
}

annotations() {
	check 'annotations' annotations_apply
	check 'nothing is wrong with them' fails prints Rejected on node1 lbctl get events
	check 'X-Forwarded-For is the client, whatever it says' prints '^x-forwarded-for: 192.0.2.10' \
		web http://mirror.example.com/ -H 'X-Forwarded-For: 1.2.3.4'
	check 'it is there once' fails prints '1\.2\.3\.4' \
		web http://mirror.example.com/ -H 'X-Forwarded-For: 1.2.3.4'
	check 'X-Forwarded-Proto' prints '^x-forwarded-proto: https' web https://mirror.example.com/ -k
	check 'the Host stays' prints '^host: mirror.example.com' web http://mirror.example.com/
	check 'rewrite-target' prints '^GET /new/a/b\?c=d HTTP' web 'http://rewrite.example.com/old/a/b?c=d'
	check 'allow' code 403 http://inside.example.com/
	check 'deny' code 200 http://outside.example.com/
	check 'auth: nobody' code 401 http://auth.example.com/
	check 'auth: wrong' code 401 http://auth.example.com/ -u me:wrong
	check 'auth: right' code 200 http://auth.example.com/ -u me:secret
	check 'affinity' sticks
	check 'limit-rpm' runs_dry
	check 'body-size: small' code 200 http://small.example.com/ -d x=y
	check 'body-size: large' code 413 http://small.example.com/ -d "$(printf 'x%.0s' {1..2000})"
	check 'cors: preflight' code 204 http://cors.example.com/ -X OPTIONS -H 'Origin: https://x.test'
	check 'cors: an answer' header access-control-allow-origin https://x.test \
		http://cors.example.com/ -H 'Origin: https://x.test'
	check 'cors: another origin' fails header access-control-allow-origin '.*' \
		http://cors.example.com/ -H 'Origin: https://y.test'
	check 'canary: by default' prints "^You've hit kubia" web http://canary.example.com/
	check 'canary: asked for' prints "^You've hit bar" web http://canary.example.com/ -H 'X-New: always'
	on node1 lbctl delete ingress mirror rewrite inside outside auth sticky slow small cors canary \
		canary-canary >/dev/null
}

sticks() {
	web http://sticky.example.com/ -c "$STAGE/jar" -o /dev/null &&
		[ "$(for _ in 1 2 3 4 5 6 7 8; do web http://sticky.example.com/ -b "$STAGE/jar"; done |
			sort -u | wc -l)" = 1 ]
}

runs_dry() {
	for _ in 1 2 3; do
		code 200 http://slow.example.com/ || return 1
	done
	code 429 http://slow.example.com/
}

# What is wrong with one Ingress leaves the others alone.
bad_ones() {
	cat >"$STAGE/bad.yaml" <<-'END'
		apiVersion: v1
		kind: Secret
		metadata: {name: bad}
		type: kubernetes.io/tls
		stringData: {tls.crt: "no certificate", tls.key: "no key"}
		---
		apiVersion: networking.k8s.io/v1
		kind: Ingress
		metadata:
		  name: bad
		  annotations: {lbctl.io/allow: "everybody"}
		spec:
		  tls: [{secretName: bad, hosts: [bad.example.com]}]
		  rules:
		  - host: bad.example.com
		    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: kubia, port: {number: 80}}}}]}
		  - host: kubia.example.com
		    http: {paths: [{path: /foo, pathType: Prefix, backend: {service: {name: kubia, port: {number: 80}}}}]}
		  - host: gone.example.com
		    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: gone, port: {number: 80}}}}]}
	END
	ingress_apply -f "$STAGE/bad.yaml"
	check 'a guard that cannot be read: nobody gets in' code 503 http://bad.example.com/
	check 'no Service: 503' code 503 http://gone.example.com/
	check 'the others are served' prints "^You've hit bar" web https://kubia.example.com/foo -k
	check 'with their certificates' shows 'O = new, CN = kubia.example.com' kubia.example.com
	for words in 'lbctl.io/allow: must be addresses' 'bad: tls.crt: no certificates' \
		'/foo belongs to ingress default/kubia' 'service default/gone is not there'; do
		check "said: $words" prints "Warning +Rejected .*$words" on node1 lbctl describe ingress bad
	done
	check 'get events' prints 'Warning +Rejected +ingress/bad ' on node1 lbctl get events
	on node1 lbctl delete ingress bad >/dev/null
}

# ------------------------------------------------------------- what goes on --

# The default backend is bar's for all hosts, so every request has an answer with 200.
rule_changes() {
	local pid
	pid=$(master)
	load_start
	for i in $(seq 20); do
		ingress_apply || break
	done
	check '20 rule changes, each served' [ "$i" = 20 ]
	check 'meanwhile no request failed' json '.failed == 0 and .ok > 1000' load_end
	check 'the upgraded connection goes on' upgrade_goes_on
	check 'it is the same master' [ "$(master)" = "$pid" ]
}

# Endpoints are the kernel's: HAProxy hears nothing of them.
endpoint_changes() {
	local before
	ingress_apply -f kubia/kubia-ingress.yaml
	ingress_apply -f - <<-'END'
		apiVersion: networking.k8s.io/v1
		kind: Ingress
		metadata: {name: socket}
		spec:
		  defaultBackend: {service: {name: kubia, port: {number: 80}}}
		  rules:
		  - host: socket.example.com
		    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: socket, port: {number: 80}}}}]}
	END
	before=$(configurations)
	load_start
	for _ in 1 2 3 4 5; do
		on node1 lbctl get pod kubia-4h2mx -o json | jq '.metadata.labels.app = "out"' |
			on node1 lbctl apply -f - >/dev/null
		on node1 lbctl apply -f kubia/cluster.yaml >/dev/null
	done
	check 'endpoint changes: no request failed' json '.failed == 0 and .ok > 100' load_end
	check 'endpoint changes: no reload' [ "$(configurations)" = "$before" ]
	on node1 lbctl delete pod kubia-4h2mx kubia-lq7dn >/dev/null
	check 'only the pod that is left' hits kubia-9tcwz 5 client http://kubia.example.com/ \
		--connect-to "::$NODE:"
	on node1 lbctl delete pod kubia-9tcwz >/dev/null
	check 'no pod: 503' code 503 http://kubia.example.com/
	on node1 lbctl apply -f kubia/cluster.yaml >/dev/null
	check 'all again' hits "$KUBIA" 20 client http://kubia.example.com/ --connect-to "::$NODE:"
}

the_agent() {
	local pid
	pid=$(master)
	check 'HAProxy is nobody of importance' [ "$(stat -c %U "/proc/$pid")" != root ]
	check 'and may bind low ports, no more' grep -q '^CapEff:[[:space:]]*0*400$' "/proc/$pid/status"
	check 'in a session of its own' [ "$(cut -d' ' -f6 "/proc/$pid/stat")" = "$pid" ]
	agent_kill node1
	check 'without an agent: served' prints "^You've hit kubia" web http://kubia.example.com/
	agent_start node1
	check 'a new agent takes it over' ingress_apply
	check 'the same process' [ -d "/proc/$pid" ]
	check 'the upgraded connection goes on through it' upgrade_goes_on
	kill -KILL "$pid"
	check 'killed, it is started again' stage_eventually 15 prints "^You've hit kubia" \
		web http://kubia.example.com/
	rm "$STAGE/upgrade"
	wait "$UPGRADE" || true
	on node1 lbctl delete ingress kubia hosts socket generation >/dev/null
	check 'no Ingress: no HAProxy' stage_eventually 15 fails master
	check 'and nobody listens' fails web http://kubia.example.com/
	ingress_apply -f kubia/kubia-ingress.yaml
	check 'it comes again' stage_eventually 15 web http://kubia.example.com/
	agent_kill node1 TERM
	check 'it ends with the agent' fails web http://kubia.example.com/
	check 'and leaves no keys' [ -z "$(find "$STAGE/node1/run/ingress" -type f)" ]
	agent_start node1
	check 'and begins with it' stage_eventually 15 web http://kubia.example.com/
}

ingress_stage
one_host
paths_and_hosts
tls
annotations
bad_ones
upgrade_start
rule_changes
endpoint_changes
the_agent
checks_done
