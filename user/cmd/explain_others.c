/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints that a client may not be given, from the objects. */
#include <arpa/inet.h>
#include <string.h>

#include "user/cmd/explain.h"
#include "user/model/slices.h"
#include "user/util/cleanup.h"

static bool is_candidate(const struct explain_answer *answer, const struct endpoint *endpoint,
			 uint16_t port)
{
	for (size_t i = 0; i < answer->n_candidates; i++) {
		const struct lb_backend *value = &answer->candidates[i].value;

		if (ntohs(value->port) == port && !addr_compare(&value->addr, &endpoint->addr))
			return true;
	}
	return false;
}

/*
 * What is left when the endpoint's own conditions allow it: the scope, then the hints, then the
 * time between the objects and the maps.
 */
static const char *other_why(const struct explain_answer *answer, const struct endpoint *endpoint)
{
	if (endpoint->terminating && !endpoint->serving)
		return "terminating, and serves no more";
	if (endpoint->terminating)
		return "terminating, and others are ready";
	if (!endpoint->ready)
		return "not ready";
	if (answer->note.local)
		return "not on this node";
	if (endpoint->n_hint_nodes)
		return "hinted for another node";
	if (endpoint->n_hint_zones)
		return "hinted for another zone";
	return "not in the maps (yet)";
}

static void tell_slice(FILE *out, const struct explain_answer *answer,
		       const struct endpoint_slice *slice)
{
	char text[ADDR_PORT_TEXT];

	for (size_t i = 0; i < slice->n_ports; i++) {
		const struct endpoint_port *port = &slice->ports[i];

		if (port->proto != answer->name.proto || !port->port ||
		    strcmp(port->name, answer->name.port_name) != 0)
			continue;
		for (size_t j = 0; j < slice->n_endpoints; j++) {
			const struct endpoint *endpoint = &slice->endpoints[j];

			if (is_candidate(answer, endpoint, port->port))
				continue;
			fprintf(out, "  - %s  %s\n",
				addr_port_format(&endpoint->addr, htons(port->port), text),
				other_why(answer, endpoint));
		}
	}
}

void explain_story_others(FILE *out, const struct explain_answer *answer,
			  const struct object *service, const struct store *store)
{
	bool v4 = !(answer->name.flags & LB_NAME_IPV6);
	struct object_list slices = { 0 };

	slices_of_service(store, service, &slices);
	for (size_t i = 0; i < slices.n; i++) {
		const struct endpoint_slice *slice = slices.items[i]->slice;

		if (!slice->fqdn && slice->v4 == v4)
			tell_slice(out, answer, slice);
	}
	object_list_free(&slices);
}
