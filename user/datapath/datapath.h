/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door to the kernel: programs, links and maps. Nothing outside this folder
 * knows libbpf.
 */
#ifndef DATAPATH_DATAPATH_H
#define DATAPATH_DATAPATH_H

#include <stdbool.h>

#include "lb/reasons.h"
#include "user/k8s/config.h"
#include "user/plan/plan.h"
#include "user/util/err.h"
#include "user/util/paths.h"

enum attach_mode {
	ATTACH_AUTO, /* native XDP; where the driver refuses, TC, and say why */
	ATTACH_NATIVE,
	ATTACH_GENERIC,
	ATTACH_TC,
};

struct attach_options {
	const char *const *devices;
	size_t n_devices;
	enum attach_mode mode;
	const char *pods;   /* pattern of pod-facing devices, or NULL */
	const char *cgroup; /* a path, "none", or NULL: the root of cgroup v2 */
};

/*
 * Loads programs and maps (or takes over the pinned maps), attaches, pins. Attaching again
 * is an upgrade: new programs replace the old ones link by link, flows stay; what options do
 * not name stays as it is: other devices, a mode that was chosen, pods, cgroup. The masquerade
 * ports are reserved as long as something is attached. report(arg, line) gets one line a device
 * and hook for people to read, when all is done. On failure nothing new stays attached.
 */
LB_CHECKED int datapath_attach(const struct paths *paths, const struct config *config,
			       const struct attach_options *options,
			       void (*report)(void *arg, const char *line), void *arg,
			       struct err *err);

/* Devices NULL: all. When the last one goes, so do socket hooks, maps and pins. */
LB_CHECKED int datapath_detach(const struct paths *paths, const char *const *devices, size_t n,
			       struct err *err);

/* Attaches the pod hooks to devices that match the remembered pattern and have none yet. */
LB_CHECKED int datapath_attach_pods(const struct paths *paths, struct err *err);

/* The pinned maps of an instance. */
struct datapath;

/* -ENOENT: nothing is attached. */
LB_CHECKED int datapath_open(const struct paths *paths, struct datapath **ret, struct err *err);
void datapath_close(struct datapath *dp);

/* Its slots are the map's own: they end with dp. */
LB_CHECKED int datapath_snapshot(struct datapath *dp, struct actual *ret_actual, struct err *err);
LB_CHECKED int datapath_apply(struct datapath *dp, const struct plan *plan, struct err *err);

/*
 * Addresses of the attached devices, sorted, unique, without link-local ones; kept in lb_device
 * too. The agent calls it again when links or addresses change.
 */
LB_CHECKED int datapath_refresh_devices(struct datapath *dp, const struct config *config,
					struct addr_list *ret_addresses, struct err *err);

/* ------------------------------------------- for those who look from outside -- */

/* Build, seed and configuration of what is attached. Borrowed. */
const struct lb_meta *datapath_meta(const struct datapath *dp);

/* What attach was given: the pattern of pod-facing devices, and the socket hooks' cgroup. Or NULL.
 */
const char *datapath_pods(const struct datapath *dp);
const char *datapath_cgroup(const struct datapath *dp);

/*
 * Counters, summed over the CPUs. services[i] and backends[i] belong to the snapshot's
 * services[i] and backends[i]; a service's are those of its present backends and of the
 * former ones.
 */
struct datapath_stats {
	struct lb_stats *services;
	struct lb_stats *backends;
	struct lb_reason_stats reasons[LB_REASON_COUNT];
	uint64_t evictions[LB_EVICTIONS];
};

LB_CHECKED int datapath_read_stats(struct datapath *dp, const struct actual *actual,
				   struct datapath_stats *ret_stats, struct err *err);
void datapath_stats_done(struct datapath_stats *stats);

/* Whether somebody did not get what he asked for. */
bool datapath_reason_is_bad(enum lb_reason reason);

/* How full the flow tables are; [0] IPv4, [1] IPv6. A connection has an entry each way. */
struct datapath_flow_counts {
	uint64_t entries[2], max_entries[2];
	uint64_t flows[2][LB_FLOW_STATES];
};

LB_CHECKED int datapath_count_flows(struct datapath *dp, struct datapath_flow_counts *ret_counts,
				    struct err *err);

struct datapath_device {
	uint32_t ifindex;
	char name[16]; /* "?" when the device is gone */
	struct lb_device value;
	const char *mode; /* "native", "generic", "tc", or "pod" */
};

struct datapath_devices {
	struct datapath_device *items; /* NICs first, then by name */
	size_t n, room;
};

LB_CHECKED int datapath_read_devices(struct datapath *dp, struct datapath_devices *ret_devices,
				     struct err *err);

/* A connection, as its forward entry has it. Ports in network order. */
struct datapath_flow {
	uint8_t proto;
	uint8_t state; /* enum lb_flow_state */
	uint8_t flags; /* enum lb_flow_flag */
	struct lb_addr client, frontend, backend, masquerade;
	__be16 client_port, frontend_port, backend_port, masquerade_port;
	uint32_t backend_id;
	uint32_t generation; /* of the backend, when the flow last took it */
	uint32_t idle;	     /* seconds */
	struct lb_nexthop nexthop;
};

/*
 * Calls visit for each live flow, straight from the mapped tables, until it returns
 * non-zero. Flows that change while they are read are read again, or left out.
 */
LB_CHECKED int datapath_each_flow(struct datapath *dp,
				  int (*visit)(void *arg, const struct datapath_flow *flow),
				  void *arg, struct err *err);

#endif
