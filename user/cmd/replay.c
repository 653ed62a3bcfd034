/* SPDX-License-Identifier: Apache-2.0 */
/* replay: a recorded node becomes an instance below --root, which nothing is attached to. */
#include "user/cmd/replay.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "user/cmd/command.h"
#include "user/datapath/pin.h"
#include "user/k8s/file.h"
#include "user/k8s/record.h"
#include "user/k8s/state.h"
#include "user/k8s/yaml.h"
#include "user/model/store.h"
#include "user/probe/events.h"
#include "user/probe/memory.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"

struct replay {
	struct store *store;
	json_t *header;
	struct replay_line {
		char *journal;
		json_t *json;
	} * lines; /* of the journals */
	size_t n, room;
	size_t events;
};

/* The mark of a replayed node. */
static char *mark_path(const struct paths *paths)
{
	return xasprintf("%s/recorded.json", paths->run);
}

bool replay_is_recorded(const struct paths *paths)
{
	cleanup_free char *path = mark_path(paths);

	return !access(path, F_OK);
}

/* ------------------------------------------------------------------- reading -- */

static int on_begin(void *arg, const json_t *header, struct err *err)
{
	struct replay *replay = arg;

	(void)err;
	replay->header = json_deep_copy(header);
	return 0;
}

/* In a cluster selectors choose nothing here: its controllers have written the slices. */
static void selector_drop(const struct replay *replay, struct object *object)
{
	if (object->kind != K8S_SERVICE ||
	    !json_is_true(json_object_get(replay->header, "cluster")))
		return;
	tree_delete(object->json, "spec.selector");
}

static int on_object(void *arg, struct object *object, struct err *err)
{
	struct replay *replay = arg;

	(void)err;
	selector_drop(replay, object);
	store_put(replay->store, object);
	return 0;
}

static int on_journal(void *arg, const char *name, const json_t *line, struct err *err)
{
	struct replay *replay = arg;

	if (strcmp(name, MEMORY_FILE) != 0 && strcmp(name, EVENTS_FILE) != 0)
		return err_set(err, -EINVAL, "there is no journal \"%s\"", name);
	replay->lines = vec_grow(replay->lines, replay->n, &replay->room, sizeof(*replay->lines));
	replay->lines[replay->n++] = (struct replay_line){ xstrdup(name), json_deep_copy(line) };
	return 0;
}

static int on_event(void *arg, const char *type, struct object *object, struct err *err)
{
	struct replay *replay = arg;

	(void)err;
	replay->events++;
	if (strcmp(type, "DELETED") != 0)
		return on_object(arg, object, err);
	store_delete(replay->store, object->kind, object->ns, object->name);
	object_free(object);
	return 0;
}

static void replay_done(struct replay *replay)
{
	for (size_t i = 0; i < replay->n; i++) {
		free(replay->lines[i].journal);
		json_decref(replay->lines[i].json);
	}
	free(replay->lines);
	json_decref(replay->header);
	store_free(replay->store);
}

static int replay_read(const char *file, struct replay *ret_replay, struct err *err)
{
	struct replay replay = { .store = store_new() };
	const struct record_visitor visitor = { .begin = on_begin,
						.object = on_object,
						.journal = on_journal,
						.event = on_event,
						.arg = &replay };
	cleanup_free char *text = NULL;
	size_t size;
	int r = file_read(file, &text, &size, err);

	r = r ?: record_parse(file, text, size, &visitor, err);
	if (r)
		replay_done(&replay);
	else
		*ret_replay = replay;
	return r;
}

/* ------------------------------------------------------------------- writing -- */

/* Anything but an empty directory, or none. */
static bool has_entries(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	if (dir)
		closedir(dir);
	return found;
}

/* Nothing of an instance that lives, or has objects, is written over. */
static int place_check(const struct cli *cli, struct err *err)
{
	const struct paths *paths = &cli->paths;

	if (!paths->own_bpffs)
		return err_set(err, -EINVAL,
			       "a recorded node needs a place of its own: --root DIRECTORY");
	if (!access(paths->socket, F_OK) || has_entries(paths->bpf))
		return err_set(err, -EBUSY, "%s is in use: something is attached, or an agent runs",
			       paths->run);
	if (has_entries(paths->state))
		return err_set(err, -EEXIST,
			       "%s has objects: give another --root, or remove it first",
			       paths->state);
	return 0;
}

static int config_write(const struct cli *cli, const struct replay *replay, struct err *err)
{
	cleanup_fclose FILE *out = fopen(cli->paths.config, "we");

	if (!out || yaml_print(out, json_object_get(replay->header, "configuration")) ||
	    fflush(out))
		return err_sys(err, -errno, "cannot write %s", cli->paths.config);
	return 0;
}

static int mark_write(const struct cli *cli, const struct replay *replay, struct err *err)
{
	cleanup_free char *path = mark_path(&cli->paths);

	if (json_dump_file(replay->header, path, JSON_COMPACT))
		return err_sys(err, -EIO, "cannot write %s", path);
	return 0;
}

static int journals_write(const struct cli *cli, const struct replay *replay, struct err *err)
{
	for (size_t i = 0; i < replay->n; i++) {
		cleanup_free char *path =
			xasprintf("%s/%s", cli->paths.run, replay->lines[i].journal);
		cleanup_fclose FILE *out = fopen(path, "ae");

		if (!out || json_dumpf(replay->lines[i].json, out, JSON_COMPACT) ||
		    fputc('\n', out) == EOF || fflush(out))
			return err_sys(err, -errno, "cannot write %s", path);
	}
	return 0;
}

static int objects_write(const struct cli *cli, const struct replay *replay, size_t *ret_n,
			 struct err *err)
{
	cleanup_close int lock = state_lock(cli->paths.state, err);
	VEC(struct state_change) changes = { 0 };
	int r = lock < 0 ? lock : 0;

	for (enum k8s_kind kind = 0; kind < K8S_KINDS; kind++) {
		struct store_view view = store_list(replay->store, kind, NULL);

		for (size_t i = 0; i < view.n; i++)
			vec_push(&changes,
				 ((struct state_change){ kind, view.items[i]->ns,
							 view.items[i]->name, view.items[i] }));
	}
	r = r ?: state_write(cli->paths.state, changes.items, changes.n, ret_n, err);
	vec_free(&changes);
	return r;
}

static int replay_write(const struct cli *cli, const struct replay *replay, struct err *err)
{
	size_t n;
	int r = pin_make_folder(cli->paths.run, err);

	r = r ?: mark_write(cli, replay, err);
	r = r ?: config_write(cli, replay, err);
	r = r ?: journals_write(cli, replay, err);
	r = r ?: objects_write(cli, replay, &n, err);
	if (!r)
		printf("%zu objects of %s, as of %s, and %zu events later\n"
		       "look at them with the same --root: get, describe, explain, doctor, diff\n",
		       n, tree_text(replay->header, "configuration.nodeName") ?: "a node",
		       tree_text(replay->header, "time") ?: "?", replay->events);
	return r;
}

static int replay_run(struct cli *cli)
{
	struct replay replay;
	struct err err;
	int r;

	if (place_check(cli, &err) || replay_read(cli->args[0], &replay, &err))
		return cli_fail(&err);
	r = replay_write(cli, &replay, &err);
	replay_done(&replay);
	return r ? cli_fail(&err) : CLI_OK;
}

const struct command cmd_replay = {
	.name = "replay",
	.args = "FILE",
	.summary = "Make a node of a snapshot, to look for its fault here",
	.details =
		"Writes objects, configuration and what probes found below --root, which must be\n"
		"given and must not be in use, and applies the events behind them. Nothing is\n"
		"attached: get, describe, explain, doctor and diff tell of the recorded node.\n"
		"\n"
		"  lbctl replay node1.jsonl --root /tmp/node1\n"
		"  lbctl --root /tmp/node1 explain http://10.96.0.20 --from 192.0.2.9",
	.min_args = 1,
	.max_args = 1,
	.standalone = true,
	.run = replay_run,
};
