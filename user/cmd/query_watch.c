/* SPDX-License-Identifier: Apache-2.0 */
/* get -w: the answer is asked for anew whenever the state directory changes. */
#include <event2/event.h>

#include "user/agent/statewatch.h"
#include "user/cmd/query.h"
#include "user/ingress/status.h"

/* Changes that come close together are shown together. */
#define SETTLE_USEC 50000

struct snapshot {
	struct store *store;
	struct query_result result;
};

struct watch {
	const struct query *query;
	struct event_base *base;
	struct statewatch *state;
	struct snapshot now;
	struct table table;
	bool header_printed;
};

static int snapshot_take(const struct query *query, struct snapshot *ret, struct err *err)
{
	int code = resource_store_load(query->cli, &ret->store, err);

	if (code)
		return code;
	ingress_status_fill(query->cli->paths.run, ret->store);
	query_run(query, ret->store, &ret->result);
	resources_sort(&ret->result.items[0].resources, 0);
	return 0;
}

static void snapshot_done(struct snapshot *snapshot)
{
	query_result_done(&snapshot->result);
	store_free(snapshot->store);
}

static void print_change(struct watch *watch, const struct store *store,
			 const struct object *object)
{
	const struct query *query = watch->query;

	if (query->output == OUTPUT_PLAIN || query->output == OUTPUT_WIDE) {
		query_print_rows(query, store, object->kind, &object, 1,
				 !watch->header_printed && !query->no_headers, &watch->table,
				 stdout);
		watch->header_printed = true;
		return;
	}
	if (query->output == OUTPUT_YAML)
		fputs("---\n", stdout);
	output_object(stdout, query->output, object);
}

/* New and changed objects as they are, deleted ones as they were. */
static void print_changes(struct watch *watch, const struct snapshot *next)
{
	const struct resources *old = &watch->now.result.items[0].resources;
	const struct resources *new = &next->result.items[0].resources;

	for (size_t i = 0; i < old->n; i++)
		if (!resources_find(new, old->items[i]))
			print_change(watch, watch->now.store, old->items[i]);
	for (size_t i = 0; i < new->n; i++) {
		const struct object *before = resources_find(old, new->items[i]);

		if (!before || !json_equal(before->json, new->items[i]->json))
			print_change(watch, next->store, new->items[i]);
	}
	fflush(stdout);
}

static void on_change(void *arg)
{
	const struct watch *watch = arg;
	const struct timeval settle = { .tv_usec = SETTLE_USEC };

	event_base_loopexit(watch->base, &settle);
}

static void print_first(struct watch *watch)
{
	const struct resources *resources = &watch->now.result.items[0].resources;

	for (size_t i = 0; i < watch->now.result.missing.n; i++)
		resource_not_found(watch->now.result.missing.items[i].kind,
				   watch->now.result.missing.items[i].name);
	if (resources->n &&
	    (watch->query->output == OUTPUT_PLAIN || watch->query->output == OUTPUT_WIDE)) {
		query_print_rows(watch->query, watch->now.store, watch->now.result.items[0].kind,
				 resources->items, resources->n, !watch->query->no_headers,
				 &watch->table, stdout);
		watch->header_printed = true;
	} else {
		for (size_t i = 0; i < resources->n; i++)
			print_change(watch, watch->now.store, resources->items[i]);
	}
	fflush(stdout);
}

/* Ends with the output or an error only; people interrupt it. */
static int watch_loop(struct watch *watch, struct err *err)
{
	for (;;) {
		struct snapshot next = { 0 };
		struct err problem;
		int code;

		if (event_base_dispatch(watch->base) < 0)
			return err_set(err, -1, "the event loop failed");
		code = statewatch_refresh(watch->state, false, err);
		if (code)
			return code;
		if (snapshot_take(watch->query, &next, &problem)) {
			/* Somebody is editing a file by hand: it will be whole again. */
			fprintf(stderr, "warning: %s\n", problem.text);
			continue;
		}
		print_changes(watch, &next);
		snapshot_done(&watch->now);
		watch->now = next;
		if (ferror(stdout))
			return err_set(err, -1, "cannot write");
	}
}

static int watch_start(struct watch *watch, struct err *err)
{
	int code = statewatch_open(watch->base, watch->query->cli->paths.state, on_change, watch,
				   &watch->state, err);

	if (code)
		return code;
	code = statewatch_refresh(watch->state, false, err);
	if (!code)
		code = snapshot_take(watch->query, &watch->now, err);
	if (!code) {
		print_first(watch);
		if (watch->now.result.missing.n)
			code = -1; /* told already */
		else
			code = watch_loop(watch, err);
		snapshot_done(&watch->now);
	}
	statewatch_close(watch->state);
	return code;
}

int query_watch(const struct query *query)
{
	struct watch watch = { .query = query, .table = TABLE_GET };
	struct err err = { "" };

	if (resource_origin_check(query->cli, "follow them with kubectl get -w", &err))
		return cli_fail(&err);
	watch.base = event_base_new();
	if (!watch.base) {
		err_set(&err, -1, "no event loop");
		return cli_fail(&err);
	}
	if (watch_start(&watch, &err) && *err.text)
		cli_fail(&err);
	event_base_free(watch.base);
	return CLI_FAILED;
}
