/* SPDX-License-Identifier: Apache-2.0 */
/* Between rules.c and what it puts the rules together from. */
#ifndef INGRESS_RULES_PARTS_H
#define INGRESS_RULES_PARTS_H

#include "user/ingress/rules.h"

void rules_problem(struct ingress_rules *rules, const struct object *object,
		   enum ingress_reason reason, const char *format, ...) LB_PRINTF(4, 5);

/* What IngressClasses say of all. */
void trusted_collect(struct ingress_rules *rules, const struct store *store);

/* The servers of a route; where there can be none, the reason is told. */
void servers_find(struct ingress_rules *rules, const struct store *store,
		  struct ingress_route *route);

/* Certificates of one Ingress. */
void certificates_collect(struct ingress_rules *rules, const struct store *store,
			  const struct object *ingress);

/*
 * The Secrets that its annotations on TLS name; false: something is missing, and nobody may be let
 * through. ret_…: NULL where nothing is asked for.
 */
bool authorities_collect(struct ingress_rules *rules, const struct store *store,
			 const struct object *ingress, const struct ingress_options *options,
			 const struct object **ret_upstream, const struct object **ret_clients);

/* Users that its annotation names; false: there are none, so that nobody may get in. */
bool users_collect(struct ingress_rules *rules, const struct store *store,
		   const struct object *ingress, const struct ingress_options *options);

#endif
