/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs to which Service in the maps, so that one of them can be compared without reading
 * the others. Kept in step by plan_simulate. Inside of plan.
 */
#ifndef PLAN_INDEX_H
#define PLAN_INDEX_H

#include "user/plan/plan.h"

struct index_service {
	uint32_t uses;	   /* names, frontends, backends and source ranges that carry the id */
	uint32_t backends; /* its first slot; 0: none */
	uint32_t next;	   /* the next service whose name falls into the same bucket */
	struct lb_range tables[2]; /* that its frontends named last: cluster, local. Hints only */
};

/* A range that frontends name. */
struct index_table {
	struct lb_range range;
	uint32_t uses;
};

struct plan_index {
	uint32_t max_services, max_backends;
	struct index_service *services; /* by id */
	uint32_t *next;			/* by slot: the next one of its service */
	uint32_t *buckets;		/* of names: the first service */
	uint32_t mask;
	struct index_table *tables; /* sorted by base, then length */
	size_t n_tables, room_tables;
	/* Nothing below is free, freed, or draining or gone: where the search for such begins. */
	uint32_t first_service, first_freed, first_retired;
};

struct plan_index *index_new(const struct actual *actual);
void index_free(struct plan_index *index);

/* The service with this namespace, name, port, protocol and family; 0: none. */
uint32_t index_find(const struct plan_index *index, const struct actual *actual,
		    const struct lb_name *name);

/* Does a frontend name this range? */
bool index_has_table(const struct plan_index *index, const struct lb_range *range);

/* NULL: there is none. */
const struct actual_service *actual_service_find(const struct actual *actual, uint32_t id);
const struct actual_backend *actual_backend_find(const struct actual *actual, uint32_t id);
const struct actual_frontend *actual_frontend_find(const struct actual *actual,
						   const struct lb_frontend_key *key);

enum slot_state {
	SLOT_FREE,
	SLOT_USED,    /* serves, or did until this plan */
	SLOT_RETIRED, /* draining or gone */
};

enum slot_state slot_state(const struct lb_backend *backend);

/* One entry changes: before it does for a removal, else after. NULL: it was not there, or goes. */
void index_service(struct plan_index *index, const struct actual *actual, uint32_t id, bool there);
void index_backend(struct plan_index *index, uint32_t id, const struct lb_backend *old,
		   const struct lb_backend *value);
void index_frontend(struct plan_index *index, const struct lb_frontend *old,
		    const struct lb_frontend *value);
void index_range(struct plan_index *index, uint32_t service, bool there);

#endif
