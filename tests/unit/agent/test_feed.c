/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that a source brings, in place of the state's directory. */
#include "tests/unit/agent/memory.h"

#define KINDS (1u << K8S_SERVICE | 1u << K8S_ENDPOINT_SLICE)

#define SERVICE_V(name, address, version)                                                 \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"" name      \
	"\",\"resourceVersion\":\"" version "\"},\"spec\":{\"selector\":{\"app\":\"x\"}," \
	"\"clusterIP\":\"" address "\",\"ports\":[{\"port\":80}]}}"
#define SLICE(name, service, address)                                                         \
	"{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{"   \
	"\"name\":\"" name "\",\"labels\":{\"kubernetes.io/service-name\":\"" service "\"}}," \
	"\"addressType\":\"IPv4\",\"ports\":[{\"name\":\"\",\"port\":80}],\"endpoints\":[{"   \
	"\"addresses\":[\"" address "\"],\"targetRef\":{\"kind\":\"Pod\",\"name\":\"p\"}}]}"
#define POD(name, address)                                                                         \
	"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"" name                   \
	"\",\"labels\":{\"app\":\"x\"}},\"spec\":{\"containers\":[{\"name\":\"c\"}]},\"status\":{" \
	"\"podIP\":\"" address "\",\"phase\":\"Running\"}}"

static struct object *object_of(const char *text)
{
	cleanup_json json_t *json = json_loads(text, 0, NULL);
	struct object *object;
	struct err err;

	assert_non_null(json);
	if (object_decode(json, "default", &object, NULL, &err))
		fail_msg("%s", err.text);
	return object;
}

static void put(struct stage *stage, const char *text)
{
	reconcile_put(&stage->reconcile, object_of(text));
}

/* The texts end with a NULL. */
static void list(struct stage *stage, enum k8s_kind kind, const char *const *texts)
{
	while (*texts)
		put(stage, *texts++);
	reconcile_listed(&stage->reconcile, kind);
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static void stage_feed(struct stage *stage, void **state, unsigned int kinds)
{
	stage_open(stage, state);
	reconcile_feed(&stage->reconcile, kinds);
	list(stage, K8S_SERVICE, LIST(SERVICE_V("web", "10.96.0.1", "1")));
	list(stage, K8S_ENDPOINT_SLICE, LIST(SLICE("web-a", "web", "172.17.0.7")));
}

/* What the source brought is written down, as a watch would tell it. */
static void test_record(void **state)
{
	cleanup_free char *text = NULL;
	struct stage stage;
	size_t size, lines = 0;

	stage_open(&stage, state);
	reconcile_feed(&stage.reconcile, KINDS);
	stage.reconcile.record = open_memstream(&text, &size);
	list(&stage, K8S_SERVICE, LIST(SERVICE_V("web", "10.96.0.1", "1")));
	put(&stage, SLICE("web-a", "web", "172.17.0.7"));
	put(&stage, SERVICE_V("web", "10.96.0.1", "2"));
	reconcile_delete(&stage.reconcile, K8S_SERVICE, "default", "web");
	reconcile_delete(&stage.reconcile, K8S_SERVICE, "default", "web");
	fclose(stage.reconcile.record);
	stage.reconcile.record = NULL;
	assert_ptr_equal(strstr(text, "{\"event\":\"ADDED\",\"time\":\""), text);
	assert_non_null(strstr(text, "\n{\"event\":\"MODIFIED\""));
	assert_non_null(strstr(text, "\n{\"event\":\"DELETED\""));
	/* Written before the agent lets go of what it does not read itself. */
	assert_non_null(strstr(text, "172.17.0.7"));
	assert_ptr_equal(strrchr(text, '\n'), text + size - 1);
	for (char *line = text; (line = strchr(line, '\n')); line++)
		lines++;
	assert_int_equal(lines, 4);
	stage_close(&stage);
}

/* The flags of the backend with this address in the maps; -1: none has it. */
static int backend_flags(const char *address)
{
	struct lb_addr addr;

	assert_int_equal(addr_parse(address, &addr), 0);
	for (size_t i = 0; i < fake.maps.n_backends; i++) {
		if (!addr_compare(&fake.maps.backends[i].value.addr, &addr))
			return fake.maps.backends[i].value.flags;
	}
	return -1;
}

static bool serves(const char *address)
{
	int flags = backend_flags(address);

	return flags >= 0 && !(flags & (LB_BACKEND_DRAINING | LB_BACKEND_GONE));
}

static void test_waits_for_all_kinds(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	assert_int_equal(run(&stage), 0);
	reconcile_done(&stage.reconcile);
	reconcile_init(&stage.reconcile, &stage.temp->paths, &stage.config, &fake_io, 0);
	reconcile_feed(&stage.reconcile, KINDS);
	list(&stage, K8S_SERVICE, LIST());
	assert_false(reconcile_is_fed(&stage.reconcile));
	assert_int_equal(run(&stage), -EAGAIN);
	assert_string_equal(stage.err.text, "not listed yet: endpointslices");
	assert_null(stage.reconcile.store);
	/* What an earlier process wrote stays until it is known what should be there. */
	assert_true(served("10.96.0.7", 80));
	list(&stage, K8S_ENDPOINT_SLICE, LIST());
	assert_true(reconcile_is_fed(&stage.reconcile));
	assert_int_equal(run(&stage), 0);
	assert_false(served("10.96.0.7", 80));
	assert_int_equal(fake.calls.load, 1);
	stage_close(&stage);
}

static void test_changes(void **state)
{
	struct stage stage;

	stage_feed(&stage, state, KINDS);
	assert_int_equal(run(&stage), 0);
	assert_true(served("10.96.0.1", 80));
	assert_true(serves("172.17.0.7"));
	put(&stage, SLICE("web-b", "web", "172.17.0.8"));
	put(&stage, SERVICE_V("new", "10.96.0.2", "2"));
	assert_int_equal(run(&stage), 0);
	assert_true(serves("172.17.0.7") && serves("172.17.0.8"));
	assert_true(served("10.96.0.2", 80));
	/* The slice goes over to another Service. */
	put(&stage, SLICE("web-b", "new", "172.17.0.9"));
	assert_int_equal(run(&stage), 0);
	assert_false(serves("172.17.0.8"));
	assert_true(serves("172.17.0.9"));
	reconcile_delete(&stage.reconcile, K8S_SERVICE, "default", "web");
	reconcile_delete(&stage.reconcile, K8S_SERVICE, "default", "unknown");
	assert_int_equal(run(&stage), 0);
	assert_false(served("10.96.0.1", 80));
	assert_false(serves("172.17.0.7"));
	assert_int_equal(fake.calls.snapshot, 1);
	stage_close(&stage);
}

/* The cluster's controllers choose: a pod that no slice has is no endpoint. */
static void test_selectors_choose_nothing(void **state)
{
	struct stage stage;

	stage_feed(&stage, state, KINDS | 1u << K8S_POD);
	list(&stage, K8S_POD, LIST(POD("p", "172.17.0.7"), POD("q", "172.17.0.8")));
	assert_int_equal(run(&stage), 0);
	assert_true(serves("172.17.0.7"));
	assert_int_equal(backend_flags("172.17.0.8"), -1);
	stage_close(&stage);
}

/* Endpoints written by hand where no controller makes slices of them. */
static void test_endpoints_stand_in(void **state)
{
	struct stage stage;

	stage_feed(&stage, state, KINDS | 1u << K8S_ENDPOINTS);
	list(&stage, K8S_ENDPOINTS, LIST(ENDPOINTS("172.17.0.9")));
	put(&stage, SERVICE_V("kubia", "10.96.0.2", "2"));
	assert_int_equal(run(&stage), 0);
	assert_true(serves("172.17.0.9"));
	put(&stage, SLICE("kubia-a", "kubia", "172.17.0.10"));
	assert_int_equal(run(&stage), 0);
	assert_false(serves("172.17.0.9"));
	assert_true(serves("172.17.0.10"));
	stage_close(&stage);
}

/* Only who hears of Pods may say that one is gone, and reset its connections. */
static void test_gone(void **state)
{
	static const struct {
		const char *name;
		unsigned int kinds;
		const char *pod; /* that is there all the time, or NULL */
		int flags;
	} cases[] = {
		{ "no Pods watched", KINDS, NULL, LB_BACKEND_DRAINING },
		{ "Pod is there", KINDS | 1u << K8S_POD, POD("p", "172.17.0.7"),
		  LB_BACKEND_DRAINING },
		{ "Pod is not there", KINDS | 1u << K8S_POD, NULL, LB_BACKEND_GONE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stage stage;

		print_message("%s\n", cases[i].name);
		stage_feed(&stage, state, cases[i].kinds);
		if (cases[i].kinds & 1u << K8S_POD)
			list(&stage, K8S_POD, LIST(cases[i].pod));
		assert_int_equal(run(&stage), 0);
		reconcile_delete(&stage.reconcile, K8S_ENDPOINT_SLICE, "default", "web-a");
		assert_int_equal(run(&stage), 0);
		assert_int_equal(backend_flags("172.17.0.7") &
					 (LB_BACKEND_DRAINING | LB_BACKEND_GONE),
				 cases[i].flags);
		stage_close(&stage);
	}
}

/* A backend that only left turns gone when its Pod ends later. */
static void test_gone_later(void **state)
{
	struct stage stage;

	stage_feed(&stage, state, KINDS | 1u << K8S_POD);
	list(&stage, K8S_POD, LIST(POD("p", "172.17.0.7")));
	assert_int_equal(run(&stage), 0);
	reconcile_delete(&stage.reconcile, K8S_ENDPOINT_SLICE, "default", "web-a");
	assert_int_equal(run(&stage), 0);
	assert_true(backend_flags("172.17.0.7") & LB_BACKEND_DRAINING);
	reconcile_delete(&stage.reconcile, K8S_POD, "default", "p");
	assert_int_equal(run(&stage), 0);
	assert_true(backend_flags("172.17.0.7") & LB_BACKEND_GONE);
	stage_close(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		temp_test(test_waits_for_all_kinds),
		temp_test(test_changes),
		temp_test(test_selectors_choose_nothing),
		temp_test(test_endpoints_stand_in),
		temp_test(test_gone),
		temp_test(test_gone_later),
		temp_test(test_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
