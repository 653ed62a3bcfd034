/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/k8s/decode_test.h"

#include <event2/http.h>

#include "user/agent/healthz.h"

#define UPDATED 1700000000
#define BOTH "{\"lastUpdated\": \"2023-11-14T22:13:20Z\",\"currentTime\": \"2023-11-14T22:13:30Z\""

static void test_answers(void **state)
{
	static const struct {
		const char *name;
		struct healthz_state state;
		bool livez;
		int status;
		const char *text;
	} rows[] = {
		{ "healthy",
		  { true, true, UPDATED },
		  false,
		  200,
		  BOTH ", \"nodeEligible\": true}" },
		{ "live", { true, true, UPDATED }, true, 200, BOTH "}" },
		{ "the node leaves",
		  { true, false, UPDATED },
		  false,
		  503,
		  BOTH ", \"nodeEligible\": false}" },
		{ "the node leaves, but the agent lives",
		  { true, false, UPDATED },
		  true,
		  200,
		  BOTH "}" },
		{ "stale", { false, true, UPDATED }, false, 503, BOTH ", \"nodeEligible\": true}" },
		{ "stale, so not live", { false, true, UPDATED }, true, 503, BOTH "}" },
		{ "never synced",
		  { false, true, 0 },
		  true,
		  503,
		  "{\"lastUpdated\": \"\",\"currentTime\": \"2023-11-14T22:13:30Z\"}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[HEALTHZ_TEXT];
		int status = healthz_answer(&rows[i].state, rows[i].livez, UPDATED + 10, text);

		if (status != rows[i].status || strcmp(text, rows[i].text) != 0)
			fail_msg("%s: %d %s", rows[i].name, status, text);
	}
}

static void test_eligible(void **state)
{
	static const struct {
		const char *name, *yaml;
		bool eligible;
	} rows[] = {
		{ "an ordinary node", "metadata: {name: node1}", true },
		{ "other taints",
		  "metadata: {name: node1}\nspec: {taints: [{key: "
		  "node.kubernetes.io/unschedulable}]}",
		  true },
		{ "the autoscaler's taint",
		  "metadata: {name: node1}\n"
		  "spec: {taints: [{key: a}, {key: ToBeDeletedByClusterAutoscaler, value: '1'}]}",
		  false },
		{ "it is being deleted",
		  "metadata: {name: node1, deletionTimestamp: '2026-01-01T00:00:00Z'}", false },
	};

	(void)state;
	assert_true(node_is_eligible(NULL));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *yaml =
			xasprintf("apiVersion: v1\nkind: Node\n%s\n", rows[i].yaml);
		struct object *node = decode_good(yaml);

		if (node_is_eligible(node) != rows[i].eligible)
			fail_msg("%s", rows[i].name);
		object_free(node);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_eligible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
