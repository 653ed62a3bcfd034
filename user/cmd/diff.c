/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "user/cmd/change.h"
#include "user/cmd/diff_dirs.h"
#include "user/cmd/input.h"
#include "user/cmd/resource.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"

static const struct option diff_options[] = {
	INPUT_OPTION,
	{ 0 },
};

/* Values of Secrets do not show, but that they differ does, as with kubectl. */
static void mask_secret(json_t *json, const json_t *other, const char *changed)
{
	json_t *data = tree_get(json, "data"), *value;
	const char *key;
	void *next;

	json_object_foreach_safe(data, next, key, value)
	{
		json_t *theirs = json_object_get(tree_get(other, "data"), key);
		bool same = !theirs || json_equal(value, theirs);

		json_object_set_new(data, key, json_string(same ? "***" : changed));
	}
}

/* The object as it is compared; NULL where there is none. */
static json_t *comparable(const struct object *object)
{
	json_t *json = object ? tree_sorted(object->json) : NULL;

	/* It holds the manifest once more, and every change would show twice. */
	json_object_del(tree_get(json, "metadata.annotations"), CHANGE_LAST_APPLIED);
	if (json && !json_object_size(tree_get(json, "metadata.annotations")))
		tree_delete(json, "metadata.annotations");
	return json;
}

static int add_change(struct diff_dirs *dirs, const struct store *before,
		      const struct changes *changes, const struct change *change, struct err *err)
{
	const struct object *old = store_find(before, change->kind, change->ns, change->name);
	cleanup_json json_t *live = comparable(old);
	cleanup_json json_t *merged = comparable(change_object(changes, change));
	cleanup_free char *name = NULL;

	if (change->kind == K8S_SECRET && live) {
		cleanup_json json_t *copy = json_deep_copy(live);

		mask_secret(live, merged, "*** (before)");
		mask_secret(merged, copy, "*** (after)");
	} else if (change->kind == K8S_SECRET) {
		mask_secret(merged, NULL, "");
	}
	name = xasprintf("%s.%s.%s.%s", k8s_kinds[change->kind].api_version,
			 k8s_kinds[change->kind].kind, change->ns, change->name);
	for (char *slash = name; (slash = strchr(slash, '/'));)
		*slash = '.';
	return diff_dirs_add(dirs, name, live, merged, err);
}

static int show_differences(const struct changes *changes, const struct store *before,
			    bool *ret_differ, struct err *err)
{
	struct diff_dirs dirs;
	int code = diff_dirs_open(&dirs, err);

	if (code)
		return code;
	for (size_t i = 0; !code && i < changes->n; i++)
		if (changes->items[i].outcome != CHANGE_UNCHANGED)
			code = add_change(&dirs, before, changes, &changes->items[i], err);
	if (!code)
		code = diff_dirs_show(&dirs, ret_differ, err);
	diff_dirs_close(&dirs);
	return code;
}

static int diff_list(struct cli *cli, const struct object_list *list, const struct store *before)
{
	struct changes changes;
	bool differ = false;
	struct err err;
	int code = changes_begin(cli, false, &changes, &err);

	if (code)
		return cli_fail(&err);
	for (size_t i = 0; !code && i < list->n; i++)
		code = changes_apply(&changes, list->items[i], &err);
	if (!code)
		code = show_differences(&changes, before, &differ, &err);
	if (!code)
		changes_print_plan(&changes, stdout);
	changes_done(&changes);
	if (code)
		return cli_fail(&err);
	return differ ? CLI_FOUND : CLI_OK;
}

static int diff_run(struct cli *cli)
{
	struct object_list list = { 0 };
	struct store *before;
	struct err err;
	int exit_code;

	if (!cli_option(cli, "filename"))
		return cli_usage(cli, "must specify -f");
	if (input_read(cli, &list, &err))
		return cli_fail(&err);
	if (resource_store_load(cli, &before, &err)) {
		exit_code = cli_fail(&err);
	} else {
		exit_code = diff_list(cli, &list, before);
		store_free(before);
	}
	object_list_free(&list);
	return exit_code;
}

const struct command cmd_diff = {
	.name = "diff",
	.args = "",
	.summary = "Show what applying manifests would change",
	.details = "Prints the stored objects against what they would become, and, where programs "
		   "are\n"
		   "attached, what would change in the kernel's maps. Exits with 0 when nothing\n"
		   "differs, with 3 when something does.\n"
		   "\n"
		   "Examples:\n"
		   "  lbctl diff -f kubia-svc.yaml\n"
		   "  lbctl diff -f manifests/ || lbctl apply -f manifests/\n",
	.options = diff_options,
	.run = diff_run,
};
