/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/readiness.h"

#include <string.h>

#include "user/model/members.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

bool readiness_pod_ended(const struct pod *pod)
{
	return pod->phase && (!strcmp(pod->phase, "Failed") || !strcmp(pod->phase, "Succeeded"));
}

bool readiness_is_probed(const struct container *container)
{
	return container->probes[PROBE_READINESS] || container->probes[PROBE_STARTUP];
}

bool readiness_of_pod(const struct pod *pod)
{
	bool all_spoke = pod->has_probe;

	if (readiness_pod_ended(pod) || !pod->n_ips || !pod->gates_open)
		return false;
	for (size_t i = 0; i < pod->n_containers; i++) {
		const struct container *container = &pod->containers[i];

		if (!readiness_is_probed(container))
			continue;
		if (container->probed == PROBED_UNREADY)
			return false;
		all_spoke = all_spoke && container->probed == PROBED_READY;
	}
	if (pod->has_ready && !all_spoke)
		return pod->ready;
	if (pod->has_probe && !all_spoke)
		return false;
	return !pod->phase || !strcmp(pod->phase, "Running");
}

bool readiness_of_endpoint(const struct endpoint *endpoint)
{
	return endpoint->ready && endpoint->probed != PROBED_UNREADY;
}

/* ------------------------------------------------------------- the store -- */

void readiness_each_endpoint(const struct store *store, const struct object *service,
			     void (*visit)(void *arg, struct endpoint *endpoint), void *arg)
{
	struct store_view slices = store_slices(store, service->ns, service->name);
	const struct object *mirror = endpoints_to_mirror(store, service);

	for (size_t i = 0; i < slices.n; i++) {
		const struct endpoint_slice *slice = slices.items[i]->slice;

		if (slice->fqdn)
			continue;
		for (size_t j = 0; j < slice->n_endpoints; j++)
			visit(arg, &slice->endpoints[j]);
	}
	for (size_t i = 0; mirror && i < mirror->endpoints->n_subsets; i++) {
		const struct endpoints_subset *subset = &mirror->endpoints->subsets[i];

		for (size_t j = 0; j < subset->n_endpoints; j++)
			visit(arg, &subset->endpoints[j]);
	}
}

struct asking {
	const struct readiness *readiness;
	const struct object *service;
};

static void endpoint_fill(void *arg, struct endpoint *endpoint)
{
	const struct asking *asking = arg;

	endpoint->probed = asking->readiness->endpoint(asking->readiness->arg, asking->service,
						       &endpoint->addr);
}

static void container_fill(const struct object *pod, struct container *container,
			   const struct readiness *readiness)
{
	const char *reason = NULL;

	container->probed = readiness->container(readiness->arg, pod, container);
	if (readiness->reason)
		reason = readiness->reason(readiness->arg, pod, container);
	free(container->reason);
	container->reason = reason ? xstrdup(reason) : NULL;
}

void readiness_of_object(const struct store *store, const struct object *object,
			 const struct readiness *readiness)
{
	struct asking asking = { readiness, object };

	if (object->kind == K8S_SERVICE && object->service->probe)
		readiness_each_endpoint(store, object, endpoint_fill, &asking);
	for (size_t i = 0; object->kind == K8S_POD && i < object->pod->n_containers; i++) {
		struct container *container = &object->pod->containers[i];

		if (readiness_is_probed(container))
			container_fill(object, container, readiness);
	}
}

void readiness_of_store(const struct store *store, const struct readiness *readiness)
{
	static const enum k8s_kind kinds[] = { K8S_POD, K8S_SERVICE };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct store_view view = store_list(store, kinds[i], NULL);

		for (size_t j = 0; j < view.n; j++)
			readiness_of_object(store, view.items[j], readiness);
	}
}
