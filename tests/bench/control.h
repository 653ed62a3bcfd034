/* SPDX-License-Identifier: Apache-2.0 */
/* A node for measuring the control plane: real maps in a network namespace, objects by number. */
#ifndef TESTS_BENCH_CONTROL_H
#define TESTS_BENCH_CONTROL_H

#include <stddef.h>

#include "user/agent/reconcile.h"

struct control {
	char root[64];
	struct paths paths;
	struct config config;
	struct reconcile reconcile;
};

/* Whatever fails ends the program. */
void control_must(int result, const char *what, const struct err *err);

void control_open(struct control *control);
void control_close(struct control *control);

/* New maps, and a reconciler that knows nothing yet. */
void control_begin(struct control *control);
void control_end(struct control *control);

/* Its objects come from a source, and these are there. */
void control_feed(struct control *control, size_t services, size_t endpoints);

/* Runs the reconciler; returns the operations of the plan. */
size_t control_run(struct control *control);

/* Service `number` and its slice; the last endpoint is another one with each `turn`. */
struct object *control_service(size_t number);
struct object *control_slice(size_t number, size_t endpoints, size_t turn);
struct object *control_pod(size_t number, size_t index);

#endif
