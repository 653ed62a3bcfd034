/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read → store → resolve → diff → apply, and what a process keeps between two runs of it: the
 * objects, the open maps and a copy of what they hold. Each part is read again only when it
 * is stale; after a failure, and when anybody else wrote the maps, the copy is not trusted.
 */
#ifndef AGENT_RECONCILE_H
#define AGENT_RECONCILE_H

#include <sys/stat.h>

#include "user/agent/sync.h"

/* What has to be read anew. */
enum reconcile_part {
	RECONCILE_STATE = 1 << 0,   /* the objects */
	RECONCILE_MAPS = 1 << 1,    /* pins and contents of the maps */
	RECONCILE_DEVICES = 1 << 2, /* addresses of attached devices */
	RECONCILE_PODS = 1 << 3,    /* pod-facing devices without hooks */
	RECONCILE_ALL = 15,
};

/* The ends where I/O happens; tests bring their own. */
struct reconcile_io {
	/* See state_mark. NULL: reads the objects whenever they may have changed. */
	uint64_t (*mark)(const char *dir);
	int (*load)(const char *dir, struct object_list *list, struct err *err);
	int (*open)(const struct paths *paths, struct datapath **ret, struct err *err);
	void (*close)(struct datapath *dp);
	int (*attach_pods)(const struct paths *paths, struct err *err);
	int (*refresh)(struct datapath *dp, const struct config *config,
		       struct addr_list *ret_addresses, struct err *err);
	int (*snapshot)(struct datapath *dp, struct actual *ret_actual, struct err *err);
	int (*apply)(struct datapath *dp, const struct plan *plan, struct err *err);
	int (*sweep)(struct datapath *dp, size_t *ret_ended, struct err *err);
};

extern const struct reconcile_io reconcile_io_node; /* this node's disk and kernel */

struct reconcile {
	const struct paths *paths;
	const struct config *config;
	const struct reconcile_io *io;
	int lock_wait_ms;
	/* Called with objects that were just read, before anything is made of them; or NULL. */
	void (*loaded)(void *arg, struct store *store);
	void *loaded_arg;
	/* Called with what the maps should hold, after they were written or should have been. */
	void (*resolved)(void *arg, const struct desired *desired);
	void *resolved_arg;
	/* Objects whose endpoints, and nothing else, are others than before; see reconcile_touch.
	 */
	struct {
		const struct object **items;
		size_t n, room;
	} touched;
	bool have_desired; /* and nothing it was made from has changed but the touched */
	struct desired desired;
	uint64_t mark;		/* of the state that the store was read from; 0: unknown */
	struct pod_index *pods; /* of the store; NULL: not needed yet */
	unsigned int stale;	/* enum reconcile_part */
	bool serve_names;	/* this process has a DNS server: its Service is there, too */
	bool names_added;	/* … in the present store */
	bool names_served;	/* … and nobody else's has its address */
	struct store *store;	/* NULL until the objects could be read once */
	struct datapath *dp;	/* NULL: not attached */
	struct stat pins;	/* the directory of dp's pins when it was opened */
	struct addr_list addresses;
	bool have_actual;
	struct actual actual;
	uint64_t writes; /* of the sync lock, when actual was right */
	size_t services; /* Services in the desired state */
	size_t backends;
	bool sweep_due;	   /* sockets may be connected to backends that are no more */
	size_t swept;	   /* sockets that this run has ended */
	char *sweep_error; /* why the last sweep failed, or NULL; no reason for a run to fail */
};

void reconcile_init(struct reconcile *reconcile, const struct paths *paths,
		    const struct config *config, const struct reconcile_io *io, int lock_wait_ms);
void reconcile_done(struct reconcile *reconcile);

/*
 * Makes the maps what the objects say. When one part cannot be read the others are still
 * brought up to date as far as what is known allows; the first error is returned then. As long
 * as the objects could never be read, the maps stay as they are.
 */
LB_CHECKED int reconcile_run(struct reconcile *reconcile, struct sync_result *ret_result,
			     struct err *err);

/*
 * Whether this Pod or its containers are ready, or the endpoints of this Service, has changed in
 * the store: the next run looks at what it concerns only, unless more is stale by then.
 */
void reconcile_touch(struct reconcile *reconcile, const struct object *object);

/* Is this the address of a backend that new connections may get? */
bool reconcile_has_backend(const struct reconcile *reconcile, const struct lb_addr *addr);

#endif
