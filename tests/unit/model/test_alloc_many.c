/* SPDX-License-Identifier: Apache-2.0 */
/* Services one after the other: what they leave for the next, until nothing is left. */
#include "tests/unit/model/world.h"

#include "user/model/alloc.h"

static void put_new(struct store *store, const struct config *config, const char *spec, int number)
{
	cleanup_free char *yaml =
		xasprintf("{apiVersion: v1, kind: Service, metadata: {name: s-%d}, spec: {%s}}\n",
			  number, spec);
	struct object *object = world_object(yaml);
	struct err err = { "" };

	if (alloc_service(store, config, &object, &err))
		fail_msg("%s", err.text);
	store_put(store, object);
}

static bool refused(struct store *store, const struct config *config, const char *spec)
{
	cleanup_free char *yaml = xasprintf(
		"{apiVersion: v1, kind: Service, metadata: {name: last}, spec: {%s}}\n", spec);
	struct object *object = world_object(yaml);
	int rc = alloc_service(store, config, &object, NULL);

	object_free(object);
	return rc == -ENOSPC;
}

/* A range of 64: 62 usable, less the API server's and the DNS server's; the lower 16 come last. */
static void test_cluster_ips_run_out(void **state)
{
	struct config config = world_config("10.96.0.0/26", NULL);
	struct store *store = store_new();
	bool used[64] = { false };

	(void)state;
	for (int i = 0; i < 60; i++) {
		char name[16];
		uint32_t host;

		put_new(store, &config, PORTS, i);
		snprintf(name, sizeof(name), "s-%d", i);
		host = ntohl(world_service(store, name)->service->cluster_ips[0].word[3]) & 0xff;
		assert_in_range(host, i < 46 ? 17 : 2, i < 46 ? 62 : 16);
		assert_int_not_equal(host, 10);
		assert_false(used[host]);
		used[host] = true;
	}
	assert_true(refused(store, &config, PORTS));
	store_free(store);
	world_config_done(&config);
}

/* Sixteen upper ports first, then the sixteen lower ones. */
static void test_node_ports_run_out(void **state)
{
	struct config config = world_config("10.96.0.0/12", NULL);
	struct store *store = store_new();
	bool used[32] = { false };

	(void)state;
	config.node_port_last = 30031;
	for (int i = 0; i < 32; i++) {
		char name[16];
		uint16_t port;

		put_new(store, &config, "type: NodePort, " PORTS, i);
		snprintf(name, sizeof(name), "s-%d", i);
		port = world_service(store, name)->service->ports[0].node_port;
		assert_in_range(port, i < 16 ? 30016 : 30000, i < 16 ? 30031 : 30015);
		assert_false(used[port - 30000]);
		used[port - 30000] = true;
	}
	assert_true(refused(store, &config, "type: NodePort, " PORTS));
	assert_false(refused(store, &config, PORTS));
	store_free(store);
	world_config_done(&config);
}

static void test_pool_runs_out(void **state)
{
	struct config config = world_config("10.96.0.0/12", "203.0.113.0/30");
	struct store *store = store_new();

	(void)state;
	for (int i = 0; i < 4; i++) {
		char name[16];

		put_new(store, &config, "type: LoadBalancer, " PORTS, i);
		snprintf(name, sizeof(name), "s-%d", i);
		/* The last one is left pending: one of the four addresses is the node's own. */
		assert_int_equal(world_service(store, name)->service->n_ingress, i < 3);
	}
	store_free(store);
	world_config_done(&config);
}

/* DNS has one number on both protocols, outside as inside. */
static void test_two_protocols_share_a_node_port(void **state)
{
	struct config config = world_config("10.96.0.0/12", NULL);
	struct store *store = store_new();
	const struct service *service;

	(void)state;
	put_new(store, &config,
		"type: NodePort, ports: [{name: a, port: 53, protocol: UDP}, {name: b, port: 53}, "
		"{name: c, port: 54}]",
		1);
	service = world_service(store, "s-1")->service;
	assert_int_equal(service->ports[0].node_port, service->ports[1].node_port);
	assert_int_not_equal(service->ports[0].node_port, service->ports[2].node_port);
	assert_in_range(service->ports[0].node_port, 30086, 32767);
	store_free(store);
	world_config_done(&config);
}

/* A port that loses its node port to another of the service gets a new one. */
static void test_node_port_changes_hands(void **state)
{
	struct config config = world_config("10.96.0.0/12", NULL);
	struct store *store = store_new();
	const struct service *service;

	(void)state;
	put_new(store, &config, "type: NodePort, ports: [{name: x, port: 80, nodePort: 30123}]", 1);
	put_new(store, &config,
		"type: NodePort, ports: [{name: x, port: 80}, {name: z, port: 81, nodePort: "
		"30123}]",
		1);
	service = world_service(store, "s-1")->service;
	assert_int_equal(service->ports[1].node_port, 30123);
	assert_in_range(service->ports[0].node_port, 30086, 32767);
	assert_int_not_equal(service->ports[0].node_port, 30123);
	store_free(store);
	world_config_done(&config);
}

/* The number of the other protocol is no good where somebody else has it on this one. */
static void test_shared_node_port_is_taken(void **state)
{
	struct config config = world_config("10.96.0.0/12", NULL);
	struct store *store = store_new();
	const struct service *service;

	(void)state;
	put_new(store, &config,
		"type: NodePort, ports: [{port: 1, nodePort: 30123, protocol: UDP}]", 1);
	put_new(store, &config,
		"type: NodePort, ports: [{name: a, port: 53, nodePort: 30123}, "
		"{name: b, port: 53, protocol: UDP}]",
		2);
	service = world_service(store, "s-2")->service;
	assert_int_equal(service->ports[0].node_port, 30123);
	assert_int_not_equal(service->ports[1].node_port, 30123);
	store_free(store);
	world_config_done(&config);
}

static void test_same_name_same_address(void **state)
{
	struct config config = world_config("10.96.0.0/12 fd00:10:96::/112", NULL);
	struct store *first = store_new(), *second = store_new();
	const struct service *a, *b;

	(void)state;
	put_new(first, &config, "type: NodePort, ipFamilyPolicy: PreferDualStack, " PORTS, 7);
	put_new(second, &config, "type: NodePort, ipFamilyPolicy: PreferDualStack, " PORTS, 7);
	a = world_service(first, "s-7")->service;
	b = world_service(second, "s-7")->service;
	assert_int_equal(a->n_cluster_ips, 2);
	assert_memory_equal(a->cluster_ips, b->cluster_ips, sizeof(a->cluster_ips));
	assert_int_equal(a->ports[0].node_port, b->ports[0].node_port);
	store_free(first);
	store_free(second);
	world_config_done(&config);
}

static void test_one_family_only(void **state)
{
	static const struct {
		const char *spec, *error;
	} rows[] = {
		{ "ipFamilyPolicy: RequireDualStack",
		  "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": serviceCIDR has one "
		  "IP "
		  "family only" },
		{ "ipFamilies: [IPv6]", "spec.ipFamilies[0]: Invalid value: \"IPv6\": serviceCIDR "
					"has no range of this family" },
		{ "ipFamilyPolicy: PreferDualStack", NULL },
	};
	struct config config = world_config("10.96.0.0/12", NULL);
	struct store *store = store_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *yaml = xasprintf("{apiVersion: v1, kind: Service, metadata: "
						    "{name: a}, spec: {" PORTS ", %s}}\n",
						    rows[i].spec);
		struct object *object = world_object(yaml);
		struct err err = { "" };
		int rc = alloc_service(store, &config, &object, &err);

		assert_int_equal(rc, rows[i].error ? -EINVAL : 0);
		assert_string_equal(err.text, rows[i].error ? rows[i].error : "");
		if (!rc)
			assert_int_equal(object->service->n_cluster_ips, 1);
		object_free(object);
	}
	store_free(store);
	world_config_done(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cluster_ips_run_out),
		cmocka_unit_test(test_node_ports_run_out),
		cmocka_unit_test(test_pool_runs_out),
		cmocka_unit_test(test_two_protocols_share_a_node_port),
		cmocka_unit_test(test_node_port_changes_hands),
		cmocka_unit_test(test_shared_node_port_is_taken),
		cmocka_unit_test(test_same_name_same_address),
		cmocka_unit_test(test_one_family_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
