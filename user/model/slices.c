/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/slices.h"

#include <stdio.h>
#include <string.h>

#include "user/k8s/decode.h"
#include "user/model/endpoint_json.h"
#include "user/model/hash.h"
#include "user/model/members.h"
#include "user/util/cleanup.h"

#define SLICE_ENDPOINTS 100 /* the controllers' --max-endpoints-per-slice */
#define SUFFIX_LETTERS 5

#define LABEL_SERVICE "kubernetes.io/service-name"
#define LABEL_MANAGED_BY "endpointslice.kubernetes.io/managed-by"
#define MANAGED_BY_SELECTOR "endpointslice-controller.k8s.io"
#define MANAGED_BY_MIRROR "endpointslicemirroring-controller.k8s.io"

/* Everything that one family of a service's slices shares. */
struct maker {
	const struct object *service;
	const struct object *labels_from; /* the Service, or the Endpoints that is mirrored */
	const char *managed_by;
	bool v4;
	struct object_list *list;
};

/* ------------------------------------------------------------- one slice -- */

/*
 * A name that stays as long as the group and its place stay. Kubernetes draws the suffix from
 * the same letters at random; here, two runs must print the same.
 */
static char *slice_name(const struct maker *maker, const char *group, size_t chunk)
{
	static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
	cleanup_free char *text =
		xasprintf("%s/%d/%s/%zu", maker->managed_by, maker->v4, group, chunk);
	char suffix[SUFFIX_LETTERS + 1] = "";
	uint64_t hash = hash_finish(hash_text(HASH_START, text));

	for (size_t i = 0; i < SUFFIX_LETTERS; i++, hash /= sizeof(letters) - 1)
		suffix[i] = letters[hash % (sizeof(letters) - 1)];
	return xasprintf("%s-%s", maker->service->name, suffix);
}

static json_t *slice_metadata(const struct maker *maker, const char *name)
{
	json_t *labels = labels_copy(maker->labels_from);

	json_object_set_new(labels, LABEL_SERVICE, json_string(maker->service->name));
	json_object_set_new(labels, LABEL_MANAGED_BY, json_string(maker->managed_by));
	if (maker->service->service->headless)
		json_object_set_new(labels, LABEL_HEADLESS, json_string(""));
	return metadata_json(maker->service, name, labels);
}

/* Takes over endpoints and ports. */
static void slice_add(const struct maker *maker, const char *group, size_t chunk, json_t *endpoints,
		      json_t *ports)
{
	cleanup_free char *name = slice_name(maker, group, chunk);
	cleanup_json json_t *json = json_pack(
		"{s:s, s:s, s:o, s:s, s:o, s:o}", "apiVersion",
		k8s_kinds[K8S_ENDPOINT_SLICE].api_version, "kind",
		k8s_kinds[K8S_ENDPOINT_SLICE].kind, "metadata", slice_metadata(maker, name),
		"addressType", maker->v4 ? "IPv4" : "IPv6", "endpoints", endpoints, "ports", ports);
	struct object *slice;

	/* What the API server refuses, the controllers cannot make either. */
	if (!object_decode(json, maker->service->ns, &slice, NULL, NULL))
		vec_push(maker->list, slice);
}

/* ------------------------------------------------------------- from pods -- */

/* A pod and the ports it offers: pods with equal ports share slices. */
struct placed {
	const struct member *member;
	char *group;
	size_t order;
};

static int placed_compare(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	int order = strcmp(x->group, y->group);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static json_t *member_ports_json(const struct service *service, const struct pod *pod)
{
	json_t *ports = json_array();

	for (size_t i = 0; i < service->n_ports; i++) {
		const struct service_port *port = &service->ports[i];
		uint16_t number = member_port(pod, port);

		if (number)
			json_array_append_new(ports, port_json(port->name, true, port->proto,
							       number, port->app_protocol));
	}
	return ports;
}

static struct placed *members_place(const struct service *service,
				    const struct member_list *members)
{
	struct placed *placed = xcalloc(members->n, sizeof(*placed));

	for (size_t i = 0; i < members->n; i++) {
		cleanup_json json_t *ports = member_ports_json(service, members->items[i].pod->pod);

		placed[i] = (struct placed){ .member = &members->items[i],
					     .group = json_dumps(ports, JSON_COMPACT),
					     .order = i };
	}
	qsort(placed, members->n, sizeof(*placed), placed_compare);
	return placed;
}

static void slices_from_pods(const struct store *store, const struct maker *maker)
{
	const struct service *service = maker->service->service;
	struct member_list members;
	struct placed *placed;
	size_t chunk = 0;

	members_select(store, maker->service, maker->v4, &members);
	placed = members_place(service, &members);
	for (size_t i = 0, end; i < members.n; i = end) {
		json_t *endpoints = json_array();

		for (end = i; end < members.n && end - i < SLICE_ENDPOINTS &&
			      !strcmp(placed[end].group, placed[i].group);
		     end++)
			json_array_append_new(endpoints, endpoint_json(placed[end].member));
		chunk = i && !strcmp(placed[i - 1].group, placed[i].group) ? chunk + 1 : 0;
		slice_add(maker, placed[i].group, chunk, endpoints,
			  member_ports_json(service, placed[i].member->pod->pod));
	}
	/* An empty slice tells that the selector was looked at and chose nothing. */
	if (!members.n)
		slice_add(maker, "", 0, json_array(), json_array());
	for (size_t i = 0; i < members.n; i++)
		free(placed[i].group);
	free(placed);
	vec_free(&members);
}

/* -------------------------------------------------------- from Endpoints -- */

static json_t *subset_ports_json(const struct endpoints_subset *subset)
{
	json_t *ports = json_array();

	for (size_t i = 0; i < subset->n_ports; i++) {
		const struct endpoint_port *port = &subset->ports[i];

		json_array_append_new(ports, port_json(port->name, true, port->proto, port->port,
						       port->app_protocol));
	}
	return ports;
}

static void slices_from_subset(const struct maker *maker, const struct endpoints_subset *subset,
			       size_t number)
{
	cleanup_free char *group = xasprintf("subset %zu", number);
	json_t *endpoints = json_array();
	size_t chunk = 0;

	for (size_t i = 0; i < subset->n_endpoints; i++) {
		const struct endpoint *endpoint = &subset->endpoints[i];

		if (addr_is_v4(&endpoint->addr) != maker->v4)
			continue;
		if (json_array_size(endpoints) == SLICE_ENDPOINTS) {
			slice_add(maker, group, chunk++, endpoints, subset_ports_json(subset));
			endpoints = json_array();
		}
		json_array_append_new(endpoints, mirrored_json(endpoint, maker->service->ns));
	}
	if (json_array_size(endpoints))
		slice_add(maker, group, chunk, endpoints, subset_ports_json(subset));
	else
		json_decref(endpoints);
}

/* --------------------------------------------------------------- the list -- */

static int object_compare(const void *a, const void *b)
{
	const struct object *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void slices_stored(const struct store *store, const struct object *service,
			  struct object_list *list)
{
	struct store_view slices = store_slices(store, service->ns, service->name);

	for (size_t i = 0; i < slices.n; i++) {
		const struct object *slice = slices.items[i];
		cleanup_json json_t *json = NULL;
		struct object *copy;

		json = json_deep_copy(slice->json);
		if (!object_decode(json, service->ns, &copy, NULL, NULL))
			vec_push(list, copy);
	}
}

void slices_make(const struct store *store, const struct object *service,
		 struct object_list *ret_slices)
{
	const struct object *mirror = endpoints_to_mirror(store, service);
	struct object_list list = { 0 }, made = { 0 };
	bool v4[2];
	size_t n_families = service_families(service->service, v4);

	for (size_t i = 0; i < n_families; i++) {
		struct maker maker = { .service = service,
				       .labels_from = mirror ? mirror : service,
				       .managed_by =
					       mirror ? MANAGED_BY_MIRROR : MANAGED_BY_SELECTOR,
				       .v4 = v4[i],
				       .list = &made };

		if (mirror) {
			for (size_t j = 0; j < mirror->endpoints->n_subsets; j++)
				slices_from_subset(&maker, &mirror->endpoints->subsets[j], j);
		} else if (service->service->n_selector &&
			   service->service->type != SERVICE_EXTERNAL_NAME) {
			slices_from_pods(store, &maker);
		}
	}
	/* A slice of the store stands for the made one of its name: it was printed and applied. */
	for (size_t i = 0; i < made.n; i++) {
		struct object *slice = made.items[i];

		if (store_find(store, K8S_ENDPOINT_SLICE, slice->ns, slice->name))
			object_free(slice);
		else
			vec_push(&list, slice);
	}
	vec_free(&made);
	*ret_slices = list;
}

void slices_of_service(const struct store *store, const struct object *service,
		       struct object_list *ret_slices)
{
	struct object_list list;

	slices_make(store, service, &list);
	slices_stored(store, service, &list);
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), object_compare);
	*ret_slices = list;
}
