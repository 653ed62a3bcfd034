/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints as the endpoints controller makes them: subsets of addresses with equal ports. */
#include <stdlib.h>
#include <string.h>

#include "user/k8s/decode.h"
#include "user/model/endpoint_json.h"
#include "user/model/slices.h"
#include "user/util/cleanup.h"

#define MAX_ADDRESSES 1000 /* more are cut off, and an annotation says so */
#define LABEL_MANAGED_BY "endpoints.kubernetes.io/managed-by"
#define ANNOTATION_OVER_CAPACITY "endpoints.kubernetes.io/over-capacity"

struct listed {
	const struct member *member;
	char *ports; /* JSON text, what addresses of one subset have in common */
	bool ready;
	char ip[ADDR_TEXT];
};

struct listed_list {
	struct listed *items;
	size_t n, room;
};

static int listed_compare(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int order = strcmp(x->ports, y->ports);

	return order ? order : strcmp(x->ip, y->ip); /* as text, as the controller does */
}

/* Ports of a pod; NULL when the service has ports and the pod none of them. */
static char *listed_ports(const struct service *service, const struct pod *pod)
{
	cleanup_json json_t *ports = json_array();

	for (size_t i = 0; i < service->n_ports; i++) {
		const struct service_port *port = &service->ports[i];
		uint16_t number = member_port(pod, port);

		if (number)
			json_array_append_new(ports, port_json(port->name, false, port->proto,
							       number, port->app_protocol));
	}
	if (service->n_ports && !json_array_size(ports))
		return NULL;
	return json_dumps(ports, JSON_COMPACT);
}

static void listed_collect(const struct service *service, const struct member_list *members,
			   struct listed_list *list)
{
	for (size_t i = 0; i < members->n; i++) {
		const struct member *member = &members->items[i];
		struct listed *listed;
		char *ports;

		if (member->endpoint.terminating && !service->publish_not_ready)
			continue;
		ports = listed_ports(service, member->pod->pod);
		if (!ports)
			continue;
		listed = vec_add(list);
		listed->member = member;
		listed->ports = ports;
		listed->ready = member->endpoint.ready;
		addr_format(&member->endpoint.addr, listed->ip);
	}
	if (list->n)
		qsort(list->items, list->n, sizeof(*list->items), listed_compare);
}

static json_t *address_json(const struct listed *listed)
{
	const struct endpoint *endpoint = &listed->member->endpoint;
	json_t *json = json_pack("{s:s}", "ip", listed->ip);

	json_set_text(json, "hostname", endpoint->hostname);
	json_set_text(json, "nodeName", endpoint->node_name);
	json_object_set_new(json, "targetRef", pod_reference_json(listed->member->pod));
	return json;
}

/* How many addresses may still be listed: those that are ready come first. */
struct budget {
	size_t ready, not_ready;
};

static struct budget budget_of(const struct listed_list *list)
{
	struct budget budget = { 0 };

	for (size_t i = 0; i < list->n; i++)
		budget.ready += list->items[i].ready;
	if (budget.ready > MAX_ADDRESSES)
		budget.ready = MAX_ADDRESSES;
	budget.not_ready = MAX_ADDRESSES - budget.ready;
	return budget;
}

static json_t *subset_json(const struct listed *first, size_t n, struct budget *budget)
{
	json_t *json = json_object(), *ports = json_loads(first->ports, 0, NULL);

	for (size_t i = 0; i < n; i++) {
		const char *key = first[i].ready ? "addresses" : "notReadyAddresses";
		size_t *left = first[i].ready ? &budget->ready : &budget->not_ready;
		json_t *list = json_object_get(json, key);

		if (!*left)
			continue;
		--*left;
		if (!list) {
			list = json_array();
			json_object_set_new(json, key, list);
		}
		json_array_append_new(list, address_json(&first[i]));
	}
	if (json_array_size(ports))
		json_object_set(json, "ports", ports);
	json_decref(ports);
	return json;
}

static json_t *subsets_json(const struct listed_list *list)
{
	struct budget budget = budget_of(list);
	json_t *subsets = json_array();

	for (size_t i = 0, end; i < list->n; i = end) {
		json_t *subset;

		for (end = i + 1;
		     end < list->n && !strcmp(list->items[end].ports, list->items[i].ports);)
			end++;
		subset = subset_json(&list->items[i], end - i, &budget);
		if (json_object_get(subset, "addresses") ||
		    json_object_get(subset, "notReadyAddresses"))
			json_array_append(subsets, subset);
		json_decref(subset);
	}
	return subsets;
}

static json_t *endpoints_json(const struct object *service, const struct listed_list *list)
{
	json_t *labels = labels_copy(service), *metadata, *json;

	json_object_set_new(labels, LABEL_MANAGED_BY, json_string("endpoint-controller"));
	if (service->service->headless)
		json_object_set_new(labels, LABEL_HEADLESS, json_string(""));
	metadata = metadata_json(service, service->name, labels);
	if (list->n > MAX_ADDRESSES)
		json_object_set_new(metadata, "annotations",
				    json_pack("{s:s}", ANNOTATION_OVER_CAPACITY, "truncated"));
	json = json_pack("{s:s, s:s, s:o}", "apiVersion", k8s_kinds[K8S_ENDPOINTS].api_version,
			 "kind", k8s_kinds[K8S_ENDPOINTS].kind, "metadata", metadata);
	if (list->n)
		json_object_set_new(json, "subsets", subsets_json(list));
	return json;
}

struct object *endpoints_of_service(const struct store *store, const struct object *service)
{
	const struct object *stored;
	cleanup_json json_t *json = NULL;
	struct object *endpoints;

	if (service->service->n_selector && service->service->type != SERVICE_EXTERNAL_NAME) {
		struct listed_list list = { 0 };
		struct member_list members;
		bool v4[2];

		(void)service_families(service->service, v4);
		members_select(store, service, v4[0], &members);
		listed_collect(service->service, &members, &list);
		json = endpoints_json(service, &list);
		for (size_t i = 0; i < list.n; i++)
			free(list.items[i].ports);
		vec_free(&list);
		vec_free(&members);
	} else {
		stored = store_find(store, K8S_ENDPOINTS, service->ns, service->name);
		if (!stored)
			return NULL;
		json = json_deep_copy(stored->json);
	}
	return object_decode(json, service->ns, &endpoints, NULL, NULL) ? NULL : endpoints;
}
