/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/health_check.h"

#include <stdio.h>
#include <string.h>

#include "user/model/addresses.h"
#include "user/util/vec.h"

#define STATUS_OK 200
#define STATUS_UNAVAILABLE 503

/* -------------------------------------------------------------- endpoints -- */

static bool same_object(const struct lb_name *a, const struct lb_name *b)
{
	return !strcmp(a->namespace, b->namespace) && !strcmp(a->name, b->name);
}

/* A pod is one endpoint, however many ports of it are served. */
static uint32_t ready_count(const struct desired_service *first,
			    const struct desired_service *behind, bool v4)
{
	struct addr_list ready = { 0 };
	uint32_t count;

	for (const struct desired_service *at = first; at < behind; at++) {
		for (size_t i = 0; at->v4 == v4 && i < at->n_backends; i++) {
			const struct desired_backend *backend = &at->backends[i];

			if (backend->flags & LB_BACKEND_LOCAL && backend->ready)
				vec_push(&ready, backend->addr);
		}
	}
	addresses_sort(&ready);
	count = (uint32_t)ready.n;
	vec_free(&ready);
	return count;
}

static void check_add(struct health_check_list *list, const struct object *object,
		      const struct desired_service *first, const struct desired_service *behind)
{
	struct health_check *check = vec_add(list);

	snprintf(check->namespace, sizeof(check->namespace), "%s", object->ns);
	snprintf(check->name, sizeof(check->name), "%s", object->name);
	check->port = object->service->health_check_node_port;
	for (const struct desired_service *at = first; at < behind; at++)
		check->served[!at->v4] = true;
	for (int family = 0; family < 2; family++)
		check->ready[family] = ready_count(first, behind, family == 0);
}

/* Most are not, which is told without looking for the object. */
static bool may_be_checked(const struct lb_name *name)
{
	return name->type == LB_SERVICE_LOAD_BALANCER && name->flags & LB_NAME_EXTERNAL_LOCAL;
}

/* By namespace and name, as the desired Services are. */
void health_checks_collect(const struct store *store, const struct desired *desired,
			   struct health_check_list *ret_list)
{
	const struct desired_service *at = desired->services;
	const struct desired_service *end = at + desired->n_services;
	struct health_check_list list = { 0 };

	while (at < end) {
		const struct desired_service *first = at++;
		const struct object *object;

		if (!may_be_checked(&first->name))
			continue;
		while (at < end && same_object(&first->name, &at->name))
			at++;
		object = store_find(store, K8S_SERVICE, first->name.namespace, first->name.name);
		if (object && object->service->health_check_node_port)
			check_add(&list, object, first, at);
	}
	*ret_list = list;
}

/* -------------------------------------------------------------- addresses -- */

void health_addresses(const struct config *config, const struct addr_list *node,
		      struct addr_list *ret_list)
{
	const struct prefix_list *wanted = &config->node_port_addresses;
	const struct addr_list *own = config->node_addresses.n ? &config->node_addresses : node;
	const struct lb_addr any6 = { 0 };
	struct addr_list list = { 0 };

	if (!wanted->n) {
		vec_push(&list, addr_from_v4(htonl(INADDR_ANY)));
		vec_push(&list, any6);
	}
	for (size_t i = 0; wanted->n && i < own->n; i++) {
		for (size_t j = 0; j < wanted->n; j++) {
			if (prefix_contains(&wanted->items[j], &own->items[i]))
				vec_push(&list, own->items[i]);
		}
	}
	addresses_sort(&list);
	*ret_list = list;
}

/* ---------------------------------------------------------------- answers -- */

void health_check_answer(const struct health_check *check, bool v4, bool healthy,
			 struct health_answer *ret_answer)
{
	int family = check->served[!v4] ? !v4 : v4;
	uint32_t ready = check->ready[family];

	ret_answer->status = ready && healthy ? STATUS_OK : STATUS_UNAVAILABLE;
	ret_answer->weight = ready;
	snprintf(ret_answer->body, sizeof(ret_answer->body),
		 "{\n"
		 "\t\"service\": {\n"
		 "\t\t\"namespace\": \"%s\",\n"
		 "\t\t\"name\": \"%s\"\n"
		 "\t},\n"
		 "\t\"localEndpoints\": %u,\n"
		 "\t\"serviceProxyHealthy\": %s\n"
		 "}",
		 check->namespace, check->name, ready, healthy ? "true" : "false");
}
