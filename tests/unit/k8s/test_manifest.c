/* SPDX-License-Identifier: Apache-2.0 */
/* Files, folders, streams of documents, lists; what is not applied when one is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/k8s/manifest.h"
#include "user/util/cleanup.h"

#define NAMESPACE(name) "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: " name "\n"

static const struct {
	const char *name, *text, *objects; /* "kind/namespace/name …" */
} cases[] = {
	{ "one object", NAMESPACE("a"), "Namespace//a" },
	{ "two documents", NAMESPACE("a") "---\n" NAMESPACE("b"), "Namespace//a Namespace//b" },
	{ "empty documents", "---\n# none\n---\n" NAMESPACE("a") "---\n---\n", "Namespace//a" },
	{ "nothing", "", "" },
	{ "comments", "# a\n# b\n", "" },
	{ "windows line ends", "apiVersion: v1\r\nkind: Namespace\r\nmetadata:\r\n  name: a\r\n",
	  "Namespace//a" },
	{ "byte order mark", "\xef\xbb\xbf" NAMESPACE("a"), "Namespace//a" },
	{ "json", "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"a\"}}",
	  "Namespace//a" },
	{ "json with tabs",
	  "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Namespace\",\n\t\"metadata\": "
	  "{\"name\": \"a\"}\n}\n",
	  "Namespace//a" },
	{ "list",
	  "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata:\n"
	  "    name: w1\n- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: s\n",
	  "Node//w1 Secret/shop/s" },
	{ "list of one kind",
	  "apiVersion: v1\nkind: NodeList\nitems:\n- {apiVersion: v1, kind: Node, metadata: {name: "
	  "w1}}\n",
	  "Node//w1" },
	{ "empty list", "apiVersion: v1\nkind: List\nitems: []\n", "" },
	{ "its own namespace", "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: x}\n",
	  "Secret/x/s" },
	{ "the default namespace", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
	  "Secret/shop/s" },
};

static void check_objects(const char *name, const struct object_list *list, const char *want)
{
	char got[512] = "";

	for (size_t i = 0; i < list->n; i++) {
		const struct object *object = list->items[i];
		size_t used = strlen(got);

		snprintf(got + used, sizeof(got) - used, "%s%s/%s/%s", i ? " " : "",
			 k8s_kinds[object->kind].kind, object->ns, object->name);
	}
	if (strcmp(got, want) != 0)
		fail_msg("%s: got \"%s\", not \"%s\"", name, got, want);
}

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct object_list list = { 0 };
		struct err err = { "" };

		if (manifest_parse("t", cases[i].text, strlen(cases[i].text), "shop", &list, &err))
			fail_msg("%s: %s", cases[i].name, err.text);
		check_objects(cases[i].name, &list, cases[i].objects);
		object_list_free(&list);
	}
}

/* The tree carries the namespace that was filled in: `get -o yaml` shows it. */
static void test_namespace_in_tree(void **state)
{
	static const char text[] = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n";
	struct object_list list = { 0 };
	const json_t *metadata;

	(void)state;
	assert_int_equal(manifest_parse("t", text, strlen(text), "shop", &list, NULL), 0);
	metadata = json_object_get(list.items[0]->json, "metadata");
	assert_string_equal(json_string_value(json_object_get(metadata, "namespace")), "shop");
	object_list_free(&list);
}

/* Objects of one document made of another's anchor are independent. */
static void test_aliases_are_copies(void **state)
{
	static const char text[] =
		"apiVersion: v1\nkind: List\nitems:\n- &a {apiVersion: v1, kind: Secret, metadata: "
		"{name: s}, stringData: {k: v}}\n- *a\n";
	struct object_list list = { 0 };

	(void)state;
	assert_int_equal(manifest_parse("t", text, strlen(text), "x", &list, NULL), 0);
	assert_int_equal(list.n, 2);
	assert_ptr_not_equal(list.items[0]->json, list.items[1]->json);
	assert_true(json_equal(list.items[0]->json, list.items[1]->json));
	object_list_free(&list);
}

/* ----------------------------------------------------------------- files -- */

static void write_file(const char *dir, const char *name, const char *text)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void remove_file(const char *dir, const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);

	unlink(path);
}

static int setup(void **state)
{
	static char dir[40];

	strcpy(dir, "/tmp/test_manifest.XXXXXX");
	*state = mkdtemp(dir);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = { "a.yaml", "b.yml",	  "c.json",
					     "d.txt",  ".e.yaml", "bad.yaml" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		remove_file(*state, names[i]);
	return rmdir(*state);
}

static void test_folder(void **state)
{
	struct object_list list = { 0 };
	struct err err = { "" };

	write_file(*state, "c.json",
		   "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"c\"}}");
	write_file(*state, "b.yml", NAMESPACE("b"));
	write_file(*state, "a.yaml", NAMESPACE("a"));
	write_file(*state, "d.txt", "not: [read");
	write_file(*state, ".e.yaml", "not: [read");
	if (manifest_read(*state, "default", &list, &err))
		fail_msg("%s", err.text);
	check_objects("folder", &list, "Namespace//a Namespace//b Namespace//c");
	write_file(*state, "bad.yaml", "kind: [");
	assert_int_equal(manifest_read(*state, "default", &list, &err), -EINVAL);
	check_objects("folder with a bad file", &list, "Namespace//a Namespace//b Namespace//c");
	object_list_free(&list);
}

static void test_empty_folder(void **state)
{
	struct object_list list = { 0 };
	struct err err = { "" };

	assert_int_equal(manifest_read(*state, "default", &list, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no .yaml, .yml or .json file in it"));
}

static void test_missing_file(void **state)
{
	struct object_list list = { 0 };
	struct err err = { "" };

	(void)state;
	assert_int_equal(manifest_read("/nowhere/x.yaml", "default", &list, &err), -ENOENT);
	assert_string_equal(err.text, "/nowhere/x.yaml: No such file or directory");
}

/* "-" reads standard input, a pipe as a rule. */
static void test_stdin(void **state)
{
	struct object_list list = { 0 };
	struct err err = { "" };
	int pipe_fds[2], saved = dup(STDIN_FILENO);

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	assert_true(write(pipe_fds[1], NAMESPACE("a"), strlen(NAMESPACE("a"))) > 0);
	close(pipe_fds[1]);
	dup2(pipe_fds[0], STDIN_FILENO);
	close(pipe_fds[0]);
	if (manifest_read("-", "default", &list, &err))
		fail_msg("%s", err.text);
	dup2(saved, STDIN_FILENO);
	close(saved);
	check_objects("standard input", &list, "Namespace//a");
	object_list_free(&list);
}

static void test_not_served(void **state)
{
	static const char text[] = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x}\n";
	struct object_list list = { 0 };
	struct err err = { "" };

	(void)state;
	assert_int_equal(manifest_parse("t", text, strlen(text), "x", &list, &err), -ENOTSUP);
	assert_string_equal(err.text, "t:2: kind: \"Job\" (batch/v1) is not served by lbctl; it "
				      "serves: Namespace, Node, Pod, Service, Endpoints, "
				      "EndpointSlice, Ingress, Secret, IngressClass");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_namespace_in_tree),
		cmocka_unit_test(test_aliases_are_copies),
		cmocka_unit_test_setup_teardown(test_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty_folder, setup, teardown),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_stdin),
		cmocka_unit_test(test_not_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
