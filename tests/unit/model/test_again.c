/* SPDX-License-Identifier: Apache-2.0 */
/* Resolving again what a turned pod concerns gives what resolving everything gives. */
#include "tests/unit/model/world.h"

#include "user/model/members.h"
#include "user/model/readiness.h"
#include "user/model/resolve.h"

#define SERVICES 6
#define PODS 40
#define TURNS 200

/* Each pod is in two services; service 0 has two ports, and endpoints written by hand beside. */
static struct store *many(void)
{
	struct store *store = store_new();

	for (int i = 0; i < SERVICES; i++) {
		cleanup_free char *yaml = xasprintf(
			"{apiVersion: v1, kind: Service, metadata: {name: s%d}, spec: {clusterIP: "
			"10.96.0.%d, selector: {%s: g%d}, ports: [{name: a, port: 80}%s]}}",
			i, i + 1, i % 2 ? "odd" : "even", i / 2, i ? "" : ", {name: b, port: 81}");

		world_add(store, yaml);
	}
	for (int i = 0; i < PODS; i++) {
		cleanup_free char *yaml = xasprintf(
			"{apiVersion: v1, kind: Pod, metadata: {name: p%d, labels: {even: g%d, "
			"odd: g%d}}, "
			"spec: {containers: [{name: c, readinessProbe: {tcpSocket: {port: 80}}}]}, "
			"status: {podIP: 10.1.0.%d}}",
			i, i % 3, i % 2, i + 1);

		world_add(store, yaml);
	}
	world_add(store,
		  "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: x, "
		  "labels: {kubernetes.io/service-name: s0}}, addressType: IPv4, ports: "
		  "[{name: a, port: 80}], endpoints: [{addresses: [192.0.2.9]}]}");
	return store;
}

static void check_turns(void **state)
{
	struct node_view node = { .name = "node1" };
	struct store *store = many();
	struct store_view pods = store_list(store, K8S_POD, NULL);
	struct store_view services = store_list(store, K8S_SERVICE, NULL);
	const struct addr_list none = { 0 };
	struct config config;
	struct desired kept;
	size_t changed = 0;

	(void)state;
	assert_int_equal(config_load("/nowhere", false, &config, NULL), 0);
	resolve(store, &config, &node, &kept);
	srand48(11);
	for (size_t i = 0; i < TURNS; i++) {
		const struct object *pod = pods.items[(size_t)lrand48() % pods.n];
		struct touched_service touched[SERVICES];
		struct desired_change change;
		struct desired whole;
		size_t n = 0;

		pod->pod->containers[0].probed = lrand48() & 1 ? PROBED_READY : PROBED_UNREADY;
		for (size_t j = 0; j < services.n; j++) {
			if (members_chosen(services.items[j], pod))
				touched[n++] =
					(struct touched_service){ .ns = "default",
								  .name = services.items[j]->name };
		}
		assert_true(n > 0 && n < services.n);
		resolve_update(store, &config, &node, touched, n, &none, &none, &kept, &change);
		resolve(store, &config, &node, &whole);
		world_same_desired(&kept, &whole);
		/* Of two ports of a Service with the same pods, both change or none. */
		assert_true(change.n_services <= n + 1);
		assert_int_equal(change.n_left + change.n_freed + change.n_ended, 0);
		changed += change.n_services;
		desired_change_done(&change);
		desired_done(&whole);
	}
	assert_true(changed > TURNS / 2);
	desired_done(&kept);
	config_done(&config);
	store_free(store);
}

static const struct pod_row {
	const char *name, *spec, *status;
	enum probed probed;
	bool want;
} pod_rows[] = {
	{ "no probe", "", "", PROBED_NOT, true },
	{ "not asked yet", "readinessProbe: {tcpSocket: {port: 1}}", "", PROBED_NOT, false },
	{ "ready", "readinessProbe: {tcpSocket: {port: 1}}", "", PROBED_READY, true },
	{ "not ready", "readinessProbe: {tcpSocket: {port: 1}}", "", PROBED_UNREADY, false },
	{ "not asked yet, but written", "readinessProbe: {tcpSocket: {port: 1}}",
	  ", conditions: [{type: Ready, status: \"True\"}]", PROBED_NOT, true },
	{ "asked: what is written does not count", "readinessProbe: {tcpSocket: {port: 1}}",
	  ", conditions: [{type: Ready, status: \"True\"}]", PROBED_UNREADY, false },
	{ "asked, and written as unready", "readinessProbe: {tcpSocket: {port: 1}}",
	  ", conditions: [{type: Ready, status: \"False\"}]", PROBED_READY, true },
	{ "no probe, written as unready", "", ", conditions: [{type: Ready, status: \"False\"}]",
	  PROBED_NOT, false },
	{ "ready, but pending", "readinessProbe: {tcpSocket: {port: 1}}", ", phase: Pending",
	  PROBED_READY, false },
	{ "ready, but over", "readinessProbe: {tcpSocket: {port: 1}}", ", phase: Succeeded",
	  PROBED_READY, false },
	{ "a liveness probe says nothing of it", "livenessProbe: {tcpSocket: {port: 1}}", "",
	  PROBED_NOT, true },
};

static void check_pod(void **state)
{
	const struct pod_row *row = *state;
	cleanup_free char *yaml =
		xasprintf("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: "
			  "{containers: [{name: c, %s}]}, status: {podIP: 10.1.0.1%s}}",
			  row->spec, row->status);
	struct object *pod = world_object(yaml);

	pod->pod->containers[0].probed = row->probed;
	assert_int_equal(readiness_of_pod(pod->pod), row->want);
	object_free(pod);
}

int main(void)
{
	struct CMUnitTest tests[16];
	size_t n = 0;

	tests[n++] = (struct CMUnitTest)cmocka_unit_test(check_turns);
	for (size_t i = 0; i < ARRAY_LEN(pod_rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = pod_rows[i].name,
						  .test_func = check_pod,
						  .initial_state = (void *)&pod_rows[i] };
	return _cmocka_run_group_tests("again", tests, n, NULL, NULL);
}
