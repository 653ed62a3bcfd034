/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the state: prepared in memory, then written together, then brought into the
 * datapath. What fails while it is prepared leaves the state as it was.
 *
 *	changes_begin → changes_apply, … → changes_finish → changes_done
 */
#ifndef CMD_CHANGE_H
#define CMD_CHANGE_H

#include "user/cmd/command.h"
#include "user/cmd/output.h"
#include "user/model/store.h"

enum change_outcome {
	CHANGE_CREATED,
	CHANGE_CONFIGURED,
	CHANGE_UNCHANGED,
	CHANGE_DELETED,
};

enum dry_run {
	DRY_RUN_NONE,
	DRY_RUN_CLIENT,
	DRY_RUN_SERVER,
};

#define DRY_RUN_OPTION                                                                \
	{                                                                             \
		"dry-run", 0, "[=none|client|server]", "only print what would change" \
	}

/* --dry-run alone means client. */
LB_CHECKED int dry_run_parse(const struct cli *cli, enum dry_run *ret_dry_run, struct err *err);

/* The annotation in which apply keeps the manifest. */
#define CHANGE_LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

struct change {
	enum k8s_kind kind;
	char *ns, *name;
	enum change_outcome outcome;
};

struct changes {
	const struct cli *cli;
	int lock;	     /* of the state directory; -EBADF: dry run */
	struct store *store; /* the state with the changes made so far */
	struct change *items;
	size_t n, room;
};

/* Loads the state; with write also locks it until changes_done. */
LB_CHECKED int changes_begin(const struct cli *cli, bool write, struct changes *ret_changes,
			     struct err *err);
void changes_done(struct changes *changes);

/* As `kubectl apply`: merges the manifest's object into the stored one. */
LB_CHECKED int changes_apply(struct changes *changes, const struct object *given, struct err *err);

/* As `kubectl create`: -EEXIST when there is one. */
LB_CHECKED int changes_create(struct changes *changes, const struct object *given, struct err *err);

/* As `kubectl edit`: what was edited from before is changed in the stored object. */
LB_CHECKED int changes_edit(struct changes *changes, const json_t *before,
			    const struct object *edited, struct err *err);

/* -ENOENT when there is none. */
LB_CHECKED int changes_delete(struct changes *changes, enum k8s_kind kind, const char *ns,
			      const char *name);

/* The object as it is after the change; not for deleted ones. */
const struct object *change_object(const struct changes *changes, const struct change *change);

/* Writes all of them, and lets the lock go. */
LB_CHECKED int changes_commit(struct changes *changes, struct err *err);

/* How a command ends: what it prints, and whether it was only asked what it would do. */
struct change_report {
	enum output output;
	const char *verb; /* instead of created and configured: "exposed"; or NULL */
	enum dry_run dry_run;
};

/*
 * Commit, report on stdout, sync; of a dry run, the report and what the maps would be changed
 * by. Returns enum cli_exit.
 */
int changes_finish(struct changes *changes, const struct change_report *report);

/* One line or object a change. */
void changes_print(const struct changes *changes, FILE *out, const struct change_report *report);

/*
 * Brings the datapath in step with the state, prints warnings to stderr. On failure prints the
 * error and returns CLI_FAILED.
 */
int changes_sync(const struct cli *cli);

/* Prints what the maps would be changed by; nothing when nothing is attached. */
void changes_print_plan(const struct changes *changes, FILE *out);

#endif
