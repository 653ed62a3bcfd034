/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the maps should hold, computed from objects. Pure: no clock, no sockets, no
 * libbpf. Everything in the result is sorted and owned by it.
 */
#ifndef MODEL_RESOLVE_H
#define MODEL_RESOLVE_H

#include "lb/types.h"
#include "user/k8s/config.h"
#include "user/model/store.h"

enum frontend_kind {
	FRONTEND_CLUSTER_IP,
	FRONTEND_NODE_PORT,
	FRONTEND_LOAD_BALANCER,
	FRONTEND_EXTERNAL_IP,
	FRONTEND_ECHO, /* the address itself: port 0, ICMP; answers ping, and knows its fragments */
};

struct desired_frontend {
	struct lb_frontend_key key;
	enum frontend_kind kind;
	uint32_t flags; /* enum lb_frontend_flag */
};

struct desired_backend {
	struct lb_addr addr;
	__be16 port;
	uint8_t proto;
	uint8_t flags;	 /* LB_BACKEND_LOCAL, _POD, _TERMINATING, _NODE_ONLY */
	uint16_t zone;	 /* 0: unknown */
	uint16_t weight; /* of new connections, beside the others; 1 unless lbctl.io/weight says so
			  */
	bool cluster;	 /* member of the cluster-wide set */
	bool local;	 /* member of this node's set */
	bool ready;	 /* otherwise it serves on its way out, for want of others */
};

/* One port of a Service in one address family: its own backends, its own id in the maps. */
struct desired_service {
	struct lb_name name; /* without an id */
	bool v4;
	struct desired_frontend *frontends; /* sorted by key */
	size_t n_frontends;
	struct desired_backend *backends; /* sorted by address, then port */
	size_t n_backends;
	struct prefix *source_ranges;
	size_t n_source_ranges;
};

struct desired {
	struct desired_service *services; /* sorted by namespace, name, port, protocol, family */
	size_t n_services;
	size_t n_objects;     /* Services that these are the parts of */
	size_t n_backends;    /* of all together */
	struct lb_addr *pods; /* sorted: addresses of all pods that exist, to tell a pod that is
				 gone from one that was only deselected; twice where two have it */
	size_t n_pods;
	bool pods_unknown; /* nobody tells which pods exist: none is ever taken for gone */
	char **warnings;   /* frontends left out and why, one sentence each */
	size_t n_warnings;
	struct claim *claims; /* user/model/claims.h; they name the objects that were resolved */
	size_t n_claims;
};

/* What an update made of desired, for a plan of that part alone. */
struct desired_change {
	size_t *services; /* indices of those that are new or other than before, ascending */
	size_t n_services, room_services;
	struct lb_name *left; /* services that are no more */
	size_t n_left, room_left;
	struct lb_frontend_key *freed; /* that no service has any more */
	size_t n_freed, room_freed;
	struct lb_addr *ended; /* sorted: addresses of pods that exist no more */
	size_t n_ended, room_ended;
};

void desired_change_done(struct desired_change *change);

/* The node that resolve works for. */
struct node_view {
	const char *name;
	const char *zone;		 /* or NULL */
	const struct lb_addr *addresses; /* frontends of node ports; both families */
	size_t n_addresses;
};

void resolve(const struct store *store, const struct config *config, const struct node_view *node,
	     struct desired *ret_desired);
void desired_done(struct desired *desired);

/* A Service that desired may be wrong about. */
struct touched_service {
	const char *ns, *name;
	bool changed;		  /* the Service itself; else who its endpoints are */
	const struct object *old; /* what was resolved, if it changed; NULL: it is new */
};

/* The addresses of a pod that count as existing. */
void resolve_pod_addresses(const struct object *pod, struct addr_list *list);

/*
 * Brings desired up to date where nothing has changed since it was resolved but these Services
 * (sorted by namespace and name, each once) and pods, whose addresses came and went. The result is
 * what resolve would give; a plan needs to look only at the change. The old objects are needed for
 * the last time.
 */
void resolve_update(const struct store *store, const struct config *config,
		    const struct node_view *node, const struct touched_service *touched, size_t n,
		    const struct addr_list *came, const struct addr_list *went,
		    struct desired *desired, struct desired_change *ret_change);

#endif
