# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The objects that the table of requests asks: Services that tell who they are by their port, and
# Ingresses of every kind. Prints YAML.

# rule SERVICE PATH [TYPE]: one path of a host.
rule() {
	echo "{path: '$2', pathType: ${3:-Prefix}, backend: {service: {name: $1, port: {number: 80}}}}"
}

# ingress NAME 'ANNOTATIONS' 'MORE OF SPEC' HOST RULE...
ingress() {
	local name=$1 annotations=$2 spec=$3 host=$4 rules
	shift 4
	rules=$(printf '%s, ' "$@")
	cat <<-END
		---
		apiVersion: networking.k8s.io/v1
		kind: Ingress
		metadata: {name: $name, creationTimestamp: "2026-01-01T00:00:00Z", annotations: {$annotations}}
		spec:
		  ${spec:-rules:}
		${spec:+  rules:}
		  - ${host:+host: '$host'
		    }http: {paths: [$rules]}
	END
}

service() {
	cat <<-END
		---
		apiVersion: v1
		kind: Service
		metadata: {name: $1}
		spec: {selector: {app: bar}, ports: [{name: http, port: 80, targetPort: $2}]}
	END
}

services() {
	local i=0 name
	for name in a b c d e; do
		i=$((i + 1))
		service $name 810$i
	done
	service h2c 8111
	service https 8112
	service grpcs 8113
	service mutual 8114
	service grpc 8115
	service nobody 8119
}

routing() {
	ingress paths '' '' paths.example.com "$(rule a /)" "$(rule b /foo)" "$(rule c /foo/bar)" \
		"$(rule d /foo Exact)" "$(rule e /impl ImplementationSpecific)" \
		"$(rule b /aaa/bbb/)" "$(rule c /exact/ Exact)" "$(rule d /Case)"
	ingress few '' '' few.example.com "$(rule a /only)" "$(rule b /exact Exact)"
	ingress wild '' '' '*.wild.example.com' "$(rule b /)"
	ingress one '' '' one.wild.example.com "$(rule c /one)"
	ingress nohost '' '' '' "$(rule e /nohost)"
	ingress merged '' '' few.example.com "$(rule c /more)"
	ingress younger '' '' few.example.com "$(rule d /only)" "$(rule d /young)" |
		sed 's/2026-01-01/2026-02-01/'
	ingress other '' 'ingressClassName: other' other.example.com "$(rule a /)"
	ingress ours '' 'ingressClassName: lbctl' ours.example.com "$(rule a /)"
	ingress annotated-class 'kubernetes.io/ingress.class: lbctl' '' old-class.example.com "$(rule a /)"
	ingress gone '' '' gone.example.com "$(rule missing /)" "$(rule a /there)"
	ingress empty '' '' empty.example.com "$(rule nobody /)"
	cat <<-'END'
		---
		apiVersion: extensions/v1beta1
		kind: Ingress
		metadata: {name: beta-extensions}
		spec:
		  rules:
		  - host: beta1.example.com
		    http: {paths: [{path: /x, backend: {serviceName: a, servicePort: 80}}]}
		---
		apiVersion: networking.k8s.io/v1beta1
		kind: Ingress
		metadata: {name: beta-networking}
		spec:
		  rules:
		  - host: beta2.example.com
		    http: {paths: [{path: /x, backend: {serviceName: b, servicePort: http}}]}
	END
}

# Whoever has none of his own gets it: so it comes after all that is to be refused.
default_object() {
	ingress default '' 'defaultBackend: {service: {name: d, port: {name: http}}}' \
		default.example.com "$(rule a /a)"
}

secret_tls() {
	cat <<-END
		---
		apiVersion: v1
		kind: Secret
		metadata: {name: $1}
		type: kubernetes.io/tls
		data: {tls.crt: $(base64 -w0 "$STAGE/$1.crt"), tls.key: $(base64 -w0 "$STAGE/$1.key")}
	END
}

secret_ca() {
	cat <<-END
		---
		apiVersion: v1
		kind: Secret
		metadata: {name: $1}
		data: {ca.crt: $(base64 -w0 "$2")${3:+, tls.crt: $(base64 -w0 "$3.crt"), tls.key: $(base64 -w0 "$3.key")}}
	END
}

tls_objects() {
	local tls
	secret_tls one
	secret_tls wildcard
	secret_tls both-ecdsa
	secret_tls both-rsa
	secret_ca authority "$STAGE/authority.crt"
	secret_ca pods "$STAGE/tls.crt" "$STAGE/member"
	tls='tls: [{secretName: one, hosts: [tls.example.com, plain.example.com, forced.example.com]}]'
	ingress tls '' "$tls" tls.example.com "$(rule a /)"
	ingress plain 'nginx.ingress.kubernetes.io/ssl-redirect: "false"' "$tls" plain.example.com \
		"$(rule a /)"
	ingress forced 'lbctl.io/force-ssl-redirect: "true"' '' forced2.example.com "$(rule a /)"
	ingress wild-tls '' 'tls: [{secretName: wildcard, hosts: ["*.wtls.example.com"]}]' \
		'*.wtls.example.com' "$(rule b /)"
	ingress both '' 'tls: [{secretName: both-ecdsa, hosts: [both.example.com]}, {secretName: both-rsa, hosts: [both.example.com]}]' \
		both.example.com "$(rule c /)"
	ingress members 'nginx.ingress.kubernetes.io/auth-tls-secret: default/authority' \
		'tls: [{secretName: one, hosts: [members.example.com]}]' members.example.com "$(rule a /)"
	ingress guests 'nginx.ingress.kubernetes.io/auth-tls-secret: default/authority, nginx.ingress.kubernetes.io/auth-tls-verify-client: optional' \
		'' guests.wtls.example.com "$(rule b /)"
}

annotated_objects() {
	local nginx=nginx.ingress.kubernetes.io
	cat <<-END
		---
		apiVersion: v1
		kind: Secret
		metadata: {name: users}
		stringData: {auth: 'me:$(openssl passwd -6 secret)'}
	END
	ingress rewrite "$nginx/rewrite-target: /new" '' rewrite.example.com "$(rule a /old)"
	ingress rewrite-below "$nginx/rewrite-target: /\$2" '' below.example.com \
		"$(rule a '/api(/|$)(.*)' ImplementationSpecific)"
	ingress regex "$nginx/use-regex: 'true', $nginx/rewrite-target: /\$2/of/\$1" '' \
		regex.example.com "$(rule a '/user/([0-9]+)/(name|mail)$' ImplementationSpecific)"
	ingress regex-more "$nginx/use-regex: 'true'" '' regex.example.com \
		"$(rule b '/img/.*\.(png|jpe?g)' ImplementationSpecific)" "$(rule c /img)" \
		"$(rule d /user/1/name Exact)"
	ingress inside 'lbctl.io/allow: 10.0.0.0/8' '' inside.example.com "$(rule a /)"
	ingress allowed "$nginx/whitelist-source-range: '192.0.2.0/24,10.0.0.0/8'" '' allowed.example.com \
		"$(rule a /)"
	ingress denied "$nginx/denylist-source-range: 192.0.2.10" '' denied.example.com "$(rule a /)"
	ingress auth "$nginx/auth-type: basic, $nginx/auth-secret: users, $nginx/auth-realm: Keep out" '' \
		auth.example.com "$(rule a /)"
	ingress small 'lbctl.io/body-size: "100"' '' small.example.com "$(rule a /)"
	ingress large "$nginx/proxy-body-size: 20k" '' large.example.com "$(rule a /)"
	ingress cors "$nginx/enable-cors: 'true', $nginx/cors-allow-origin: 'https://x.test'" '' \
		cors.example.com "$(rule a /)"
	ingress cors-all "lbctl.io/cors: 'true'" '' cors-all.example.com "$(rule a /)"
	ingress main '' '' canary.example.com "$(rule a /)"
	ingress canary "lbctl.io/canary: 'true', $nginx/canary-by-header: X-New, $nginx/canary-by-cookie: new" '' \
		canary.example.com "$(rule b /)"
	ingress weighed '' '' weighed.example.com "$(rule a /)"
	ingress weight "$nginx/canary: 'true', $nginx/canary-weight: '100'" '' weighed.example.com "$(rule b /)"
	ingress value '' '' value.example.com "$(rule a /)"
	ingress value-canary "$nginx/canary: 'true', $nginx/canary-by-header: X-Who, $nginx/canary-by-header-value: me" '' \
		value.example.com "$(rule b /)"
	ingress h2c 'lbctl.io/backend-protocol: H2C' '' h2c.example.com "$(rule h2c /)"
	ingress grpc "$nginx/backend-protocol: GRPC" 'tls: [{secretName: one, hosts: [grpc.example.com]}]' \
		grpc.example.com "$(rule grpc /)"
	ingress grpcs "$nginx/backend-protocol: GRPCS" '' grpcs.example.com "$(rule grpcs /)"
	ingress https "$nginx/backend-protocol: HTTPS" '' https.example.com "$(rule https /)"
	ingress verified "$nginx/backend-protocol: HTTPS, $nginx/proxy-ssl-verify: 'on', $nginx/proxy-ssl-secret: default/pods, $nginx/proxy-ssl-name: kubia" '' \
		verified.example.com "$(rule https /)"
	ingress misnamed "$nginx/backend-protocol: HTTPS, $nginx/proxy-ssl-verify: 'on', $nginx/proxy-ssl-secret: default/pods" '' \
		misnamed.example.com "$(rule https /)"
	ingress mistrusted "$nginx/backend-protocol: HTTPS, $nginx/proxy-ssl-verify: 'on', $nginx/proxy-ssl-secret: authority, $nginx/proxy-ssl-name: kubia" '' \
		mistrusted.example.com "$(rule https /)"
	ingress mutual "$nginx/backend-protocol: HTTPS, $nginx/proxy-ssl-secret: pods" '' \
		mutual.example.com "$(rule mutual /)"
	ingress stranger "$nginx/backend-protocol: HTTPS" '' stranger.example.com "$(rule mutual /)"
	ingress stolen "$nginx/auth-tls-secret: other/authority" '' stolen.example.com "$(rule a /)"
	ingress snippet "$nginx/configuration-snippet: 'return 200;'" '' snippet.example.com "$(rule a /)"
	ingress sticky "$nginx/affinity: cookie, $nginx/session-cookie-name: pod" '' sticky.example.com "$(rule a /)"
	ingress rate "$nginx/limit-rps: '100'" '' rate.example.com "$(rule a /)"
}
