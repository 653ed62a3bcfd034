/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory: one YAML file an object, DIR/<plural>/<namespace>/<name>.yaml
 * (DIR/<plural>/<name>.yaml without a namespace), for people to read and to keep
 * in git. A change is written beside the file, synced and renamed; a crash leaves
 * the old or the new object. Writers hold the directory's lock.
 */
#ifndef K8S_STATE_H
#define K8S_STATE_H

#include "user/k8s/manifest.h"

/* Takes the exclusive lock (created with its directories if missing); returns a descriptor. */
LB_CHECKED int state_lock(const char *dir, struct err *err);

/* Reads everything. A missing directory is an empty state. Needs no lock: files change whole. */
LB_CHECKED int state_load(const char *dir, struct object_list *list, struct err *err);

/* The same for who prints no objects: they are slim, see object_slim. */
LB_CHECKED int state_load_slim(const char *dir, struct object_list *list, struct err *err);

/* Writes one object durably; Secrets with mode 0600, all directories 0700 for them. */
LB_CHECKED int state_put(const char *dir, const struct object *object, struct err *err);

/* -ENOENT when there is none. */
LB_CHECKED int state_delete(const char *dir, enum k8s_kind kind, const char *ns, const char *name,
			    struct err *err);

struct state_change {
	enum k8s_kind kind;
	const char *ns, *name;
	const struct object *object; /* NULL: it is deleted */
};

/*
 * Changes of one command: all are written, then all take their places. What fails before, such as
 * a disk that is full, leaves the state as it was. ret_done, always filled in: how many have their
 * places; a crash leaves each object old or new.
 */
LB_CHECKED int state_write(const char *dir, const struct state_change *changes, size_t n,
			   size_t *ret_done, struct err *err);

#endif
