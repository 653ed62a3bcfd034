/* SPDX-License-Identifier: Apache-2.0 */
/* What is behind a struct datapath: the pinned maps, opened. */
#ifndef DATAPATH_HANDLE_H
#define DATAPATH_HANDLE_H

#include "user/datapath/state.h"
#include "user/plan/maglev.h"

/* The maps that outlive the programs and are pinned by name. X(ID, name) */
#define SHARED_MAPS(X)                     \
	X(FRONTEND, lb_frontend)           \
	X(BLOOM, lb_bloom)                 \
	X(MAGLEV, lb_maglev)               \
	X(BACKEND, lb_backend)             \
	X(FLOW4, lb_flow4)                 \
	X(FLOW6, lb_flow6)                 \
	X(AFFINITY, lb_affinity)           \
	X(FRAGMENT, lb_fragment)           \
	X(SOURCE_RANGE, lb_source_range)   \
	X(SERVICE_STATS, lb_service_stats) \
	X(BACKEND_STATS, lb_backend_stats) \
	X(REASON_STATS, lb_reason_stats)   \
	X(EVICTIONS, lb_evictions)         \
	X(NAME, lb_name)                   \
	X(META, lb_meta)                   \
	X(DEVICE, lb_device)               \
	X(DNS, lb_dns)                     \
	X(DNS_META, lb_dns_meta)           \
	X(MONITOR, lb_monitor)             \
	X(EVENTS, lb_events)               \
	X(EVENT_BUDGET, lb_event_budget)   \
	X(WATCH, lb_watch)                 \
	X(SOCKET, lb_socket)

enum shared_map {
#define MAP_ENUM(id, name) MAP_##id,
	SHARED_MAPS(MAP_ENUM)
#undef MAP_ENUM
		MAP_COUNT
};

extern const char *const shared_map_names[MAP_COUNT];

struct datapath {
	int map[MAP_COUNT]; /* -EBADF: MAP_SOCKET alone, without socket hooks */
	uint32_t max[MAP_COUNT];
	struct lb_meta meta;
	struct lb_backend *backends; /* lb_backend, mapped */
	struct lb_stats *counters;   /* lb_backend_stats, mapped */
	uint32_t *slots;	     /* lb_maglev, mapped */
	uint32_t n_slots;
	uint64_t *bloom;	      /* lb_bloom, mapped */
	uint32_t scratch[MAGLEV_MAX]; /* tables, until they are whole */
	size_t bloom_stale; /* bits of frontends that were deleted; 0: none was deleted yet */
	struct attach_state state;
	char *run;	      /* paths.run, for the lock */
	struct lb_iter *iter; /* of the first sweep of sockets, or NULL */
	int cpus;	      /* possible ones: values of a per-CPU map */
};

/* Reads lb_meta from its pin. -ENOENT: nothing is attached. */
LB_CHECKED int handle_read_meta(const struct paths *paths, struct lb_meta *ret_meta,
				struct err *err);

/* Opens one pinned map. */
LB_CHECKED int handle_open_map(const struct paths *paths, enum shared_map map, int *ret_fd,
			       struct err *err);

/* A handle on maps that are not pinned; makes copies of the descriptors. -EBADF: left out. */
LB_CHECKED int handle_adopt(const int fds[MAP_COUNT], struct datapath **ret, struct err *err);

/* datapath_apply for maps that nobody else knows: takes no lock. */
LB_CHECKED int apply_plan(struct datapath *dp, const struct plan *plan, struct err *err);

#endif
