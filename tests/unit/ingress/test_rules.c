/* SPDX-License-Identifier: Apache-2.0 */
/* Which rule a request meets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/ingress/cluster.h"

#define INGRESS(name, created)                                                      \
	"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: " name \
	"\n  creationTimestamp: '2026-01-" created "T00:00:00Z'\n"
#define PATH(path, type, service)                            \
	"- {path: '" path "', pathType: " type ", backend: " \
	"{service: {name: " service ", port: {number: 80}}}}\n"

/* One host with all kinds of paths, a wildcard below the same domain, and no host. */
static const char hosts
	[] = INGRESS("hosts",
		     "01") "spec:\n"
			   "  rules:\n"
			   "  - host: foo.example.com\n"
			   "    http:\n"
			   "      paths:\n"
			   "      " PATH("/foo", "Prefix", "a") "      " PATH("/foo", "Exact", "b") "      " PATH("/aaa/bbb/", "Prefix", "a") "      " PATH(
				   "/aaa", "Prefix",
				   "b") "      " PATH("/exact/", "Exact",
						      "a") "      " PATH("/any",
									 "ImplementationSpecific",
									 "a") "      " PATH("/re(/"
											    "|$)(.*"
											    ")",
											    "Implem"
											    "entati"
											    "onSpec"
											    "ific",
											    "b") " "
												 " "
												 "-"
												 " "
												 "h"
												 "o"
												 "s"
												 "t"
												 ":"
												 " "
												 "'"
												 "*"
												 "."
												 "e"
												 "x"
												 "a"
												 "m"
												 "p"
												 "l"
												 "e"
												 "."
												 "c"
												 "o"
												 "m"
												 "'"
												 "\n"
												 " "
												 " "
												 " "
												 " "
												 "h"
												 "t"
												 "t"
												 "p"
												 ":"
												 "\n"
												 " "
												 " "
												 " "
												 " "
												 " "
												 " "
												 "p"
												 "a"
												 "t"
												 "h"
												 "s"
												 ":"
												 "\n"
												 " "
												 " "
												 " "
												 " "
												 " "
												 " " PATH(
													 "/",
													 "Prefix",
													 "b") "  - http:\n"
													      "      paths:\n"
													      "      " PATH(
														      "/foo",
														      "Prefix",
														      "b");

/* Two Ingresses for one host; the younger one comes first by name. */
static const char conflict[] =
	INGRESS("a-young",
		"02") "spec:\n"
		      "  rules:\n"
		      "  - host: foo.example.com\n"
		      "    http:\n"
		      "      paths:\n"
		      "      " PATH("/", "Prefix", "b") "      " PATH(
			      "/young", "Prefix",
			      "b") "---\n" INGRESS("old", "01") "spec:\n"
								"  rules:\n"
								"  - host: foo.example.com\n"
								"    http:\n"
								"      paths:\n"
								"      " PATH("/", "Prefix", "a");

/* A default of the host's own, and one of all. */
static const char defaults[] = INGRESS(
	"all",
	"01") "spec:\n"
	      "  defaultBackend: {service: {name: a, port: {name: http}}}\n"
	      "---\n" INGRESS("own",
			      "02") "spec:\n"
				    "  defaultBackend: {service: {name: b, port: {number: 80}}}\n"
				    "  rules:\n"
				    "  - host: own.example.com\n"
				    "    http:\n"
				    "      paths:\n"
				    "      " PATH("/b", "Prefix", "a") "---\n" INGRESS(
					    "none", "03") "spec:\n"
							  "  rules:\n"
							  "  - host: none.example.com\n"
							  "    http:\n"
							  "      paths:\n"
							  "      " PATH("/b", "Exact", "b");

static const char classes[] = INGRESS(
	"theirs", "01") "spec:\n"
			"  ingressClassName: nginx\n"
			"  defaultBackend: {service: {name: a, port: {number: 80}}}\n"
			"---\n"
			"apiVersion: extensions/v1beta1\nkind: Ingress\n"
			"metadata: {name: old, annotations: {kubernetes.io/ingress.class: lbctl}}\n"
			"spec: {rules: [{host: old.example.com, http: {paths: "
			"[{backend: {serviceName: a, servicePort: 80}}]}}]}\n"
			"---\n"
			"apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\n"
			"metadata: {name: older}\n"
			"spec: {rules: [{host: older.example.com, http: {paths: "
			"[{path: /x, backend: {serviceName: b, servicePort: http}}]}}]}\n";

/* nginx is ours here, and the default class somebody else's. */
static const char named_classes[] =
	"apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx}\n"
	"spec: {controller: lbctl.io/ingress}\n"
	"---\n"
	"apiVersion: networking.k8s.io/v1\nkind: IngressClass\n"
	"metadata: {name: x, annotations: {ingressclass.kubernetes.io/is-default-class: 'true'}}\n"
	"spec: {controller: example.com/x}\n"
	"---\n" INGRESS(
		"ours",
		"01") "spec:\n"
		      "  ingressClassName: nginx\n"
		      "  rules:\n  - host: ours.test\n    http:\n      paths:\n"
		      "      " PATH("/", "Prefix", "a") "---\n" INGRESS(
			      "none",
			      "01") "spec:\n"
				    "  rules:\n  - host: none.test\n    http:\n      paths:\n"
				    "      " PATH("/", "Prefix", "a");

/* With expressions the longest path is tried first, whatever kind it is of. */
#define REGEX(paths)                                                       \
	"apiVersion: networking.k8s.io/v1\nkind: Ingress\n"                \
	"metadata: {name: r, annotations: {lbctl.io/use-regex: 'true'}}\n" \
	"spec:\n  rules:\n  - host: r.test\n    http:\n      paths:\n      " paths

static const char expressions[] =
	REGEX(PATH("/api/v[0-9]+/.*", "ImplementationSpecific", "a") "      " PATH(
		"/", "Prefix", "b") "      " PATH("/api/v1/is-much-longer", "Prefix",
						  "c") "      " PATH("/api/v1/e", "Exact", "b"));

static const struct match_case {
	const char *name, *objects, *host, *path;
	const char *service; /* NULL: nobody has it */
} match_cases[] = {
	{ "exact before prefix", hosts, "foo.example.com", "/foo", "b" },
	{ "prefix with a slash", hosts, "foo.example.com", "/foo/", "a" },
	{ "prefix, an element more", hosts, "foo.example.com", "/foo/x", "a" },
	{ "prefix is by elements", hosts, "foo.example.com", "/foobar", NULL },
	{ "prefix minds the case", hosts, "foo.example.com", "/Foo/x", NULL },
	{ "a slash at the end of the rule says nothing", hosts, "foo.example.com", "/aaa/bbb",
	  "a" },
	{ "longest prefix", hosts, "foo.example.com", "/aaa/bbb/ccc", "a" },
	{ "shorter prefix", hosts, "foo.example.com", "/aaa/bbbxyz", "b" },
	{ "exact with a slash", hosts, "foo.example.com", "/exact/", "a" },
	{ "exact without it", hosts, "foo.example.com", "/exact", NULL },
	{ "exact, an element more", hosts, "foo.example.com", "/exact/x", NULL },
	{ "implementation specific is a prefix", hosts, "foo.example.com", "/any/x", "a" },
	{ "a pattern is a prefix, too", hosts, "foo.example.com", "/re/x/y", "b" },
	{ "the pattern's prefix itself", hosts, "foo.example.com", "/re", "b" },
	{ "the pattern is by elements", hosts, "foo.example.com", "/rex", NULL },
	{ "a host's rules are all it has", hosts, "foo.example.com", "/bar", NULL },
	{ "wildcard", hosts, "bar.example.com", "/anything", "b" },
	{ "wildcard is one label", hosts, "baz.bar.example.com", "/anything", NULL },
	{ "wildcard is not none", hosts, "example.com", "/anything", NULL },
	{ "other host", hosts, "other.test", "/foo/bar", "b" },
	{ "other host, other path", hosts, "other.test", "/bar", NULL },
	{ "older wins", conflict, "foo.example.com", "/x", "a" },
	{ "younger adds", conflict, "foo.example.com", "/young", "b" },
	{ "default of all", defaults, "unknown.test", "/", "a" },
	{ "default of all, any path", defaults, "none.example.com", "/x/y", "a" },
	{ "exact before the default", defaults, "none.example.com", "/b", "b" },
	{ "default of the host", defaults, "own.example.com", "/x", "b" },
	{ "rule before the default", defaults, "own.example.com", "/b/x", "a" },
	{ "another class is not ours", classes, "foo.test", "/", NULL },
	{ "a class with our controller", named_classes, "ours.test", "/", "a" },
	{ "no class, and the default one is not ours", named_classes, "none.test", "/", NULL },
	{ "extensions/v1beta1", classes, "old.example.com", "/x", "a" },
	{ "networking.k8s.io/v1beta1", classes, "older.example.com", "/x/y", "b" },
	{ "an expression", expressions, "r.test", "/api/v12/x", "a" },
	{ "an expression, in capitals", expressions, "r.test", "/API/V12/x", "a" },
	{ "an expression is not below the root only", expressions, "r.test", "/x/api/v1/x", "b" },
	{ "exact before an expression", expressions, "r.test", "/api/v1/e", "b" },
	{ "a longer prefix before an expression", expressions, "r.test", "/api/v1/is-much-longer/x",
	  "c" },
	{ "a shorter prefix after it", expressions, "r.test", "/api/vx/", "b" },
	{ "networking.k8s.io/v1beta1, other path", classes, "older.example.com", "/y", NULL },
};

static void test_match(void **state)
{
	const struct match_case *test = *state;
	struct store *store = cluster_new(test->objects);
	const struct ingress_entry *entry;
	struct ingress_rules rules;

	rules_make(store, NULL, &rules);
	entry = rules_find(&rules, test->host, test->path);
	if (!test->service) {
		assert_null(entry);
	} else {
		assert_non_null(entry);
		assert_string_equal(rules.routes.items[entry->route].backend->service,
				    test->service);
	}
	rules_done(&rules);
	store_free(store);
}

/* ------------------------------------------------------------- what is wrong -- */

#define ANNOTATED(annotations)                                                 \
	"apiVersion: networking.k8s.io/v1\nkind: Ingress\n"                    \
	"metadata: {name: i, annotations: {" annotations "}}\n"                \
	"spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: " \
	"{service: {name: a, port: {number: 80}}}}]}}]}\n"

#define AUTHORITY(data)                                            \
	"---\napiVersion: v1\nkind: Secret\nmetadata: {name: x}\n" \
	"stringData: {" data "}\n"

static const struct problem_case {
	const char *name, *objects, *problems;
} problem_cases[] = {
	{ "nothing", hosts, "" },
	{ "conflict", conflict,
	  "a-young: foo.example.com/ belongs to ingress default/old, which is older\n" },
	{ "no service",
	  INGRESS("i", "01") "spec: {defaultBackend: {service: {name: x, port: {number: 80}}}}\n",
	  "i: service default/x is not there\n" },
	{ "no port",
	  INGRESS("i", "01") "spec: {defaultBackend: {service: {name: a, port: {number: 81}}}}\n",
	  "i: service default/a has no such TCP port\n" },
	{ "resource",
	  INGRESS("i", "01") "spec: {defaultBackend: {resource: {kind: Bucket, name: x}}}\n",
	  "i: backends that are resources are not supported\n" },
	{ "no secret",
	  INGRESS("i", "01") "spec:\n  tls: [{secretName: x, hosts: [a.test]}]\n"
			     "  defaultBackend: {service: {name: a, port: {number: 80}}}\n",
	  "i: secret default/x is not there; the default certificate is shown\n" },
	{ "no certificate",
	  INGRESS("i", "01") "spec:\n  tls: [{secretName: x, hosts: [a.test]}]\n"
			     "  defaultBackend: {service: {name: a, port: {number: 80}}}\n"
			     "---\napiVersion: v1\nkind: Secret\nmetadata: {name: x}\n"
			     "type: kubernetes.io/tls\n"
			     "stringData: {tls.crt: nothing, tls.key: private}\n",
	  "i: secret default/x: tls.crt: no certificates in PEM; the default certificate is "
	  "shown\n" },
	{ "snippet", ANNOTATED("nginx.ingress.kubernetes.io/server-snippet: 'return 200;'"),
	  "i: annotation nginx.ingress.kubernetes.io/server-snippet: snippets are never taken; "
	  "it answers 503\n" },
	{ "unknown name", ANNOTATED("nginx.ingress.kubernetes.io/upstream-vhost: x"),
	  "i: annotation nginx.ingress.kubernetes.io/upstream-vhost: is not supported\n" },
	{ "unknown guard", ANNOTATED("nginx.ingress.kubernetes.io/auth-url: 'http://x'"),
	  "i: annotation nginx.ingress.kubernetes.io/auth-url: is not supported; it answers "
	  "503\n" },
	{ "bad network", ANNOTATED("lbctl.io/allow: '10.0.0.0/8, nowhere'"),
	  "i: annotation lbctl.io/allow: must be addresses and networks, with commas between; "
	  "it answers 503\n" },
	{ "a line break", ANNOTATED("lbctl.io/auth-realm: \"a\\n\\tserver evil 1.2.3.4\""),
	  "i: annotation lbctl.io/auth-realm: must be a text without control characters; it "
	  "answers 503\n" },
	{ "no users", ANNOTATED("lbctl.io/auth-secret: x"),
	  "i: secret default/x: is not there, or has no auth; it answers 503\n" },
	{ "passwords of another kind",
	  ANNOTATED("lbctl.io/auth-secret: x") "---\napiVersion: v1\nkind: Secret\n"
					       "metadata: {name: x}\n"
					       "stringData: {auth: 'me:$apr1$abc$def'}\n",
	  "i: secret default/x: auth must be lines NAME:HASH, of crypt(3) (htpasswd -B); it "
	  "answers 503\n" },
	{ "canary of nothing", ANNOTATED("lbctl.io/canary: 'true', lbctl.io/canary-weight: '5'"),
	  "i: */: a canary, and no other ingress has it\n" },
	{ "pods verified by nobody", ANNOTATED("lbctl.io/proxy-ssl-verify: 'on'"),
	  "i: proxy-ssl-verify needs a proxy-ssl-secret with ca.crt; it answers 503\n" },
	{ "authorities that are not there", ANNOTATED("lbctl.io/auth-tls-secret: x"),
	  "i: secret x is not there, in namespace default; it answers 503\n" },
	{ "authorities of another namespace",
	  ANNOTATED("lbctl.io/proxy-ssl-secret: other/x") AUTHORITY("ca.crt: nothing"),
	  "i: secret other/x is not there, in namespace default; it answers 503\n" },
	{ "authorities that are none",
	  ANNOTATED("lbctl.io/auth-tls-secret: default/x") AUTHORITY("ca.crt: nothing"),
	  "i: secret default/x: ca.crt: no certificates in PEM; it answers 503\n" },
	{ "a Secret without authorities",
	  ANNOTATED("lbctl.io/auth-tls-secret: x") AUTHORITY("other: nothing"),
	  "i: secret x has no ca.crt; it answers 503\n" },
	{ "neither on nor off", ANNOTATED("lbctl.io/proxy-ssl-verify: 'true'"),
	  "i: annotation lbctl.io/proxy-ssl-verify: must be on or off; it answers 503\n" },
	{ "a pattern",
	  INGRESS("i", "01") "spec:\n  rules:\n  - http:\n      paths:\n"
			     "      " PATH("/[a-z]+", "ImplementationSpecific", "a"),
	  "i: path /[a-z]+ is a pattern; it needs use-regex and pathType "
	  "ImplementationSpecific\n" },
	{ "no expression", REGEX(PATH("/x(", "ImplementationSpecific", "a")),
	  "r: path /x( is no regular expression of PCRE\n" },
	{ "an expression as a prefix", REGEX(PATH("/x(.*)", "Prefix", "a")),
	  "r: path /x(.*) is a pattern; it needs use-regex and pathType "
	  "ImplementationSpecific\n" },
};

static void test_problem(void **state)
{
	const struct problem_case *test = *state;
	struct store *store = cluster_new(test->objects);
	cleanup_free char *problems = NULL;
	struct ingress_rules rules;

	rules_make(store, NULL, &rules);
	problems = cluster_problems(&rules);
	assert_string_equal(problems, test->problems);
	rules_done(&rules);
	store_free(store);
}

/* An agent keeps no trees of slices: written ones and Pods give the servers all the same. */
static void test_slim(void **state)
{
	static const char yaml[] =
		"apiVersion: v1\nkind: Service\nmetadata: {name: h}\n"
		"spec: {clusterIP: None, selector: {app: h}, ports: [{port: 80, name: http}]}\n"
		"---\n"
		"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
		"metadata: {name: h-1, labels: {kubernetes.io/service-name: h}}\n"
		"addressType: IPv4\nports: [{name: http, port: 80}]\n"
		"endpoints: [{addresses: [10.0.0.1]}]\n"
		"---\n"
		"apiVersion: v1\nkind: Pod\nmetadata: {name: h, labels: {app: h}}\n"
		"spec: {containers: [{name: c}]}\nstatus: {podIP: 10.0.0.2, phase: Running}\n"
		"---\n"
		"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\n"
		"spec: {defaultBackend: {service: {name: h, port: {number: 80}}}}\n";
	struct object_list list = { 0 };
	struct ingress_rules rules;
	struct store *store = store_new();

	(void)state;
	assert_int_equal(manifest_parse("test", yaml, strlen(yaml), "default", &list, NULL), 0);
	for (size_t i = 0; i < list.n; i++)
		object_slim(list.items[i]);
	store_load(store, &list);
	object_list_free(&list);
	rules_make(store, NULL, &rules);
	assert_int_equal(rules.routes.n, 1);
	assert_true(rules.routes.items[0].listed);
	assert_int_equal(rules.routes.items[0].servers.n, 2);
	rules_done(&rules);
	store_free(store);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(match_cases) + ARRAY_LEN(problem_cases) + 1];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(match_cases); i++)
		tests[n++] = (struct CMUnitTest){ match_cases[i].name, test_match, NULL, NULL,
						  (void *)&match_cases[i] };
	for (size_t i = 0; i < ARRAY_LEN(problem_cases); i++)
		tests[n++] = (struct CMUnitTest){ problem_cases[i].name, test_problem, NULL, NULL,
						  (void *)&problem_cases[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_slim);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
