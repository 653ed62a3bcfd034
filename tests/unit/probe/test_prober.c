/* SPDX-License-Identifier: Apache-2.0 */
/* The prober as a whole: many targets, few places, a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>

#include "tests/unit/probe/target.h"
#include "user/k8s/decode.h"
#include "user/k8s/yaml.h"
#include "user/probe/events.h"
#include "user/probe/memory.h"
#include "user/probe/prober.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

struct scene {
	struct event_base *base;
	struct prober *prober;
	struct store *store;
	char run[32];
	unsigned int changes, told;
};

static void on_change(void *arg, const struct target_key *key)
{
	struct scene *scene = arg;

	assert_non_null(store_find(scene->store, key->kind, key->ns, key->name));
	scene->changes++;
}

static void on_news(void *arg, const struct prober_news *news)
{
	struct scene *scene = arg;

	assert_int_equal(news->good, *news->text == '\0');
	scene->told++;
}

static void scene_start(struct scene *scene)
{
	static const struct prober_events events = { on_change, on_news };

	scene->prober = prober_open(scene->base, scene->run, "node1", &events, scene);
}

static void scene_open(struct scene *scene)
{
	*scene = (struct scene){ .base = event_base_new(), .store = store_new() };
	strcpy(scene->run, "/tmp/lb-prober-XXXXXX");
	assert_non_null(mkdtemp(scene->run));
	scene_start(scene);
}

static void scene_close(struct scene *scene)
{
	cleanup_free char *readiness = xasprintf("%s/%s", scene->run, MEMORY_FILE);
	cleanup_free char *events = xasprintf("%s/%s", scene->run, EVENTS_FILE);

	prober_close(scene->prober);
	store_free(scene->store);
	event_base_free(scene->base);
	assert_int_equal(unlink(readiness), 0);
	assert_int_equal(unlink(events), 0);
	assert_int_equal(rmdir(scene->run), 0);
}

/* A pod at 127.0.0.1 with these probes. */
static void pod_put(struct scene *scene, const char *name, const char *uid, const char *probes)
{
	cleanup_free char *yaml = xasprintf(
		"{apiVersion: v1, kind: Pod, metadata: {name: %s, uid: %s}, spec: {containers: "
		"[{name: c, %s}]}, status: {podIP: 127.0.0.1}}",
		name, uid, probes);
	struct yaml_stream *stream;
	struct object *object;
	struct err err;

	if (yaml_parse("test", yaml, strlen(yaml), &stream, &err) ||
	    object_decode(yaml_document(stream, 0), "default", &object, NULL, &err))
		fail_msg("%s", err.text);
	yaml_stream_free(stream);
	store_put(scene->store, object);
}

static void tcp_pod(struct scene *scene, const char *name, uint16_t port, const char *more)
{
	cleanup_free char *probes = xasprintf(
		"readinessProbe: {tcpSocket: {port: %u}, periodSeconds: 1%s}", port, more);

	pod_put(scene, name, "u", probes);
}

static void follow(struct scene *scene)
{
	prober_follow(scene->prober, scene->store);
}

static void scene_run(struct scene *scene, int ms)
{
	struct timeval time = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(scene->base, &time);
	event_base_dispatch(scene->base);
}

static bool is_ready(struct scene *scene, const char *name)
{
	const struct object *pod = store_find(scene->store, K8S_POD, "default", name);
	struct readiness readiness = prober_readiness(scene->prober);

	readiness_of_object(scene->store, pod, &readiness);
	return readiness_of_pod(pod->pod);
}

static size_t descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* How often the target ran well, from the prober's numbers. */
static json_int_t number_of(struct scene *scene, const char *key)
{
	cleanup_json json_t *json = prober_json(scene->prober);

	return tree_int(json, key);
}

/* ----------------------------------------------------------------- the tests -- */

static void check_ready(void **state)
{
	struct target_server server = { .kind = TARGET_HANG };
	struct scene scene;

	(void)state;
	target_start(&server);
	scene_open(&scene);
	tcp_pod(&scene, "a", server.port, "");
	follow(&scene);
	assert_false(is_ready(&scene, "a"));
	scene_run(&scene, 300);
	assert_true(is_ready(&scene, "a"));
	assert_int_equal(scene.changes, 1);
	assert_int_equal(scene.told, 1);
	/* Following again what did not change changes nothing. */
	follow(&scene);
	assert_true(is_ready(&scene, "a"));
	target_stop(&server);
	scene_run(&scene, 3400);
	assert_false(is_ready(&scene, "a"));
	assert_int_equal(scene.changes, 2);
	scene_close(&scene);
}

/* What the metrics tell: nothing before the first run, then how often which way. */
static void check_results(void **state)
{
	struct target_server server = { .kind = TARGET_HANG };
	struct prober_result_list results;
	struct scene scene;

	(void)state;
	target_start(&server);
	scene_open(&scene);
	tcp_pod(&scene, "a", server.port, "");
	follow(&scene);
	prober_results(scene.prober, &results);
	assert_int_equal(results.n, 0);
	scene_run(&scene, 300);
	prober_results(scene.prober, &results);
	assert_int_equal(results.n, 1);
	assert_string_equal(results.items[0].key->name, "a");
	assert_int_equal(results.items[0].last, OUTCOME_SUCCESS);
	assert_int_equal(results.items[0].runs[OUTCOME_SUCCESS], 1);
	assert_true(results.items[0].latency > 0);
	vec_free(&results);
	target_stop(&server);
	scene_run(&scene, 1100);
	prober_results(scene.prober, &results);
	assert_int_equal(results.n, 1);
	assert_int_equal(results.items[0].last, OUTCOME_FAILURE);
	assert_int_equal(results.items[0].runs[OUTCOME_SUCCESS], 1);
	assert_int_equal(results.items[0].runs[OUTCOME_WARNING], 0);
	assert_true(results.items[0].runs[OUTCOME_FAILURE] > 0);
	vec_free(&results);
	scene_close(&scene);
}

static void check_restart(void **state)
{
	struct target_server server = { .kind = TARGET_HANG };
	struct scene scene;

	(void)state;
	target_start(&server);
	scene_open(&scene);
	tcp_pod(&scene, "a", server.port, "");
	follow(&scene);
	scene_run(&scene, 300);
	assert_true(is_ready(&scene, "a"));
	prober_close(scene.prober);
	target_stop(&server);
	/* The server is gone, but one failure is not enough, and none has happened yet. */
	scene_start(&scene);
	follow(&scene);
	assert_true(is_ready(&scene, "a"));
	scene_run(&scene, 300);
	assert_true(is_ready(&scene, "a"));
	prober_close(scene.prober);
	/* Another pod of the same name begins anew. */
	pod_put(&scene, "a", "other", "readinessProbe: {tcpSocket: {port: 1}}");
	scene_start(&scene);
	follow(&scene);
	assert_false(is_ready(&scene, "a"));
	scene_close(&scene);
}

static void check_startup(void **state)
{
	struct target_server server = { .kind = TARGET_HANG };
	cleanup_free char *probes = NULL;
	struct scene scene;

	(void)state;
	target_start(&server);
	scene_open(&scene);
	probes = xasprintf("readinessProbe: {tcpSocket: {port: %u}, periodSeconds: 1}, "
			   "startupProbe: {tcpSocket: {port: 1}, periodSeconds: 1}",
			   server.port);
	pod_put(&scene, "a", "u", probes);
	follow(&scene);
	scene_run(&scene, 1500);
	assert_false(is_ready(&scene, "a"));
	/* Nobody asks whether it is ready before it has started. */
	assert_int_equal(number_of(&scene, "runs"), number_of(&scene, "failures"));
	free(TAKE_PTR(probes));
	probes = xasprintf("readinessProbe: {tcpSocket: {port: %u}, periodSeconds: 60}, "
			   "startupProbe: {tcpSocket: {port: %u}, periodSeconds: 1}",
			   server.port, server.port);
	pod_put(&scene, "a", "u", probes);
	follow(&scene);
	/* And then at once, whatever its period. */
	scene_run(&scene, 500);
	assert_true(is_ready(&scene, "a"));
	target_stop(&server);
	scene_close(&scene);
}

static void check_delay(void **state)
{
	struct target_server server = { .kind = TARGET_HANG };
	struct scene scene;

	(void)state;
	target_start(&server);
	scene_open(&scene);
	tcp_pod(&scene, "a", server.port, ", initialDelaySeconds: 1");
	follow(&scene);
	scene_run(&scene, 800);
	assert_int_equal(number_of(&scene, "runs"), 0);
	scene_run(&scene, 700);
	assert_true(is_ready(&scene, "a"));
	target_stop(&server);
	scene_close(&scene);
}

/* 2000 targets that hang, far more than places: those that answer are probed all the same. */
static void check_hanging(void **state)
{
	struct target_server full = { .kind = TARGET_FULL }, good = { .kind = TARGET_HANG };
	struct scene scene;
	char name[16];

	(void)state;
	target_start(&full);
	target_start(&good);
	scene_open(&scene);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "good-%d", i);
		tcp_pod(&scene, name, good.port, "");
	}
	follow(&scene);
	scene_run(&scene, 400);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "hang-%d", i);
		tcp_pod(&scene, name, full.port, ", timeoutSeconds: 60");
	}
	follow(&scene);
	scene_run(&scene, 1500);
	/* As many wait in their places as may, and descriptors are bounded by it. */
	assert_true(number_of(&scene, "running") >= 48);
	assert_true(descriptors() < 1024 + 64);
	target_stop(&good);
	scene_run(&scene, 3600);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "good-%d", i);
		assert_false(is_ready(&scene, name)); /* it was noticed, so it was asked */
	}
	target_stop(&full);
	scene_close(&scene);
}

static void check_events(void **state)
{
	cleanup_json json_t *list = NULL;
	const json_t *event;
	struct scene scene;

	(void)state;
	scene_open(&scene);
	tcp_pod(&scene, "a", 1, "");
	follow(&scene);
	scene_run(&scene, 2500);
	prober_close(scene.prober);
	list = events_read(scene.run);
	assert_int_equal(json_array_size(list), 1);
	event = json_array_get(list, 0);
	assert_string_equal(tree_text(event, "reason"), "Unhealthy");
	assert_string_equal(tree_text(event, "type"), "Warning");
	assert_string_equal(tree_text(event, "involvedObject.name"), "a");
	assert_non_null(strstr(tree_text(event, "message"), "Readiness probe failed: dial tcp"));
	assert_true(tree_int(event, "count") >= 2);
	scene_start(&scene);
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_results), cmocka_unit_test(check_ready),
		cmocka_unit_test(check_restart), cmocka_unit_test(check_startup),
		cmocka_unit_test(check_delay),	 cmocka_unit_test(check_hanging),
		cmocka_unit_test(check_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
