/* SPDX-License-Identifier: Apache-2.0 */
#include "user/ingress/slots.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "user/ingress/render.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define SLOTS_FIRST 8
#define LINE_MOST 8192 /* half of a buffer of HAProxy's, which a line has to fit into */

static bool servers_equal(const struct ingress_server *a, const struct ingress_server *b)
{
	return a->port == b->port && !addr_compare(&a->addr, &b->addr);
}

static struct ingress_slot *slot_of(struct ingress_pool *pool, const struct ingress_server *server)
{
	for (size_t i = 0; i < pool->n; i++)
		if (pool->items[i].used && servers_equal(&pool->items[i].server, server))
			return &pool->items[i];
	return NULL;
}

static bool route_has(const struct ingress_route *route, const struct ingress_server *server)
{
	for (size_t i = 0; i < route->servers.n; i++)
		if (servers_equal(&route->servers.items[i], server))
			return true;
	return false;
}

static void slot_fill(struct ingress_pool *pool, const struct ingress_server *server)
{
	struct ingress_slot *slot = slot_of(pool, server);
	size_t i = 0;

	if (slot) {
		slot->server.weight = server->weight;
		return;
	}
	while (i < pool->n && pool->items[i].used)
		i++;
	/* Twice as many, so that a Service that grows reloads seldom. */
	if (i == pool->n)
		for (size_t room = pool->n ? pool->n : SLOTS_FIRST; room; room--)
			vec_add(pool);
	pool->items[i] = (struct ingress_slot){ *server, true };
}

static void pool_fill(struct ingress_pool *pool, const struct ingress_route *route)
{
	for (size_t i = 0; i < pool->n; i++)
		if (!route_has(route, &pool->items[i].server))
			pool->items[i] = (struct ingress_slot){ 0 };
	for (size_t i = 0; i < route->servers.n; i++)
		slot_fill(pool, &route->servers.items[i]);
	while (pool->n < SLOTS_FIRST)
		vec_add(pool);
}

static void pool_copy(const struct ingress_pool *pool, bool empty, struct ingress_pool *to)
{
	to->backend = xstrdup(pool->backend);
	for (size_t i = 0; i < pool->n; i++)
		vec_push(to, empty ? (struct ingress_slot){ 0 } : pool->items[i]);
}

void pools_make(const struct ingress_rules *rules, const struct ingress_pools *before,
		struct ingress_pools *ret_pools)
{
	struct ingress_pools pools = { 0 };

	for (size_t i = 0; i < rules->routes.n; i++) {
		const struct ingress_route *route = &rules->routes.items[i];
		const struct ingress_pool *former;
		struct ingress_pool *pool;
		char *name;

		if (!route->listed)
			continue;
		pool = vec_add(&pools);
		name = render_route_name(rules, i);
		former = pools_find(before, name);
		if (former)
			pool_copy(former, false, pool);
		free(pool->backend);
		pool->backend = name;
		pool_fill(pool, route);
	}
	*ret_pools = pools;
}

void pools_copy(const struct ingress_pools *pools, bool empty, struct ingress_pools *ret_pools)
{
	struct ingress_pools copy = { 0 };

	for (size_t i = 0; i < pools->n; i++)
		pool_copy(&pools->items[i], empty, vec_add(&copy));
	*ret_pools = copy;
}

void pools_free(struct ingress_pools *pools)
{
	for (size_t i = 0; i < pools->n; i++) {
		free(pools->items[i].backend);
		vec_free(&pools->items[i]);
	}
	vec_free(pools);
}

const struct ingress_pool *pools_find(const struct ingress_pools *pools, const char *backend)
{
	for (size_t i = 0; i < pools->n; i++)
		if (!strcmp(pools->items[i].backend, backend))
			return &pools->items[i];
	return NULL;
}

/* ----------------------------------------------------------------- commands -- */

struct commands {
	FILE *out;
	pid_t worker;
	const char *backend;
};

static LB_PRINTF(3, 4) void command_print(struct commands *commands, size_t slot,
					  const char *format, ...)
{
	va_list args;

	fprintf(commands->out, "%s@!%d set server %s/s%zu ", ftell(commands->out) ? ";" : "",
		(int)commands->worker, commands->backend, slot + 1);
	va_start(args, format);
	vfprintf(commands->out, format, args);
	va_end(args);
}

static void slot_step(struct commands *commands, size_t slot, struct ingress_slot *has,
		      const struct ingress_slot *wanted)
{
	char text[ADDR_TEXT];

	if (has->used && !wanted->used)
		command_print(commands, slot, "state maint");
	if (wanted->used && !servers_equal(&has->server, &wanted->server))
		command_print(commands, slot, "addr %s port %u",
			      addr_format(&wanted->server.addr, text), ntohs(wanted->server.port));
	if (wanted->used && has->server.weight != wanted->server.weight)
		command_print(commands, slot, "weight %u", wanted->server.weight);
	if (wanted->used && !has->used)
		command_print(commands, slot, "state ready");
	*has = *wanted;
}

static void pool_step(struct commands *commands, struct ingress_pool *has,
		      const struct ingress_pool *wanted)
{
	commands->backend = has->backend;
	for (size_t i = 0; i < has->n && i < wanted->n; i++)
		if (ftell(commands->out) < LINE_MOST)
			slot_step(commands, i, &has->items[i], &wanted->items[i]);
}

char *pools_step(const struct ingress_pools *has, const struct ingress_pools *wanted, pid_t worker,
		 struct ingress_pools *ret_next)
{
	struct ingress_pools next = { 0 };
	char *text = NULL;
	size_t size;
	struct commands commands = { .out = open_memstream(&text, &size), .worker = worker };

	pools_copy(has, false, &next);
	for (size_t i = 0; i < next.n; i++) {
		const struct ingress_pool *to = pools_find(wanted, next.items[i].backend);

		if (to)
			pool_step(&commands, &next.items[i], to);
	}
	fclose(commands.out);
	if (*text) {
		*ret_next = next;
		return text;
	}
	pools_free(&next);
	free(text);
	return NULL;
}

/* A command that was taken says nothing, or that it changed an address. */
bool pools_taken(const char *answer)
{
	static const char *const good[] = { "IP changed from ", "no need to change ",
					    "port changed from " };
	cleanup_free char *copy = xstrdup(answer);
	char *state = NULL;

	for (const char *line = strtok_r(copy, "\n", &state); line;
	     line = strtok_r(NULL, "\n", &state)) {
		size_t i = 0;

		while (i < ARRAY_LEN(good) && strncmp(line, good[i], strlen(good[i])) != 0)
			i++;
		if (i == ARRAY_LEN(good))
			return false;
	}
	return true;
}
