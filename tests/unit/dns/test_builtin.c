/* SPDX-License-Identifier: Apache-2.0 */
/* The DNS server's own Service, and the names that a pod's resolver tries. */
#include "tests/unit/dns/dns_world.h"

#include "user/dns/builtin.h"
#include "user/dns/stub.h"

#define DNS_PORTS "ports: [{name: q, port: 53, protocol: UDP}]"

static const struct builtin_row {
	const char *name, *yaml;
	bool ours;
	const char *service; /* that has the address afterwards */
	size_t slices;
} rows[] = {
	{ "nothing there", "", true, "kube-dns", 2 },
	{ "the Service written without selector",
	  SVC_IN("kube-system", "kube-dns", "clusterIP: 10.96.0.10, " DNS_PORTS), true, "kube-dns",
	  2 },
	{ "under another name", SVC_IN("kube-system", "names", "clusterIP: 10.96.0.10, " DNS_PORTS),
	  true, "names", 2 },
	{ "a server in pods",
	  SVC_IN("kube-system", "kube-dns", "clusterIP: 10.96.0.10, selector: {a: b}, " DNS_PORTS),
	  false, "kube-dns", 0 },
	{ "a server with endpoints written by hand",
	  SVC_IN("kube-system", "kube-dns",
		 "clusterIP: 10.96.0.10, " DNS_PORTS) "---\n{apiVersion: v1, kind: Endpoints, "
						      "metadata: {name: kube-dns, namespace: "
						      "kube-system}}\n",
	  false, "kube-dns", 0 },
	{ "a server with slices written by hand",
	  SVC_IN("kube-system", "kube-dns",
		 "clusterIP: 10.96.0.10, " DNS_PORTS) "---\n{apiVersion: discovery.k8s.io/v1, "
						      "kind: EndpointSlice, metadata: {name: x, "
						      "namespace: "
						      "kube-system, labels: "
						      "{kubernetes.io/service-name: kube-dns}}, "
						      "addressType: IPv4, endpoints: "
						      "[]}\n",
	  false, "kube-dns", 1 },
	{ "the name with another address",
	  SVC_IN("kube-system", "kube-dns", "clusterIP: 10.96.0.11, " DNS_PORTS), false, "kube-dns",
	  0 },
	{ "a headless one of the name",
	  SVC_IN("kube-system", "kube-dns", "clusterIP: None, " DNS_PORTS), false, "kube-dns", 0 },
};

static void config_fill(struct config *config)
{
	*config = (struct config){ .node_name = (char *)"here",
				   .dns = { .domain = (char *)"cluster.local", .kernel = true } };
	vec_push(&config->dns.addresses, world_addr("10.96.0.10"));
	vec_push(&config->dns.addresses, world_addr("fd00:10:96::a"));
}

static void test_builtin(void **state)
{
	struct config config;

	(void)state;
	config_fill(&config);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct store *store = world_new(rows[i].yaml);
		bool ours = builtin_add(store, &config);
		struct store_view slices = store_list(store, K8S_ENDPOINT_SLICE, "kube-system");

		if (ours != rows[i].ours || slices.n != rows[i].slices ||
		    !store_find(store, K8S_SERVICE, "kube-system", rows[i].service))
			fail_msg("%s", rows[i].name);
		store_free(store);
	}
	vec_free(&config.dns.addresses);
}

/* What resolve makes of it: frontends at port 53 that lead to themselves, UDP ones marked. */
static void test_resolved(void **state)
{
	struct node_view node = { .name = "here" };
	struct store *store = world_new("");
	struct desired desired;
	struct config config;
	size_t udp = 0, tcp = 0;

	(void)state;
	config_fill(&config);
	assert_true(builtin_add(store, &config));
	resolve(store, &config, &node, &desired);
	builtin_mark(&desired, &config);
	assert_int_equal(desired.n_services, 4);
	for (size_t i = 0; i < desired.n_services; i++) {
		const struct desired_service *service = &desired.services[i];
		const struct desired_frontend *frontend;

		/* One of port 0 may stand beside it, for ICMP. */
		for (size_t j = 0; j < service->n_frontends; j++) {
			frontend = &service->frontends[j];
			if (frontend->key.port != htons(53))
				continue;
			assert_int_equal(service->n_backends, 1);
			assert_int_equal(
				addr_compare(&frontend->key.addr, &service->backends[0].addr), 0);
			assert_int_equal(service->backends[0].port, htons(53));
			assert_true(service->backends[0].flags & LB_BACKEND_LOCAL);
			assert_int_equal(!!(frontend->flags & LB_FRONTEND_DNS),
					 frontend->key.proto == IPPROTO_UDP);
			udp += frontend->key.proto == IPPROTO_UDP;
			tcp += frontend->key.proto == IPPROTO_TCP;
		}
	}
	assert_int_equal(udp, 2);
	assert_int_equal(tcp, 2);
	desired_done(&desired);
	store_free(store);
	vec_free(&config.dns.addresses);
}

static const struct {
	const char *text, *ns, *names; /* "": no name */
} searches[] = {
	{ "kubia", "default", "kubia.default.svc~ kubia.svc~ kubia~ kubia." },
	{ "kubia.shop", "default",
	  "kubia.shop.default.svc~ kubia.shop.svc~ kubia.shop~ kubia.shop." },
	{ "KUBIA", "shop", "kubia.shop.svc~ kubia.svc~ kubia~ kubia." },
	{ "a.b.c.d.e", "default", "a.b.c.d.e.default.svc~ a.b.c.d.e.svc~ a.b.c.d.e~ a.b.c.d.e." },
	{ "a.b.c.d.e.f", "default",
	  "a.b.c.d.e.f. a.b.c.d.e.f.default.svc~ a.b.c.d.e.f.svc~ a.b.c.d.e.f~" },
	{ "kubia.", "default", "kubia." },
	{ ".", "default", "." },
	{ "", "default", "" },
	{ "a..b", "default", "" },
};

static void test_search(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(searches); i++) {
		struct name names[STUB_SEARCH];
		char *text = NULL;
		size_t n, size;
		FILE *out = open_memstream(&text, &size);

		n = stub_search(searches[i].text, searches[i].ns, "cluster.local", names);
		for (size_t j = 0; j < n; j++) {
			if (j)
				fputc(' ', out);
			dns_write_name(out, names[j].wire);
		}
		fclose(out);
		assert_string_equal(text, searches[i].names);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtin),
		cmocka_unit_test(test_resolved),
		cmocka_unit_test(test_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
