/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff(desired, actual) → plan: the ordered operations that turn the maps' contents into
 * the desired state. Pure. Backends before Maglev ranges before frontends; removals in
 * reverse, so that no frontend ever names a range, and no range a backend, that is not
 * there. Applying a plan and diffing again yields an empty plan.
 */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include <stdio.h>

#include "user/model/resolve.h"
#include "user/plan/maglev.h"

/* ------------------------------------------------- what the maps hold -- */

struct actual_service {
	uint32_t id;
	struct lb_name name;
};

struct actual_frontend {
	struct lb_frontend_key key;
	struct lb_frontend value;
};

struct actual_backend {
	uint32_t id;
	struct lb_backend value; /* draining and gone ones too */
};

struct actual_range {
	struct lb_source_range_key key;
};

/* Everything sorted by id or key. */
struct actual {
	struct actual_service *services;
	size_t n_services, room_services;
	struct actual_frontend *frontends;
	size_t n_frontends, room_frontends;
	struct actual_backend *backends;
	size_t n_backends, room_backends;
	struct actual_range *ranges;
	size_t n_ranges, room_ranges;
	uint32_t *slots;
	uint32_t n_slots;  /* size of the map */
	bool slots_mapped; /* slots are lb_maglev itself, borrowed: what is applied is in them */
	uint32_t max_services, max_frontends, max_backends, max_ranges;
	struct plan_index *index; /* see actual_index; NULL: none */
};

/* Keeps what belongs to which Service, for plans of a part: one now, kept by plan_simulate. */
void actual_index(struct actual *actual);
void actual_done(struct actual *actual);

/* ------------------------------------------------------------ the plan -- */

enum plan_kind {
	PLAN_SERVICE_SET,
	PLAN_BACKEND_SET,
	PLAN_MAGLEV_SET,
	PLAN_RANGE_SET,
	PLAN_FRONTEND_SET,
	PLAN_FRONTEND_DELETE,
	PLAN_RANGE_DELETE,
	PLAN_BACKEND_RETIRE, /* a PLAN_BACKEND_SET that drains, marks gone or frees */
	PLAN_SERVICE_DELETE,
};

struct plan_op {
	enum plan_kind kind;
	bool change; /* of a set: the entry is there and gets another value */
	union {
		struct {
			uint32_t id;
			struct lb_name *name; /* owned */
		} service;
		struct {
			uint32_t id;
			struct lb_backend value;
			uint32_t service; /* that it serves or has left: for print */
		} backend;
		struct {
			uint32_t base, len;
			struct maglev_member *members; /* owned */
			uint32_t n;
			uint32_t service; /* whose: for print */
		} maglev;
		struct lb_source_range_key range;
		struct {
			struct lb_frontend_key key;
			struct lb_frontend value;
			uint32_t backends; /* in the cluster's set: for print */
		} frontend;
	};
};

struct plan {
	struct plan_op *ops;
	size_t n, room;
	struct actual_service *names; /* of the services that operations speak of, by id */
	size_t n_names;
};

/*
 * -ENOSPC: a map is too small; err names it and how many are needed.
 *
 * Services are matched by namespace, name, port, protocol and family; a new one gets the
 * smallest id that no name, frontend, backend or source range carries.
 *
 * Backends are matched by service, address, port and protocol; one that comes back from
 * draining gets a new generation. A new one gets the first id that was never used, counted
 * up; when there is none left, the smallest freed one, then the smallest draining one. The
 * generation of a slot goes on where it was.
 *
 * A backend that left its service gets a new generation and is DRAINING, or GONE when it was a
 * pod that exists no more; a draining one turns GONE when its pod ends. A slot that is gone,
 * or whose service is, is freed: service 0, everything else as it was, so that its
 * connections drain or are reset as before. Freed slots are in actual.backends.
 *
 * A table is kept while it holds the same backends with the same weights, and otherwise
 * built anew in space that no frontend names: until the frontends have switched, both are
 * there.
 */
LB_CHECKED int plan_diff(const struct desired *desired, const struct actual *actual,
			 struct plan *ret_plan, struct err *err);

/*
 * The same where desired was reached, and then changed as told: nothing else is looked at. actual
 * has an index.
 */
LB_CHECKED int plan_diff_change(const struct desired *desired, const struct desired_change *change,
				const struct actual *actual, struct plan *ret_plan,
				struct err *err);

/* The effect of a plan on a model of the maps, for tests and for the agent's own copy. */
void plan_simulate(struct actual *actual, const struct plan *plan);

/* One line an operation, for `lbctl apply --dry-run` and `lbctl diff`. */
void plan_print(FILE *out, const struct plan *plan);
void plan_done(struct plan *plan);

#endif
