/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "user/cmd/change.h"
#include "user/cmd/editor.h"
#include "user/cmd/resource.h"
#include "user/k8s/manifest.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"

struct edit {
	struct cli *cli;
	enum k8s_kind kind;
	const char *ns, *name;
	json_t *before;	    /* the object as it was when the editor opened */
	char *original;	    /* … as text */
	char *text;	    /* what the editor shows, without comments */
	struct err problem; /* of the last attempt; empty: none */
};

enum edit_step {
	EDIT_AGAIN,
	EDIT_DONE,
	EDIT_FAILED,
};

static int check_same(const struct edit *edit, const struct object_list *list, struct err *err)
{
	if (list->n != 1)
		return err_set(err, -EINVAL, "exactly one object is expected");
	if (list->items[0]->kind != edit->kind || strcmp(list->items[0]->name, edit->name) != 0 ||
	    strcmp(list->items[0]->ns, edit->ns) != 0)
		return err_set(err, -EINVAL, "kind, name and namespace may not be changed");
	return 0;
}

/* Under the lock: the object may have changed since the editor opened. */
static int commit(const struct edit *edit, const struct object *edited, int *ret_exit,
		  struct err *err)
{
	const struct change_report report = { .verb = "edited" };
	struct changes changes;
	int code = changes_begin(edit->cli, true, &changes, err);

	if (code)
		return code;
	code = changes_edit(&changes, edit->before, edited, err);
	if (!code)
		*ret_exit = changes_finish(&changes, &report);
	changes_done(&changes);
	return code;
}

static int try_text(const struct edit *edit, int *ret_exit, struct err *err)
{
	struct object_list list = { 0 };
	int code =
		manifest_parse("edited", edit->text, strlen(edit->text), edit->cli->ns, &list, err);

	if (!code)
		code = check_same(edit, &list, err);
	if (!code)
		code = commit(edit, list.items[0], ret_exit, err);
	object_list_free(&list);
	return code;
}

static void write_text(FILE *out, const struct edit *edit)
{
	fputs("# Please edit the object below. Lines beginning with a '#' will be ignored,\n"
	      "# and an empty file will abort the edit. If an error occurs while saving this file "
	      "will be\n"
	      "# reopened with the relevant failures.\n"
	      "#\n",
	      out);
	if (*edit->problem.text)
		fprintf(out, "# %s \"%s\" was not valid:\n# * %s\n#\n",
			k8s_kinds[edit->kind].plural, edit->name, edit->problem.text);
	fputs(edit->text, out);
}

static enum edit_step cancel(const struct editor *editor, const struct edit *edit)
{
	struct err err;

	if (!*edit->problem.text) {
		fputs("Edit cancelled, no changes made.\n", stderr);
		return EDIT_DONE;
	}
	err_set(&err, -EINVAL, "Edit cancelled, no valid changes were saved.");
	cli_fail(&err);
	fprintf(stderr, "A copy of your changes has been stored to \"%s\"\n", editor->path);
	return EDIT_FAILED;
}

static enum edit_step edit_once(struct edit *edit, struct editor *editor, int *exit_code)
{
	cleanup_free char *content = NULL;
	cleanup_free char *saved = NULL;
	size_t size;
	FILE *out = open_memstream(&content, &size);
	struct err err;

	write_text(out, edit);
	fclose(out);
	if (editor_run(editor, content, &saved, &err)) {
		cli_fail(&err);
		return EDIT_FAILED;
	}
	editor_strip_comments(saved);
	if (!saved[strspn(saved, " \t\r\n")]) {
		fputs("Edit cancelled, saved file was empty.\n", stderr);
		return EDIT_DONE;
	}
	/* Saved as it was: nothing to do, or no idea how to do better. */
	if (!strcmp(saved, edit->text) || !strcmp(saved, edit->original))
		return cancel(editor, edit);
	free(edit->text);
	edit->text = TAKE_PTR(saved);
	if (!try_text(edit, exit_code, &err))
		return EDIT_DONE;
	edit->problem = err;
	return EDIT_AGAIN;
}

static int edit_object(struct edit *edit)
{
	struct editor editor;
	enum edit_step step;
	int exit_code = CLI_OK;
	struct err err;

	if (editor_open(&editor, &err))
		return cli_fail(&err);
	do
		step = edit_once(edit, &editor, &exit_code);
	while (step == EDIT_AGAIN);
	/* After a failure the file holds work that is nowhere else. */
	editor_close(&editor, step == EDIT_FAILED && *edit->problem.text);
	return step == EDIT_FAILED ? CLI_FAILED : exit_code;
}

static int edit_ref(struct cli *cli, const struct resource_ref *ref)
{
	struct edit edit = { .cli = cli, .kind = ref->kind, .name = ref->name };
	const struct object *object;
	struct store *store;
	struct err err;
	size_t size;
	FILE *out;
	int exit_code;

	if (resource_store_load(cli, &store, &err))
		return cli_fail(&err);
	edit.ns = k8s_kinds[ref->kind].namespaced ? cli->ns : "";
	object = store_find(store, ref->kind, edit.ns, ref->name);
	if (!object) {
		store_free(store);
		return resource_not_found(ref->kind, ref->name);
	}
	edit.before = json_deep_copy(object->json);
	out = open_memstream(&edit.original, &size);
	output_object(out, OUTPUT_YAML, object);
	fclose(out);
	store_free(store);
	edit.text = xstrdup(edit.original);
	exit_code = edit_object(&edit);
	json_decref(edit.before);
	free(edit.original);
	free(edit.text);
	return exit_code;
}

static int edit_run(struct cli *cli)
{
	struct resource_refs refs;
	struct err err;
	int code = resource_refs_parse(cli->args, cli->n_args, &refs, &err);

	if (code)
		return resource_refs_fail(cli, code, &err);
	if (refs.n != 1 || !refs.items[0].name)
		code = cli_usage(cli, "one object is needed, as KIND NAME or KIND/NAME");
	else
		code = edit_ref(cli, &refs.items[0]);
	resource_refs_done(&refs);
	return code;
}

const struct command cmd_edit = {
	.name = "edit",
	.args = "(KIND NAME | KIND/NAME)",
	.summary = "Change an object in an editor",
	.details =
		"The editor is $KUBE_EDITOR, $VISUAL, $EDITOR or vi. What is saved is applied; "
		"when\n"
		"it is not valid, the editor opens again and says why. To give up, save an empty\n"
		"file or change nothing.\n"
		"\n"
		"Examples:\n"
		"  lbctl edit svc kubia\n"
		"  EDITOR='code --wait' lbctl edit service/kubia\n",
	.min_args = 1,
	.max_args = 2,
	.run = edit_run,
};
