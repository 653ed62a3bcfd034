/* SPDX-License-Identifier: Apache-2.0 */
#include "user/probe/target.h"

#include <string.h>
#include <unistd.h>

#include "user/model/readiness.h"
#include "user/util/age.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

int target_key_compare(const struct target_key *a, const struct target_key *b)
{
	int order = (int)a->kind - (int)b->kind;

	if (!order)
		order = strcmp(a->ns, b->ns);
	if (!order)
		order = strcmp(a->name, b->name);
	if (!order)
		order = strcmp(a->part, b->part);
	return order ? order : (int)a->probe - (int)b->probe;
}

const char *target_probe_word(enum probe_kind kind)
{
	static const char *const words[] = { [PROBE_STARTUP] = "startup",
					     [PROBE_READINESS] = "readiness",
					     [PROBE_LIVENESS] = "liveness" };

	return words[kind];
}

/* The container's own status, or NULL. */
static const json_t *container_status(const struct object *pod, const struct container *container)
{
	json_t *statuses = tree_get(pod->json, "status.containerStatuses"), *status;
	size_t i;

	json_array_foreach (statuses, i, status) {
		const char *name = tree_text(status, "name");

		if (name && container->name && !strcmp(name, container->name))
			return status;
	}
	return NULL;
}

char *target_identity(const struct object *pod, const struct container *container)
{
	static const char *const places[] = { "lbctl.io/pid", "lbctl.io/netns", "lbctl.io/root" };
	const char *uid = tree_text(pod->json, "metadata.uid");
	const char *id = tree_text(container_status(pod, container), "containerID");
	char ips[2][ADDR_TEXT] = { "", "" };
	const char *where[3];

	for (size_t i = 0; i < pod->pod->n_ips; i++)
		addr_format(&pod->pod->ips[i], ips[i]);
	for (size_t i = 0; i < 3; i++)
		where[i] = object_annotation(pod, places[i]);
	return xasprintf("%s %s %s %s %s %s %s %jd:%jd", uid ? uid : "", id ? id : "", ips[0],
			 ips[1], where[0] ? where[0] : "", where[1] ? where[1] : "",
			 where[2] ? where[2] : "", (intmax_t)container->run_as_user,
			 (intmax_t)container->run_as_group);
}

static int64_t container_started(const struct object *pod, const struct container *container)
{
	const char *text = tree_text(container_status(pod, container), "state.running.startedAt");
	time_t started;

	if (!text)
		text = tree_text(pod->json, "status.startTime");
	return text && !timestamp_parse(text, &started) ? started : 0;
}

static struct target *target_add(struct target_list *list, const struct object *object,
				 const char *part, enum probe_kind kind)
{
	struct target *target = vec_add(list);

	target->key = (struct target_key){ .kind = object->kind,
					   .ns = xstrdup(object->ns),
					   .name = xstrdup(object->name),
					   .part = xstrdup(part),
					   .probe = kind };
	return target;
}

/* ------------------------------------------------------------------- pods -- */

static bool command_runs_here(const struct object *object, const char *node)
{
	const char *netns = object_annotation(object, "lbctl.io/netns");

	if (!object->pod->node_name || !node || !strcmp(object->pod->node_name, node))
		return true;
	return netns && !object_annotation(object, "lbctl.io/pid") && !access(netns, F_OK);
}

static bool probe_applies(const struct object *object, const struct probe *probe,
			  enum probe_kind kind, const char *node)
{
	const struct pod *pod = object->pod;

	if (!probe)
		return false;
	/* On its way out nobody waits for its start, or would start it again. */
	if (pod->terminating && kind != PROBE_READINESS)
		return false;
	if (probe->action == PROBE_EXEC)
		return command_runs_here(object, node);
	return pod->n_ips;
}

static void pod_collect(const struct object *object, const char *node, struct target_list *list)
{
	const struct pod *pod = object->pod;

	if (readiness_pod_ended(pod))
		return;
	for (size_t i = 0; i < pod->n_containers; i++) {
		const struct container *container = &pod->containers[i];

		for (enum probe_kind kind = 0; kind < PROBE_KINDS; kind++) {
			const struct probe *probe = container->probes[kind];
			struct target *target;

			if (!probe_applies(object, probe, kind, node))
				continue;
			target = target_add(list, object, container->name ? container->name : "",
					    kind);
			target->identity = target_identity(object, container);
			target->probe = probe_copy(probe, object->json);
			target->started = container_started(object, container);
			if (pod->n_ips)
				target->addr = pod->ips[0];
			if (probe->action == PROBE_EXEC)
				place_init(&target->place, object, container);
		}
	}
}

/* --------------------------------------------------------------- services -- */

struct collecting {
	struct target_list *list;
	const struct object *service;
};

static void endpoint_collect(void *arg, struct endpoint *endpoint)
{
	const struct collecting *collecting = arg;
	const struct probe *probe = collecting->service->service->probe;
	char text[ADDR_TEXT];
	struct target *target = target_add(collecting->list, collecting->service,
					   addr_format(&endpoint->addr, text), PROBE_READINESS);

	target->identity = xstrdup("");
	target->probe = probe_copy(probe, probe->json);
	target->addr = endpoint->addr;
}

/* ------------------------------------------------------------------- all -- */

static int target_compare(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	return target_key_compare(&x->key, &y->key);
}

/* One address may be in several slices. */
static void targets_sort(struct target_list *list)
{
	size_t kept = 0;

	if (!list->n)
		return;
	qsort(list->items, list->n, sizeof(*list->items), target_compare);
	for (size_t i = 0; i < list->n; i++) {
		if (kept && !target_compare(&list->items[kept - 1], &list->items[i]))
			target_done(&list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->n = kept;
}

void targets_collect(const struct store *store, const char *node, struct target_list *ret_targets)
{
	struct store_view pods = store_list(store, K8S_POD, NULL);
	struct store_view services = store_list(store, K8S_SERVICE, NULL);
	struct target_list list = { 0 };

	for (size_t i = 0; i < pods.n; i++)
		pod_collect(pods.items[i], node, &list);
	for (size_t i = 0; i < services.n; i++) {
		struct collecting collecting = { &list, services.items[i] };

		if (services.items[i]->service->probe)
			readiness_each_endpoint(store, services.items[i], endpoint_collect,
						&collecting);
	}
	targets_sort(&list);
	*ret_targets = list;
}

void target_done(struct target *target)
{
	free((char *)target->key.ns);
	free((char *)target->key.name);
	free((char *)target->key.part);
	free(target->identity);
	probe_free(target->probe);
	place_done(&target->place);
}

void targets_done(struct target_list *targets)
{
	for (size_t i = 0; i < targets->n; i++)
		target_done(&targets->items[i]);
	vec_free(targets);
}
