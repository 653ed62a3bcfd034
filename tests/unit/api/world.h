/* SPDX-License-Identifier: Apache-2.0 */
/* A source, and a server that follows a script, in one loop. */
#ifndef TESTS_API_WORLD_H
#define TESTS_API_WORLD_H

#include "tests/unit/api/server.h"

#include <signal.h>

#include "user/api/source.h"
#include "user/util/clock.h"

#define VERSION                                        \
	{                                              \
		"GET /version ", 200, NULL,            \
			"{\"gitVersion\":\"v1.30.1\"," \
			"\"minor\":\"30\"}",           \
			ENDS, 0, 0                     \
	}
#define OK(asks, body)                            \
	{                                         \
		asks, 200, NULL, body, ENDS, 0, 0 \
	}
#define WATCH(asks, body)                              \
	{                                              \
		asks, 200, NULL, body, IS_SILENT, 0, 0 \
	}

static const struct source_times patient = {
	.look_min = 20, .look_max = 40, .list_silence = 20000, .watch_silence = 20000
};

struct world {
	struct event_base *base;
	struct server server;
	struct kubeconfig kubeconfig;
	struct client *client;
	struct source *source;
	struct notes notes;
};

static inline void world_open(struct world *world, const struct answer *script)
{
	*world = (struct world){ .base = event_base_new() };
	notes_open(&world->notes);
	world->server.base = world->base;
	world->server.script = script;
	server_listen(&world->server, 0);
	world->kubeconfig.server = xasprintf("http://127.0.0.1:%u", world->server.port);
}

static inline void world_start(struct world *world, const struct source_times *times)
{
	static const struct source_kind kinds[] = { { K8S_NODE, NULL } };

	world->client = client_open(world->base, &world->kubeconfig);
	world->source = source_open(world->base, world->client, kinds, 1, times, &notes_sink, NULL,
				    &world->notes);
}

static inline void world_close(struct world *world)
{
	source_close(world->source);
	client_close(world->client);
	server_close(&world->server);
	event_base_free(world->base);
	notes_close(&world->notes);
}

/* Until the script has come to its end and was heard, twenty seconds at most. */
static inline void world_run(struct world *world, const char *heard, bool error)
{
	for (unsigned int i = 0; i < 2000 && !world->server.failed; i++) {
		loop_run(world->base, 10);
		if (!world->server.script[world->server.at].asks &&
		    !strcmp(notes_text(&world->notes), heard) &&
		    error == !!source_report(world->source, 0).state->error)
			break;
	}
	/* Nothing more comes of it. */
	loop_run(world->base, 20);
}

static inline void world_check(struct world *world, const char *name, const char *heard,
			       const char *error)
{
	const char *now = source_report(world->source, 0).state->error;

	if (world->server.failed)
		fail_msg("%s: %s", name, world->server.failed);
	if (strcmp(notes_text(&world->notes), heard) != 0)
		fail_msg("%s: \"%s\", not \"%s\" (row %zu, %s)", name, world->notes.text, heard,
			 world->server.at, now ? now : "no error");
	if (error ? !now || strcmp(now, error) != 0 : now != NULL)
		fail_msg("%s: error \"%s\"", name, now ? now : "none");
}

/* Nothing of what the tests are run with gets into them. */
static inline void environment_clean(void)
{
	signal(SIGPIPE, SIG_IGN); /* as the agent does */
	unsetenv("http_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("https_proxy");
	unsetenv("no_proxy");
	unsetenv("NO_PROXY");
}

#endif
