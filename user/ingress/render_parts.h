/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_RENDER_PARTS_H
#define INGRESS_RENDER_PARTS_H

#include <stdio.h>

#include "user/ingress/render.h"

/* As one word of HAProxy's, whatever is in it. */
void render_quoted(FILE *out, const char *text);

/* The same where % begins something. */
void render_format(FILE *out, const char *text);

/* The backend of a route, and the tables that it counts in. */
void render_backend(FILE *out, const struct ingress_rules *rules, const struct ingress_pools *pools,
		    const struct ingress_listen *listen, size_t index);

/* The number of the users that a route asks for. */
size_t render_users(const struct ingress_rules *rules, const struct ingress_route *route);

#endif
