/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_RENDER_PARTS_H
#define INGRESS_RENDER_PARTS_H

#include <stdio.h>

#include "user/ingress/render.h"

/* As one word of HAProxy's, whatever is in it. */
void render_quoted(FILE *out, const char *text);

/* The same where % begins something. */
void render_format(FILE *out, const char *text);

/* As an expression that stands for this text. */
void render_regex(FILE *out, const char *text, size_t length);

/* The backend of a route, and the tables that it counts in. */
void render_backend(FILE *out, const struct ingress_rules *rules, const struct ingress_pools *pools,
		    const struct ingress_listen *listen, size_t index);

/* Which certificate for which name, and what is asked of the clients of that name. */
void render_crt_list(FILE *out, const struct ingress_rules *rules);

/* Has some route clients that have to show a certificate? */
bool render_any_clients(const struct ingress_rules *rules);

/* Refuses who has not shown one, and tells the pod of the others. */
void render_clients(FILE *out, const struct ingress_route *route);

/* How a server is spoken to: of a "server" line what is behind the address. */
void render_upstream(FILE *out, const struct ingress_rules *rules,
		     const struct ingress_route *route);

/* The number of the users that a route asks for. */
size_t render_users(const struct ingress_rules *rules, const struct ingress_route *route);

#endif
