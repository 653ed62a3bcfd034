/* SPDX-License-Identifier: Apache-2.0 */
/* A record: what goes in comes out, but for secrets; and what is no record is refused by its line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "user/k8s/manifest.h"
#include "user/k8s/record.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"

struct seen {
	json_t *header, *objects, *journals, *events;
};

static int on_begin(void *arg, const json_t *header, struct err *err)
{
	struct seen *seen = arg;

	(void)err;
	seen->header = json_deep_copy(header);
	return 0;
}

static int on_object(void *arg, struct object *object, struct err *err)
{
	struct seen *seen = arg;

	(void)err;
	json_array_append(seen->objects, object->json);
	object_free(object);
	return 0;
}

static int on_journal(void *arg, const char *name, const json_t *line, struct err *err)
{
	struct seen *seen = arg;

	(void)err;
	json_array_append_new(seen->journals, json_pack("{s:s, s:O}", "name", name, "line", line));
	return 0;
}

static int on_event(void *arg, const char *type, struct object *object, struct err *err)
{
	struct seen *seen = arg;

	(void)err;
	json_array_append_new(seen->events, json_pack("[s, s]", type, object->name));
	object_free(object);
	return 0;
}

static int parse(const char *text, struct seen *seen, struct err *err)
{
	const struct record_visitor visitor = { .begin = on_begin,
						.object = on_object,
						.journal = on_journal,
						.event = on_event,
						.arg = seen };

	*seen = (struct seen){ NULL, json_array(), json_array(), json_array() };
	return record_parse("node.jsonl", text, strlen(text), &visitor, err);
}

static void seen_done(struct seen *seen)
{
	json_decref(seen->header);
	json_decref(seen->objects);
	json_decref(seen->journals);
	json_decref(seen->events);
}

static const char manifest[] =
	"apiVersion: v1\nkind: Service\nmetadata: {name: kubia}\nspec: {ports: [{port: 80}]}\n"
	"---\n"
	"apiVersion: v1\nkind: Secret\nmetadata:\n  name: tls\n  annotations: {a: hidden-note}\n"
	"type: kubernetes.io/tls\ndata: {tls.crt: aGlkZGVuCg==, tls.key: aGlkZGVuCg==}\n"
	"stringData: {more: hidden-text}\n"
	"---\n"
	"apiVersion: v1\nkind: Pod\nmetadata: {name: kubia-1}\nspec:\n  containers:\n"
	"  - name: kubia\n    env: [{name: PASSWORD, value: hidden-env}]\n"
	"    readinessProbe: {httpGet: {port: 80, httpHeaders: [{name: Authorization, value: "
	"hidden-header}]}}\n";

static void test_there_and_back(void **state)
{
	const struct timespec at = { .tv_sec = 1767323046, .tv_nsec = 789000000 };
	cleanup_json json_t *configuration = json_pack("{s:s}", "nodeName", "node1");
	cleanup_json json_t *line = json_pack("{s:s}", "state", "unready");
	struct object_list list = { 0 };
	cleanup_free char *text = NULL;
	struct seen seen;
	struct err err;
	size_t size;
	FILE *out;

	(void)state;
	assert_int_equal(
		manifest_parse("m", manifest, sizeof(manifest) - 1, "default", &list, &err), 0);
	assert_int_equal(list.n, 3);
	out = open_memstream(&text, &size);
	record_begin(out, configuration, false, 1767323045);
	for (size_t i = 0; i < list.n; i++)
		record_object(out, list.items[i]);
	record_journal(out, "readiness.log", line);
	record_event(out, "MODIFIED", list.items[0], &at);
	record_event(out, "DELETED", list.items[1], &at);
	fclose(out);
	assert_null(strstr(text, "hidden"));
	assert_null(strstr(text, "aGlk"));
	assert_non_null(strstr(text, "\"time\":\"2026-01-02T03:04:06.789Z\""));

	assert_int_equal(parse(text, &seen, &err), 0);
	assert_string_equal(tree_text(seen.header, "configuration.nodeName"), "node1");
	assert_string_equal(tree_text(seen.header, "time"), "2026-01-02T03:04:05Z");
	assert_int_equal(json_array_size(seen.objects), 3);
	assert_true(json_equal(json_array_get(seen.objects, 0), list.items[0]->json));
	assert_int_equal(json_object_size(tree_get(json_array_get(seen.objects, 1), "data")), 3);
	assert_int_equal(json_array_size(seen.journals), 1);
	assert_string_equal(tree_text(json_array_get(seen.journals, 0), "line.state"), "unready");
	assert_int_equal(json_array_size(seen.events), 2);
	assert_string_equal(json_string_value(json_array_get(json_array_get(seen.events, 1), 0)),
			    "DELETED");
	seen_done(&seen);
	object_list_free(&list);
}

#define HEADER "{\"lbctl\":\"record\",\"version\":1,\"configuration\":{}}\n"

static void test_refused(void **state)
{
	static const struct {
		const char *name, *text, *says;
	} cases[] = {
		{ "nothing", "", "node.jsonl: empty" },
		{ "a manifest", "apiVersion: v1\n", "node.jsonl:1: " },
		{ "another JSON", "{\"a\":1}\n", "node.jsonl:1: no record of lbctl" },
		{ "a list", "[]\n", "node.jsonl:1: not a JSON object" },
		{ "a later version", "{\"lbctl\":\"record\",\"version\":2,\"configuration\":{}}\n",
		  "node.jsonl:1: version: 2 is not 1" },
		{ "no configuration", "{\"lbctl\":\"record\",\"version\":1}\n",
		  "configuration: Required value" },
		{ "a line that broke off", HEADER "{\"object\":{", "node.jsonl:2: " },
		{ "a line of nothing", HEADER "{}\n", "node.jsonl:2: neither" },
		{ "an event of another type",
		  HEADER "{\"event\":\"BOOKMARK\",\"object\":{\"kind\":\"Service\"}}\n",
		  "node.jsonl:2: neither" },
		{ "an object that is none",
		  HEADER "{\"object\":{\"apiVersion\":\"v1\",\"kind\":\"Service\"}}\n",
		  "node.jsonl:2: object: metadata.name" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { "" };
		struct seen seen;

		print_message("%s\n", cases[i].name);
		assert_true(parse(cases[i].text, &seen, &err) < 0);
		if (!strstr(err.text, cases[i].says))
			fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].says);
		seen_done(&seen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
