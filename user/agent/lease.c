/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/lease.h"

#include <jansson.h>
#include <string.h>
#include <sys/random.h>

#include "user/agent/election.h"
#include "user/util/cleanup.h"
#include "user/util/clock.h"
#include "user/util/log.h"
#include "user/util/vec.h"

/* A renewal that is not answered leaves time for others before the Lease is lost. */
#define SILENCE_MS 3000
#define CLOSE_S 1

struct lease {
	struct event_base *base;
	struct client *client;
	struct election election;
	char *ns, *name, *identity;
	struct event *timer;
	struct call *call; /* NULL: none runs */
	enum election_op op;
	int64_t sent_ms;
	bool told; /* the log has said that it is held */
	char *error;
	void (*changed)(void *arg);
	void *arg;
};

static uint32_t lot(void)
{
	uint32_t number = 0;

	/* Without randomness agents ask at the same time, and two of one name are one. */
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		number = 0;
	return number;
}

static void lease_arm(struct lease *lease, int64_t wait)
{
	struct timeval timeout = { .tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000 };

	event_add(lease->timer, &timeout);
}

/* ---------------------------------------------------------------------- requests -- */

static void lease_ask(struct lease *lease, enum election_op op, const json_t *body,
		      void (*done)(void *arg, const struct api_result *result))
{
	static const char *const methods[] = { "GET", "POST", "PUT" };
	cleanup_free char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	/* What the server has in memory is good enough to look at: a write proves it. */
	cleanup_free char *path = xasprintf(
		"/apis/coordination.k8s.io/v1/namespaces/%s/leases%s%s%s", lease->ns,
		op == ELECTION_CREATE ? "" : "/", op == ELECTION_CREATE ? "" : lease->name,
		op == ELECTION_GET ? "?resourceVersion=0" : "");
	const struct call_options options = {
		.method = methods[op],
		.path = path,
		.body = text,
		.silence = SILENCE_MS,
		.done = done,
		.arg = lease,
	};

	lease->op = op;
	lease->sent_ms = clock_ms();
	lease->call = call_start(lease->client, &options);
}

/* Not to be there, and to be too late, is part of the game. */
static void error_note(struct lease *lease, const struct api_result *result)
{
	bool fine = result->outcome == API_DONE || result->status == 404 || result->status == 409;

	if (!fine && (!lease->error || strcmp(lease->error, result->text) != 0))
		log_warn("lease %s/%s: %s", lease->ns, lease->name, result->text);
	free(lease->error);
	lease->error = fine ? NULL : xstrdup(result->text);
}

static void held_note(struct lease *lease)
{
	bool held = lease_is_held(lease);

	if (held == lease->told)
		return;
	lease->told = held;
	if (held)
		log_info("lease %s/%s: held by %s", lease->ns, lease->name, lease->identity);
	else
		log_warn("lease %s/%s: lost", lease->ns, lease->name);
	if (held)
		lease->changed(lease->arg);
}

static void lease_answered(void *arg, const struct api_result *result)
{
	struct lease *lease = arg;
	cleanup_json json_t *object = NULL;
	long status = result->status;
	int64_t now = clock_ms();

	if (result->outcome == API_DONE)
		object = json_loadb(result->body, result->size, 0, NULL);
	if (result->outcome == API_DONE && !json_is_object(object))
		status = 0;
	if (result->outcome != API_DONE && result->outcome != API_REFUSED)
		status = 0;
	call_free(lease->call);
	lease->call = NULL;
	error_note(lease, result);
	election_answered(&lease->election, lease->op, status, object, lease->sent_ms, now,
			  lot() / (double)UINT32_MAX);
	held_note(lease);
	lease_arm(lease, lease->election.due_ms > now ? lease->election.due_ms - now : 0);
}

static void lease_due(evutil_socket_t fd, short what, void *arg)
{
	struct lease *lease = arg;
	cleanup_json json_t *body = NULL;
	struct timespec wall;
	enum election_op op;

	(void)fd;
	(void)what;
	clock_gettime(CLOCK_REALTIME, &wall);
	op = election_next(&lease->election, clock_ms(), &wall, &body);
	lease_ask(lease, op, body, lease_answered);
}

bool lease_is_held(const struct lease *lease)
{
	return lease && election_holds(&lease->election, clock_ms());
}

const char *lease_holder(const struct lease *lease)
{
	return lease ? election_holder(&lease->election) : "";
}

/* -------------------------------------------------------------------- life cycle -- */

struct lease *lease_open(struct event_base *base, struct client *client, const char *ns,
			 const char *name, const char *node_name, void (*changed)(void *arg),
			 void *arg)
{
	struct lease *lease = xcalloc(1, sizeof(*lease));

	lease->base = base;
	lease->client = client;
	lease->ns = xstrdup(ns);
	lease->name = xstrdup(name);
	/* Node names should differ; where a copied configuration gives one to all, these do. */
	lease->identity = xasprintf("%s_%08x", node_name, lot());
	lease->changed = changed;
	lease->arg = arg;
	election_init(&lease->election, lease->ns, lease->name, lease->identity);
	lease->timer = evtimer_new(base, lease_due, lease);
	lease_arm(lease, 0);
	return lease;
}

static void lease_released(void *arg, const struct api_result *result)
{
	struct lease *lease = arg;

	(void)result;
	call_free(lease->call);
	lease->call = NULL;
	event_base_loopbreak(lease->base);
}

static void release_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

/* From within the loop it cannot be waited for: then the Lease expires. */
static void lease_release(struct lease *lease)
{
	struct timeval limit = { .tv_sec = CLOSE_S };
	cleanup_json json_t *body = NULL;
	struct timespec wall;
	struct event *late;

	clock_gettime(CLOCK_REALTIME, &wall);
	body = election_release(&lease->election, clock_ms(), &wall);
	if (!body)
		return;
	late = evtimer_new(lease->base, release_late, lease->base);
	event_add(late, &limit);
	lease_ask(lease, ELECTION_UPDATE, body, lease_released);
	event_base_dispatch(lease->base);
	event_free(late);
}

void lease_close(struct lease *lease)
{
	if (!lease)
		return;
	/* A renewal that is on its way would be newer than what is written here. */
	call_free(lease->call);
	lease->call = NULL;
	event_free(lease->timer);
	lease_release(lease);
	call_free(lease->call);
	election_done(&lease->election);
	free(lease->ns);
	free(lease->name);
	free(lease->identity);
	free(lease->error);
	free(lease);
}
