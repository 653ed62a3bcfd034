/* SPDX-License-Identifier: Apache-2.0 */
/* What annotations become in HAProxy's configuration, and that HAProxy takes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/ingress/cluster.h"
#include "user/ingress/certificate.h"
#include "user/ingress/render.h"
#include "user/util/spawn.h"

#define NGINX "nginx.ingress.kubernetes.io/"
#define INGRESS(annotations, spec)                          \
	"apiVersion: networking.k8s.io/v1\nkind: Ingress\n" \
	"metadata: {name: i, annotations: {" annotations "}}\nspec:\n" spec
#define PATH(path)                                                              \
	"  rules: [{host: a.test, http: {paths: [{path: '" path "', pathType: " \
	"ImplementationSpecific, backend: {service: {name: a, port: {number: 80}}}}]}}]\n"
#define USERS                                                          \
	"---\napiVersion: v1\nkind: Secret\nmetadata: {name: users}\n" \
	"stringData: {auth: 'me:$2y$05$abcdefghijklmnopqrstuu5Lo0g67CiD3M4RpN1BmBb4Crp5w7dbK'}\n"
#define CANARY(annotations)                                                              \
	"---\napiVersion: networking.k8s.io/v1\nkind: Ingress\n"                         \
	"metadata: {name: z, annotations: {lbctl.io/canary: 'true', " annotations "}}\n" \
	"spec:\n  rules: [{host: a.test, http: {paths: [{path: /, pathType: Prefix, "    \
	"backend: {service: {name: b, port: {number: 80}}}}]}}]\n"
#define HEADLESS                                                      \
	"---\napiVersion: v1\nkind: Service\nmetadata: {name: h}\n"   \
	"spec: {clusterIP: None, ports: [{port: 80}]}\n"              \
	"---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: h}\n" \
	"subsets: [{addresses: [{ip: 10.1.1.1}, {ip: 10.1.1.2}], ports: [{port: 8080}]}]\n"

#define CLASS(from)                                                                  \
	"---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\n"                \
	"metadata: {name: x, annotations: {lbctl.io/proxy-protocol-from: " from ", " \
	"ingressclass.kubernetes.io/is-default-class: 'true'}}\n"                    \
	"spec: {controller: lbctl.io/ingress}\n"

/* lines: each has to be in the backend, or in the frontend; absent: must not be anywhere. */
static const struct render_case {
	const char *name, *objects;
	const char *lines[6];
	const char *absent;
} cases[] = {
	{ "plain",
	  INGRESS("", PATH("/")),
	  { "backend default:i:a:0\n\tserver s1 10.96.0.1:80\n\tserver s2 10.96.0.1:80\n" },
	  "redirect code" },
	{ "redirect where there is TLS",
	  INGRESS("", "  tls: [{hosts: [a.test]}]\n" PATH("/")),
	  { "\thttp-request redirect code 308 location "
	    "https://%[var(txn.host)]%[pathq] unless { ssl_fc }\n" },
	  NULL },
	{ "redirect for a host below a wildcard",
	  INGRESS("", "  tls: [{hosts: ['*.test']}]\n" PATH("/")),
	  { "redirect code 308" },
	  NULL },
	{ "no redirect for another host's TLS",
	  INGRESS("", "  tls: [{hosts: [b.test]}]\n" PATH("/")),
	  { "server" },
	  "redirect code" },
	{ "redirect switched off",
	  INGRESS(NGINX "ssl-redirect: 'false'", "  tls: [{hosts: [a.test]}]\n" PATH("/")),
	  { "server" },
	  "redirect code" },
	{ "redirect without TLS",
	  INGRESS("lbctl.io/force-ssl-redirect: 'true'", PATH("/")),
	  { "redirect code 308" },
	  NULL },
	{ "our name counts before the other",
	  INGRESS("lbctl.io/ssl-redirect: 'true', " NGINX "ssl-redirect: 'false'",
		  "  tls: [{hosts: [a.test]}]\n" PATH("/")),
	  { "redirect code 308" },
	  NULL },
	{ "rewrite of all",
	  INGRESS(NGINX "rewrite-target: /x%y", PATH("/foo")),
	  { "\thttp-request replace-path '^.*$' '/x%%y'\n" },
	  NULL },
	{ "rewrite of what is below",
	  INGRESS(NGINX "rewrite-target: /$2", PATH("/foo.x(/|$)(.*)")),
	  { "\thttp-request replace-path '^/foo\\x2ex(/|$)(.*)$' '/\\2'\n" },
	  NULL },
	{ "rewrite of what is below, in its other form",
	  INGRESS(NGINX "rewrite-target: /to/$1", PATH("/foo/(.*)")),
	  { "\thttp-request replace-path '^/foo(/|$)(.*)$' '/to/\\2'\n" },
	  NULL },
	{ "rewrite by groups of an expression",
	  INGRESS(NGINX "rewrite-target: /$2/$1-$9%", PATH("/(it''s|is)/([0-9]+)\\.x")),
	  { "\thttp-request replace-path '^(?i:/(it'\\''s|is)/([0-9]+)\\.x)' '/\\2/\\1-\\9%%'\n",
	    "map_reg(@folder@/regex.map) if { var(txn.rules) -m beg r }" },
	  NULL },
	{ "no expression, no list of them",
	  INGRESS(NGINX "use-regex: 'true'", PATH("/foo.html")),
	  { "server" },
	  "map_reg" },
	{ "HTTPS",
	  INGRESS("lbctl.io/backend-protocol: https", PATH("/")),
	  { "\tserver s1 10.96.0.1:80 ssl verify none\n" },
	  NULL },
	{ "GRPC",
	  INGRESS(NGINX "backend-protocol: GRPC", PATH("/")),
	  { "\tserver s1 10.96.0.1:80 proto h2\n" },
	  NULL },
	{ "GRPCS",
	  INGRESS(NGINX "backend-protocol: GRPCS", PATH("/")),
	  { "\tserver s1 10.96.0.1:80 ssl verify none alpn h2\n" },
	  NULL },
	{ "timeouts",
	  INGRESS(NGINX "proxy-connect-timeout: '3', " NGINX "proxy-read-timeout: '90s'",
		  PATH("/")),
	  { "\ttimeout connect 3s\n", "\ttimeout server 90s\n", "\ttimeout tunnel 90s\n" },
	  NULL },
	{ "body size",
	  INGRESS(NGINX "proxy-body-size: 8m", PATH("/")),
	  { "deny deny_status 413 if { req.body_size gt 8388608 }\n" },
	  NULL },
	{ "no body size",
	  INGRESS(NGINX "proxy-body-size: '0'", PATH("/")),
	  { "server" },
	  "body_size" },
	{ "allowed",
	  INGRESS(NGINX "whitelist-source-range: '10.0.0.0/8, 192.0.2.7,2001:db8::/32'", PATH("/")),
	  { "\tacl allowed src 10.0.0.0/8\n", "\tacl allowed src 192.0.2.7/32\n",
	    "\tacl allowed src 2001:db8::/32\n", "deny deny_status 403 unless allowed\n" },
	  NULL },
	{ "denied",
	  INGRESS("lbctl.io/deny: 10.0.0.0/8", PATH("/")),
	  { "\tacl denied src 10.0.0.0/8\n", "deny deny_status 403 if denied\n" },
	  NULL },
	{ "rate",
	  INGRESS(NGINX "limit-rps: '10', " NGINX "limit-connections: '3'", PATH("/")),
	  { "\thttp-request track-sc0 src table default:i:a:0.rps\n",
	    "deny deny_status 429 if { sc_http_req_rate(0) gt 50 }\n",
	    "deny deny_status 429 if { sc_conn_cur(2) gt 3 }\n",
	    "backend default:i:a:0.rps\n\tstick-table type ipv6 size 100k expire 120s store "
	    "http_req_rate(5s)\n" },
	  NULL },
	{ "rate a minute",
	  INGRESS(NGINX "limit-rpm: '10'", PATH("/")),
	  { "{ sc_http_req_rate(1) gt 10 }\n", "store http_req_rate(60s)\n" },
	  NULL },
	{ "basic auth",
	  INGRESS(NGINX "auth-type: basic, " NGINX "auth-secret: users, " NGINX
			"auth-realm: \"it's me\"",
		  PATH("/")) USERS,
	  { "\thttp-request auth realm 'it'\\''s me' unless { http_auth(users-0) }\n",
	    "userlist users-0\n\tuser me password '$2y$05$" },
	  NULL },
	{ "cookie affinity",
	  INGRESS(NGINX "affinity: cookie, " NGINX "session-cookie-name: route",
		  "  defaultBackend: {service: {name: h, port: {number: 80}}}\n") HEADLESS,
	  { "\tcookie route insert indirect nocache httponly dynamic\n",
	    "\tserver s1 10.1.1.1:8080\n\tserver s2 10.1.1.2:8080\n"
	    "\tserver s3 0.0.0.0:0 disabled\n" },
	  NULL },
	{ "the name of a cookie alone",
	  INGRESS(NGINX "session-cookie-name: route", PATH("/")),
	  { "server" },
	  "cookie" },
	{ "headless",
	  INGRESS("", "  defaultBackend: {service: {name: h, port: {number: 80}}}\n") HEADLESS,
	  { "backend default:i:h:default\n\tserver s1 10.1.1.1:8080\n\tserver s2 10.1.1.2:8080\n" },
	  "server s9" },
	{ "canary by weight",
	  INGRESS("", PATH("/")) CANARY("lbctl.io/canary-weight: '5'"),
	  { "\tuse_backend default:z:b:0 if { var(txn.route) -m str default:i:a:0 } "
	    "{ rand(100) lt 5 }\n" },
	  NULL },
	{ "canary by header",
	  INGRESS("", PATH("/"))
		  CANARY(NGINX "canary-by-header: X-New, lbctl.io/canary-weight: '5'"),
	  { "{ req.hdr(X-New) -m str 'always' }\n",
	    "{ rand(100) lt 5 } !{ req.hdr(X-New) -m str never }\n" },
	  NULL },
	{ "canary by a header's value",
	  INGRESS("", PATH("/"))
		  CANARY(NGINX "canary-by-header: X-New, " NGINX "canary-by-header-value: 'it is'"),
	  { "{ req.hdr(X-New) -m str 'it is' }\n" },
	  "rand" },
	{ "canary by cookie",
	  INGRESS("", PATH("/")) CANARY(NGINX "canary-by-cookie: new"),
	  { "{ req.cook(new) -m str always }\n" },
	  "rand" },
	{ "CORS, everybody",
	  INGRESS(NGINX "enable-cors: 'true'", PATH("/")),
	  { "\thttp-request return status 204 hdr Access-Control-Allow-Origin * hdr ",
	    "hdr Access-Control-Max-Age 1728000 if METH_OPTIONS { var(txn.origin) -m found }\n",
	    "\thttp-response set-header Access-Control-Allow-Credentials 'true' if " },
	  "Vary" },
	{ "CORS, some",
	  INGRESS(NGINX "enable-cors: 'true', " NGINX
			"cors-allow-origin: 'https://x.test, https://y.test', " NGINX
			"cors-allow-credentials: 'false', " NGINX "cors-max-age: '60'",
		  PATH("/")),
	  { "\tacl origin var(txn.origin) -m str -i 'https://x.test'\n",
	    "\tacl origin var(txn.origin) -m str -i 'https://y.test'\n",
	    "\thttp-response set-header Access-Control-Allow-Origin %[var(txn.origin)] if "
	    "origin\n",
	    "hdr Access-Control-Max-Age 60 if METH_OPTIONS origin\n", "'Origin'" },
	  "Credentials" },
	{ "PROXY protocol",
	  INGRESS("", PATH("/")) CLASS("'192.0.2.7, 10.0.0.0/8'"),
	  { "\tacl trusted src 192.0.2.7/32\n\tacl trusted src 10.0.0.0/8\n"
	    "\ttcp-request connection expect-proxy layer4 if trusted\n" },
	  NULL },
	{ "PROXY protocol from whom nobody knows",
	  INGRESS("", PATH("/")) CLASS("'192.0.2.7, everybody'"),
	  { "server" },
	  "expect-proxy" },
	{ "PROXY protocol is none of an Ingress's business",
	  INGRESS("lbctl.io/proxy-protocol-from: 0.0.0.0/0", PATH("/")),
	  { "server" },
	  "expect-proxy" },
	{ "what a guard cannot read answers 503",
	  INGRESS("lbctl.io/allow: nobody", PATH("/")),
	  { "backend default:i:a:0\n\thttp-request return status 503\n" },
	  "server s1" },
};

static void files_make(const char *objects, struct ingress_files *ret_files)
{
	struct store *store = cluster_new(objects);
	struct ingress_listen listen = { .http_port = 80, .https_port = 443 };
	cleanup_free char *pem = NULL;
	struct ingress_pools none = { 0 }, pools;
	struct ingress_rules rules;
	struct err err;

	assert_int_equal(certificate_self_signed(&pem, &err), 0);
	rules_make(store, NULL, &rules);
	pools_make(&rules, &none, &pools);
	render_files(&rules, &pools, &listen, pem, ret_files);
	pools_free(&pools);
	rules_done(&rules);
	store_free(store);
}

static void test_config(void **state)
{
	const struct render_case *test = *state;
	struct ingress_files files;
	const char *config;

	files_make(test->objects, &files);
	config = files.items[0].text;
	assert_string_equal(files.items[0].name, "haproxy.cfg");
	for (size_t i = 0; i < ARRAY_LEN(test->lines) && test->lines[i]; i++)
		if (!strstr(config, test->lines[i]))
			fail_msg("not there: %s\n%s", test->lines[i], config);
	if (test->absent && strstr(config, test->absent))
		fail_msg("there: %s\n%s", test->absent, config);
	render_files_free(&files);
}

/* ------------------------------------------------------------------- HAProxy -- */

static void file_put(const char *folder, const struct ingress_file *file)
{
	cleanup_free char *path = xasprintf("%s/%s", folder, file->name);
	const char *text = file->text, *next;
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	for (; (next = strstr(text, RENDER_FOLDER)); text = next + strlen(RENDER_FOLDER))
		fprintf(out, "%.*s%s", (int)(next - text), text, folder);
	fputs(text, out);
	fclose(out);
}

/* Where it is not installed there is nothing to ask. */
static void test_haproxy(void **state)
{
	const struct render_case *test = *state;
	char folder[] = "/tmp/ingress-XXXXXX";
	struct ingress_files files;
	struct err err = { "" };
	int status = 1;

	if (access("/usr/sbin/haproxy", X_OK))
		skip();
	assert_non_null(mkdtemp(folder));
	files_make(test->objects, &files);
	for (size_t i = 0; i < files.n; i++)
		file_put(folder, &files.items[i]);
	{
		cleanup_free char *config = xasprintf("%s/haproxy.cfg", folder);
		const char *argv[] = { "/usr/sbin/haproxy", "-c", "-q", "-f", config, NULL };

		assert_int_equal(spawn_wait((char *const *)argv, &status, &err), 0);
	}
	for (size_t i = 0; i < files.n; i++) {
		cleanup_free char *path = xasprintf("%s/%s", folder, files.items[i].name);

		unlink(path);
	}
	rmdir(folder);
	render_files_free(&files);
	assert_int_equal(status, 0);
}

static void test_maps(void **state)
{
	static const char *const want[][2] = {
		{ "hosts.map", "a.test h2\n" },
		{ "wildcards.map", ".test h1\n" },
		{ "exact.map", "h2/x default:i:a:0\n" },
		{ "prefix.map",
		  "h0/ default:i:b:default\nh1/ default:i:b:default\nh1/y/ default:i:a:2\n"
		  "h2/ default:i:b:default\nh2/x/ default:i:a:1\n" },
	};
	struct ingress_files files;

	(void)state;
	files_make(INGRESS("",
			   "  defaultBackend: {service: {name: b, port: {number: 80}}}\n"
			   "  rules:\n"
			   "  - host: a.test\n"
			   "    http:\n"
			   "      paths:\n"
			   "      - {path: /x, pathType: Exact, backend: &a {service: {name: a, "
			   "port: {number: 80}}}}\n"
			   "      - {path: /x/, pathType: Prefix, backend: *a}\n"
			   "  - host: '*.test'\n"
			   "    http: {paths: [{path: /y, pathType: Prefix, backend: *a}]}\n"),
		   &files);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_string_equal(files.items[i + 1].name, want[i][0]);
		assert_string_equal(files.items[i + 1].text, want[i][1]);
	}
	render_files_free(&files);
}

static void test_regex_map(void **state)
{
	struct ingress_files files;

	(void)state;
	files_make(INGRESS("lbctl.io/use-regex: 'true'",
			   "  rules:\n"
			   "  - http:\n"
			   "      paths:\n"
			   "      - {path: /a.b, pathType: Prefix, backend: &a {service: {name: a, "
			   "port: {number: 80}}}}\n"
			   "      - {path: '/[xy]+/z', pathType: ImplementationSpecific, backend: "
			   "*a}\n"
			   "      - {path: /e, pathType: Exact, backend: *a}\n"
			   "  - host: plain.test\n"
			   "    http: {paths: [{path: /y, pathType: Prefix, backend: *a}]}\n"),
		   &files);
	assert_string_equal(files.items[1].text, "plain.test h1\n");
	assert_string_equal(files.items[3].text, "r0/e default:i:a:2\n");
	assert_string_equal(files.items[4].text, "h1/y/ default:i:a:3\n");
	assert_string_equal(files.items[5].name, "regex.map");
	assert_string_equal(files.items[5].text, "^r0(?i:/[xy]+/z) default:i:a:1\n"
						 "^r0/a\\x2eb(/|$) default:i:a:0\n");
	assert_non_null(strstr(files.items[0].text, "hosts.map,r0)"));
	render_files_free(&files);
}

int main(void)
{
	struct CMUnitTest tests[2 * ARRAY_LEN(cases) + 2];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		tests[n++] = (struct CMUnitTest){ cases[i].name, test_config, NULL, NULL,
						  (void *)&cases[i] };
		tests[n++] = (struct CMUnitTest){ cases[i].name, test_haproxy, NULL, NULL,
						  (void *)&cases[i] };
	}
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_maps);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_regex_map);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
