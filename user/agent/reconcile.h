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
#include "user/agent/touched.h"

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
	/* Objects that a source brings, see reconcile_feed. */
	struct {
		unsigned int kinds;    /* 1 << enum k8s_kind; 0: the state's directory is read */
		unsigned int listed;   /* of them, those that were listed once */
		struct store *store;   /* until all were: then it is the store */
		bool services_changed; /* for whoever looks, and clears it */
	} feed;
	FILE *record;	    /* what a source brings is written down here, too; NULL: nowhere */
	unsigned int stale; /* enum reconcile_part */
	bool serve_names;   /* this process has a DNS server: its Service is there, too */
	bool names_added;   /* … in the present store */
	bool names_stale;   /* names may have changed; for whoever looks, and clears it */
	bool names_served;  /* … and nobody else's has its address */
	bool have_desired;  /* and nothing it was made from has changed but the touched */
	bool have_actual;
	bool reached;	     /* actual is what was desired before the change */
	bool sweep_due;	     /* sockets may be connected to backends that are no more */
	struct store *store; /* NULL until the objects could be read once */
	struct touched touched;
	struct desired desired;
	struct desired_change change; /* of the present run */
	uint64_t mark;		      /* of the state that the store was read from; 0: unknown */
	struct selectors *selectors;  /* of the store; NULL: not needed yet */
	struct datapath *dp;	      /* NULL: not attached */
	struct stat pins;	      /* the directory of dp's pins when it was opened */
	struct addr_list addresses;
	struct actual actual;
	uint64_t writes; /* of the sync lock, when actual was right */
	size_t services; /* Services in the desired state */
	size_t backends;
	size_t swept;	   /* sockets that this run has ended */
	char *sweep_error; /* why the last sweep failed, or NULL; no reason for a run to fail */
};

void reconcile_init(struct reconcile *reconcile, const struct paths *paths,
		    const struct config *config, const struct reconcile_io *io, int lock_wait_ms);
void reconcile_done(struct reconcile *reconcile);

/* Another configuration, or the same one with other contents: everything is looked at anew. */
void reconcile_configure(struct reconcile *reconcile, const struct config *config);

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

/* ------------------------------------------------ objects from a source -- */

/*
 * A source in this process, such as a watch of the Kubernetes API, may bring the objects in place
 * of the state's directory. It calls these functions from the loop's thread, between two runs. They
 * change the store at once and remember what they touched; nothing is written before the next
 * reconcile_run, which looks only at the Services that it concerns:
 *
 *	Service				itself
 *	EndpointSlice, Endpoints	the Service it is of, before and after
 *	Pod				whether a former backend is gone for good, nothing else
 *	Node				all, when it is this node's and its zone is another
 *	other kinds			none
 *
 * So a source calls put and delete for each change as it comes, and runs once for many.
 */

/*
 * The store is fed from now on, and the directory is not read any more. kinds: 1 << enum k8s_kind
 * for each that the source brings. Until reconcile_listed was called for each, nothing is
 * known: runs fail with -EAGAIN, reconcile->store is NULL and the maps stay as they are.
 *
 * Endpoints are those of a Service's EndpointSlices, or of its Endpoints object where there is no
 * slice; selectors choose nothing, since the cluster's controllers did that. `loaded` is not
 * called and no Service for names is added: a cluster has kubelets and a DNS server.
 *
 * Without Pods among the kinds, a backend that left its Service keeps its established TCP
 * connections, as kube-proxy does it. With them, they are reset once its Pod has ended.
 */
void reconcile_feed(struct reconcile *reconcile, unsigned int kinds);

/* Has each kind been listed once? */
bool reconcile_is_fed(const struct reconcile *reconcile);

/*
 * A new object, or another version of one that is known. Takes it over, in any case, and leaves
 * away what nobody reads who only follows a cluster (object_slim).
 */
void reconcile_put(struct reconcile *reconcile, struct object *object);

/* The object is no more. One that is not known is no error. */
void reconcile_delete(struct reconcile *reconcile, enum k8s_kind kind, const char *ns,
		      const char *name);

/* All objects of this kind have been put, once. */
void reconcile_listed(struct reconcile *reconcile, enum k8s_kind kind);

/* Is this the address of a backend that new connections may get? */
bool reconcile_has_backend(const struct reconcile *reconcile, const struct lb_addr *addr);

#endif
