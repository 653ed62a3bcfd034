/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/feed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/k8s/record.h"
#include "user/model/readiness.h"

void reconcile_feed(struct reconcile *reconcile, unsigned int kinds)
{
	reconcile->feed.kinds = kinds;
	reconcile->feed.listed = 0;
	reconcile->feed.store = store_new();
	store_set_cluster(reconcile->feed.store, kinds);
	reconcile->stale |= RECONCILE_STATE;
}

bool reconcile_is_fed(const struct reconcile *reconcile)
{
	return reconcile->feed.kinds && reconcile->feed.listed == reconcile->feed.kinds;
}

static struct store *fed_store(struct reconcile *reconcile)
{
	return reconcile->feed.store ? reconcile->feed.store : reconcile->store;
}

int feed_read(struct reconcile *reconcile, struct err *err)
{
	unsigned int missing = reconcile->feed.kinds & ~reconcile->feed.listed;
	char names[128] = "";

	for (enum k8s_kind kind = 0; kind < K8S_KINDS; kind++) {
		size_t length = strlen(names);

		if (missing & 1u << kind)
			snprintf(names + length, sizeof(names) - length, "%s%s", length ? ", " : "",
				 k8s_kinds[kind].plural);
	}
	if (missing)
		return err_set(err, -EAGAIN, "not listed yet: %s", names);
	if (reconcile->feed.store) {
		reconcile->store = reconcile->feed.store;
		reconcile->feed.store = NULL;
	}
	return 0;
}

/* ---------------------------------------------------------------- changes -- */

/* One of them is NULL when the object came or went. */
static void slice_touch(struct reconcile *reconcile, const struct object *slice)
{
	if (slice && slice->slice->service)
		touched_endpoints(&reconcile->touched, slice->ns, slice->slice->service);
}

static bool same_addresses(const struct object *a, const struct object *b)
{
	return a && b && a->pod->n_ips == b->pod->n_ips &&
	       readiness_pod_ended(a->pod) == readiness_pod_ended(b->pod) &&
	       !memcmp(a->pod->ips, b->pod->ips, a->pod->n_ips * sizeof(*a->pod->ips));
}

static void pod_touch(struct reconcile *reconcile, const struct object *old,
		      const struct object *now)
{
	if (same_addresses(old, now))
		return;
	if (old)
		resolve_pod_addresses(old, &reconcile->touched.went);
	if (now)
		resolve_pod_addresses(now, &reconcile->touched.came);
}

static void node_touch(struct reconcile *reconcile, const struct object *old,
		       const struct object *now)
{
	const char *name = (now ? now : old)->name, *own = reconcile->config->node_name;
	const char *before = old ? old->node->zone : NULL, *zone = now ? now->node->zone : NULL;

	if (own && !strcmp(name, own) && strcmp(before ? before : "", zone ? zone : "") != 0)
		reconcile_forget(reconcile);
}

/* A cluster's names are made of these. */
static bool kind_has_names(enum k8s_kind kind)
{
	return kind == K8S_NAMESPACE || kind == K8S_SERVICE || kind == K8S_ENDPOINT_SLICE ||
	       kind == K8S_ENDPOINTS;
}

/* Takes the old object over. */
static void object_touch(struct reconcile *reconcile, struct object *old, const struct object *now)
{
	const struct object *any = now ? now : old;

	reconcile->feed.services_changed |= any->kind == K8S_SERVICE;
	reconcile->names_stale |= kind_has_names(any->kind);
	if (any->kind == K8S_SERVICE && reconcile->have_desired) {
		touched_service(&reconcile->touched, any->ns, any->name, old);
		return;
	}
	if (reconcile->have_desired) {
		if (any->kind == K8S_ENDPOINT_SLICE) {
			slice_touch(reconcile, old);
			slice_touch(reconcile, now);
		} else if (any->kind == K8S_ENDPOINTS) {
			touched_endpoints(&reconcile->touched, any->ns, any->name);
		} else if (any->kind == K8S_POD) {
			pod_touch(reconcile, old, now);
		} else if (any->kind == K8S_NODE) {
			node_touch(reconcile, old, now);
		}
	}
	object_free(old);
}

/* For `lbctl replay`. At once, since the process may end badly. */
static void change_record(const struct reconcile *reconcile, const struct object *old,
			  const struct object *now)
{
	struct timespec at;

	if (!reconcile->record)
		return;
	clock_gettime(CLOCK_REALTIME, &at);
	record_event(reconcile->record,
		     !now  ? "DELETED"
		     : old ? "MODIFIED"
			   : "ADDED",
		     now ?: old, &at);
	fflush(reconcile->record);
}

void reconcile_put(struct reconcile *reconcile, struct object *object)
{
	struct object *old = store_swap(fed_store(reconcile), object);

	change_record(reconcile, old, object);
	object_touch(reconcile, old, object);
	/* Its end is told in full, too. */
	if (!reconcile->record)
		object_slim(object);
}

void reconcile_delete(struct reconcile *reconcile, enum k8s_kind kind, const char *ns,
		      const char *name)
{
	struct object *old = store_take(fed_store(reconcile), kind, ns, name);

	if (!old)
		return;
	change_record(reconcile, old, NULL);
	object_touch(reconcile, old, NULL);
}

void reconcile_listed(struct reconcile *reconcile, enum k8s_kind kind)
{
	reconcile->feed.listed |= 1u << kind;
}
