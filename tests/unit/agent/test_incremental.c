/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes one by one lead to what resolving and comparing everything leads to: random sequences of
 * changes, in which Services contend for addresses, slices wander, pods end.
 */
#include "tests/unit/agent/memory.h"

#include "tests/unit/model/world.h"
#include "user/agent/desired.h"
#include "user/plan/index.h"

#define SERVICES 7
#define SLICES 9
#define PODS 8
#define STEPS 150
#define KINDS                                                                                 \
	(1u << K8S_SERVICE | 1u << K8S_ENDPOINT_SLICE | 1u << K8S_ENDPOINTS | 1u << K8S_POD | \
	 1u << K8S_NODE)

static uint64_t random_state;

static uint32_t draw(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 33) % n;
}

/* ---------------------------------------------------------------- objects -- */

static struct object *made(char *yaml)
{
	struct object *object = world_object(yaml);

	free(yaml);
	return object;
}

/* Few addresses and ports, so that they meet. */
static char *random_spec(bool external, bool balanced)
{
	uint32_t address = 1 + draw(6);
	bool dual = draw(3) == 0;
	cleanup_free char *second = xasprintf(dual ? ", \"fd00::%u\"" : "", address);
	cleanup_free char *node_port = xasprintf(external ? ", nodePort: %u" : "", 30000 + draw(3));
	cleanup_free char *ranges = xasprintf(
		balanced && draw(2) ? "loadBalancerSourceRanges: [10.%u.0.0/16], " : "", draw(3));

	return xasprintf("clusterIP: 10.96.0.%u, clusterIPs: [\"10.96.0.%u\"%s], %s%s%s"
			 "externalIPs: [203.0.113.%u], ports: [{name: a, port: 8%u%s}%s]",
			 address, address, second, dual ? "ipFamilyPolicy: PreferDualStack, " : "",
			 ranges, external && draw(2) ? "externalTrafficPolicy: Local, " : "",
			 1 + draw(3), draw(2), node_port, draw(2) ? ", {name: b, port: 90}" : "");
}

static struct object *random_service(void)
{
	static const char *const types[] = { "ClusterIP", "NodePort", "LoadBalancer" };
	uint32_t type = draw(3);
	cleanup_free char *spec = random_spec(type > 0, type == 2);
	cleanup_free char *status = xasprintf(
		type == 2 ? ", status: {loadBalancer: {ingress: [{ip: 198.51.100.%u}]}}" : "",
		1 + draw(2));

	if (!draw(6))
		return made(xasprintf("{apiVersion: v1, kind: Service, metadata: {name: s%u}, "
				      "spec: {clusterIP: None, ports: [{name: a, port: 80}]}}",
				      draw(SERVICES)));
	return made(xasprintf("{apiVersion: v1, kind: Service, metadata: {name: s%u, "
			      "creationTimestamp: \"2026-01-0%uT00:00:00Z\"}, spec: {type: %s, "
			      "sessionAffinity: %s, %s}%s}",
			      draw(SERVICES), 1 + draw(4), types[type],
			      draw(3) ? "None" : "ClientIP", spec, status));
}

static char *random_endpoints(bool v4)
{
	char *text = xstrdup("");

	for (uint32_t i = 1; i <= PODS; i++) {
		char *more;

		if (draw(3))
			continue;
		more = xasprintf("%s%s{addresses: [\"%s%u\"], conditions: {ready: %s, serving: "
				 "%s, terminating: %s}, nodeName: n%u%s}",
				 text, *text ? ", " : "", v4 ? "10.1.0." : "fd01::", i,
				 draw(4) ? "true" : "false", draw(4) ? "true" : "false",
				 draw(4) ? "false" : "true", 1 + draw(2),
				 draw(2) ? ", targetRef: {kind: Pod, name: p}" : "");
		free(text);
		text = more;
	}
	return text;
}

static struct object *random_slice(void)
{
	uint32_t number = draw(SLICES);
	bool v4 = number % 3 != 0;
	cleanup_free char *endpoints = random_endpoints(v4);

	return made(xasprintf("{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: "
			      "{name: e%u, labels: {kubernetes.io/service-name: s%u}}, "
			      "addressType: %s, ports: [{name: a, port: 80}%s], endpoints: [%s]}",
			      number, draw(SERVICES), v4 ? "IPv4" : "IPv6",
			      draw(2) ? ", {name: b, port: 90}" : "", endpoints));
}

static struct object *random_endpoints_object(void)
{
	return made(xasprintf("{apiVersion: v1, kind: Endpoints, metadata: {name: s%u}, subsets: "
			      "[{addresses: [{ip: 10.1.0.%u}], ports: [{name: a, port: 80}]}]}",
			      draw(SERVICES), 1 + draw(PODS)));
}

static struct object *random_pod(void)
{
	return made(xasprintf("{apiVersion: v1, kind: Pod, metadata: {name: p%u}, spec: "
			      "{containers: [{name: c}]}, status: {podIP: 10.1.0.%u, phase: %s}}",
			      draw(PODS), 1 + draw(PODS), draw(5) ? "Running" : "Failed"));
}

static struct object *random_node(void)
{
	return made(xasprintf("{apiVersion: v1, kind: Node, metadata: {name: n%u, labels: "
			      "{topology.kubernetes.io/zone: z%u}}}",
			      1 + draw(2), draw(2)));
}

static const struct {
	enum k8s_kind kind;
	struct object *(*object)(void);
	uint32_t share;
} kinds[] = {
	{ K8S_SERVICE, random_service, 5 },
	{ K8S_ENDPOINT_SLICE, random_slice, 8 },
	{ K8S_ENDPOINTS, random_endpoints_object, 2 },
	{ K8S_POD, random_pod, 4 },
	{ K8S_NODE, random_node, 1 },
};

/* ---------------------------------------------------------------- changes -- */

static void change(struct reconcile *reconcile)
{
	uint32_t lot = draw(20);
	struct object *object;
	size_t i = 0;

	for (; lot >= kinds[i].share; i++)
		lot -= kinds[i].share;
	object = kinds[i].object();
	if (draw(3)) {
		reconcile_put(reconcile, object);
		return;
	}
	reconcile_delete(reconcile, object->kind, object->ns, object->name);
	object_free(object);
}

/* After a gap, most are gone and some come. Backwards, as each deletion moves what is behind it. */
static void relist(struct reconcile *reconcile)
{
	size_t kind = draw(ARRAY_LEN(kinds));
	struct store_view known = { 0 };

	if (reconcile->store)
		known = store_list(reconcile->store, kinds[kind].kind, NULL);
	for (size_t i = known.n; i > 0; i--)
		if (draw(8))
			reconcile_delete(reconcile, kinds[kind].kind, known.items[i - 1]->ns,
					 known.items[i - 1]->name);
	for (uint32_t i = draw(8); i > 0; i--)
		reconcile_put(reconcile, kinds[kind].object());
}

/* ----------------------------------------------------------------- checks -- */

static void check_index(const struct actual *actual)
{
	struct plan_index *fresh = index_new(actual), *kept = actual->index;

	assert_non_null(kept);
	assert_int_equal(kept->n_tables, fresh->n_tables);
	for (size_t i = 0; i < fresh->n_tables; i++)
		assert_memory_equal(&kept->tables[i], &fresh->tables[i], sizeof(*fresh->tables));
	for (uint32_t id = 0; id < actual->max_services; id++) {
		size_t n = 0;

		assert_int_equal(kept->services[id].uses, fresh->services[id].uses);
		assert_true(!id || id >= kept->first_service || kept->services[id].uses);
		for (uint32_t at = fresh->services[id].backends; at; at = fresh->next[at])
			n++;
		for (uint32_t at = kept->services[id].backends; at; at = kept->next[at]) {
			assert_int_equal(actual_backend_find(actual, at)->value.service, id);
			n--;
		}
		assert_int_equal(n, 0);
	}
	for (size_t i = 0; i < actual->n_services; i++)
		assert_int_equal(index_find(kept, actual, &actual->services[i].name),
				 actual->services[i].id);
	index_free(fresh);
}

static void check_reached(struct stage *stage)
{
	struct reconcile *r = &stage->reconcile;
	struct desired whole;
	struct plan plan;

	desired_resolve(r->store, r->config, &r->addresses, &whole);
	world_same_desired(&r->desired, &whole);
	assert_int_equal(plan_diff(&whole, &fake.maps, &plan, NULL), 0);
	if (plan.n)
		plan_print(stderr, &plan);
	assert_int_equal(plan.n, 0);
	plan_done(&plan);
	desired_done(&whole);
	check_index(&r->actual);
}

static void sequence(void **state, uint64_t seed, uint32_t max_backends)
{
	struct stage stage;
	size_t wrote = 0;

	stage_open(&stage, state);
	random_state = seed;
	stage.config.external_ips = true;
	free(stage.config.node_name);
	stage.config.node_name = xstrdup("n1");
	fake.maps.max_backends = max_backends;
	reconcile_feed(&stage.reconcile, KINDS);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		reconcile_listed(&stage.reconcile, kinds[i].kind);
	for (int step = 0; step < STEPS; step++) {
		for (uint32_t i = 1 + draw(step % 10 ? 3 : 30); i > 0; i--)
			change(&stage.reconcile);
		if (!draw(20))
			relist(&stage.reconcile);
		/* A failure between leaves the maps unknown, and the change undone. */
		fake.apply_failures = draw(25) == 0;
		if (run(&stage))
			fail_msg("%s", stage.err.text);
		check_reached(&stage);
		wrote += stage.result.operations;
	}
	assert_true(wrote > STEPS);
	stage_close(&stage);
}

static void test_roomy(void **state)
{
	for (uint64_t seed = 1; seed <= 4; seed++)
		sequence(state, seed * 0x9e3779b97f4a7c15ull, 4096);
}

/* Slots are taken again, freed and draining ones. */
static void test_tight(void **state)
{
	for (uint64_t seed = 1; seed <= 4; seed++)
		sequence(state, seed * 0xd1342543de82ef95ull, 330);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		temp_test(test_roomy),
		temp_test(test_tight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
