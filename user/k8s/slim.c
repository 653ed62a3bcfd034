/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree takes many times the memory of its text. With a hundred thousand endpoints that is what
 * the agent's memory is made of, unless what was decoded is let go.
 */
#include <stdbool.h>
#include <string.h>

#include "user/k8s/kinds.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* Of the names in a slice most are those of a few nodes and zones. */
#define RECENT 16

/* One run of NUL-terminated texts. First its size is found out, then it is filled. */
struct pool {
	char *texts; /* NULL: only the size is asked for */
	size_t size;
	const char *recent[RECENT]; /* as they were given */
	size_t at[RECENT];
	unsigned int next;
};

static void pool_own(struct pool *pool, const char **text)
{
	size_t length, at = pool->size;

	if (!*text)
		return;
	for (unsigned int i = 0; i < RECENT; i++) {
		if (pool->recent[i] && !strcmp(pool->recent[i], *text)) {
			if (pool->texts)
				*text = pool->texts + pool->at[i];
			return;
		}
	}
	length = strlen(*text) + 1;
	pool->recent[pool->next] = *text;
	pool->at[pool->next] = at;
	pool->next = (pool->next + 1) % RECENT;
	pool->size += length;
	if (pool->texts) {
		memcpy(pool->texts + at, *text, length);
		*text = pool->texts + at;
	}
}

/* From the size to the filling. The texts are the caller's. */
static char *pool_begin(struct pool *pool)
{
	*pool = (struct pool){ .texts = xmalloc(pool->size) };
	return pool->texts;
}

static void endpoint_own(struct pool *pool, struct endpoint *endpoint)
{
	pool_own(pool, &endpoint->node_name);
	pool_own(pool, &endpoint->zone);
	pool_own(pool, &endpoint->hostname);
	pool_own(pool, &endpoint->target_kind);
	pool_own(pool, &endpoint->target_name);
	for (size_t i = 0; i < endpoint->n_hint_zones; i++)
		pool_own(pool, &endpoint->hint_zones[i]);
	for (size_t i = 0; i < endpoint->n_hint_nodes; i++)
		pool_own(pool, &endpoint->hint_nodes[i]);
}

static void slice_own(struct pool *pool, struct endpoint_slice *slice)
{
	for (size_t i = 0; i < slice->n_ports; i++) {
		pool_own(pool, &slice->ports[i].name);
		pool_own(pool, &slice->ports[i].app_protocol);
	}
	for (size_t i = 0; i < slice->n_endpoints; i++)
		endpoint_own(pool, &slice->endpoints[i]);
}

static void labels_own(struct pool *pool, struct label *labels, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		pool_own(pool, &labels[i].key);
		pool_own(pool, &labels[i].value);
	}
}

static void service_own(struct pool *pool, struct service *service)
{
	for (size_t i = 0; i < service->n_ports; i++) {
		pool_own(pool, &service->ports[i].name);
		pool_own(pool, &service->ports[i].target_name);
		pool_own(pool, &service->ports[i].app_protocol);
	}
	labels_own(pool, service->selector, service->n_selector);
	for (size_t i = 0; i < service->n_ingress; i++)
		pool_own(pool, &service->ingress[i].hostname);
	pool_own(pool, &service->family_policy);
	pool_own(pool, &service->external_name);
	pool_own(pool, &service->traffic_distribution);
	pool_own(pool, &service->load_balancer_class);
}

static void service_detach(struct service *service)
{
	struct pool pool = { 0 };

	service_own(&pool, service);
	if (!pool.size)
		return;
	service->texts = pool_begin(&pool);
	service_own(&pool, service);
}

void slice_detach(struct endpoint_slice *slice)
{
	struct pool pool = { 0 };

	slice_own(&pool, slice);
	if (!pool.size)
		return;
	slice->texts = pool_begin(&pool);
	slice_own(&pool, slice);
}

static bool pod_is_probed(const struct pod *pod)
{
	for (size_t i = 0; i < pod->n_containers; i++) {
		for (enum probe_kind kind = 0; kind < PROBE_KINDS; kind++) {
			if (pod->containers[i].probes[kind])
				return true;
		}
	}
	return false;
}

static void pod_own(struct pool *pool, struct object *object)
{
	struct pod *pod = object->pod;

	pool_own(pool, &object->ns);
	pool_own(pool, &object->name);
	labels_own(pool, pod->labels, pod->n_labels);
	for (size_t i = 0; i < pod->n_ports; i++)
		pool_own(pool, &pod->ports[i].name);
	pool_own(pool, &pod->node_name);
	pool_own(pool, &pod->hostname);
	pool_own(pool, &pod->subdomain);
	pool_own(pool, &pod->phase);
}

/* Probes go by its annotations and its status, and their strings are the tree's. */
static void pod_detach(struct object *object)
{
	struct pool pool = { 0 };

	if (pod_is_probed(object->pod))
		return;
	pod_containers_free(object->pod);
	pod_own(&pool, object);
	object->pod->texts = pool_begin(&pool);
	pod_own(&pool, object);
	json_decref(object->json);
	object->json = NULL;
}

static void keys_delete(json_t *json, const char *const *keys)
{
	for (; *keys; keys++)
		tree_delete(json, *keys);
}

void object_slim(struct object *object)
{
	static const char *const anywhere[] = { "metadata.managedFields", "metadata.generateName",
						"metadata.selfLink", "metadata.ownerReferences",
						NULL };
	static const char *const of_slices[] = { "apiVersion",
						 "kind",
						 "addressType",
						 "endpoints",
						 "ports",
						 "metadata.annotations",
						 "metadata.uid",
						 "metadata.creationTimestamp",
						 "metadata.generation",
						 NULL };
	/* Whoever gives addresses needs the uid. */
	static const char *const of_services[] = { "apiVersion", "kind", "spec", "status", NULL };
	json_t *annotations = tree_get(object->json, "metadata.annotations");

	json_object_del(annotations, LAST_APPLIED);
	keys_delete(object->json, anywhere);
	if (object->kind == K8S_ENDPOINT_SLICE) {
		slice_detach(object->slice);
		keys_delete(object->json, of_slices);
	} else if (object->kind == K8S_SERVICE) {
		service_detach(object->service);
		keys_delete(object->json, of_services);
	} else if (object->kind == K8S_POD) {
		pod_detach(object);
	}
}
