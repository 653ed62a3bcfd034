/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be written is planned from the store alone, so a plan waits until the store has seen
 * all that the one before has written. It has when the Service has another resourceVersion than the
 * patch was made for; a patch that came too late (409) has lost to just such a change.
 */
#include "user/agent/lb_status.h"

#include <event2/event.h>
#include <string.h>

#include "user/agent/lease.h"
#include "user/model/load_balancer.h"
#include "user/util/cleanup.h"
#include "user/util/log.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

#define LEASE_NS "kube-system"
#define LEASE_NAME "lbctl-load-balancer"

#define PARALLEL 16
/* What was sent while the Lease was held has ended when others may hold it: see election.h. */
#define SILENCE_MS 4000
/* After a failure, and when the watch does not bring what was written. */
#define RETRY_S 2
#define SEEN_S 10

enum write_state { WRITE_QUEUED, WRITE_SENT, WRITE_UNSEEN };

struct write {
	struct lb_status *status;
	enum write_state state;
	struct call *call;
	char *ns, *name, *version; /* the Service, as it was when this was planned */
	char *body;
};

struct lb_status {
	struct event_base *base;
	struct client *client;
	const struct config *config;
	const struct store *store; /* NULL: not known yet */
	struct lease *lease;	   /* NULL: there are no pools to give from */
	struct event *timer;	   /* plans anew, whatever has not been seen */
	struct {
		struct write **items;
		size_t n, room;
	} writes;
	bool failed;   /* one of them */
	size_t lacks;  /* Services without an address that they should have */
	char *problem; /* the first of them, as it was told */
	char *error;   /* of the last write that failed */
};

static void writes_go_on(struct lb_status *status);

/* ------------------------------------------------------------------------ writes -- */

static void write_free(struct write *write)
{
	call_free(write->call);
	free(write->ns);
	free(write->name);
	free(write->version);
	free(write->body);
	free(write);
}

static void writes_clear(struct lb_status *status)
{
	for (size_t i = 0; i < status->writes.n; i++)
		write_free(status->writes.items[i]);
	vec_free(&status->writes);
}

static bool writes_have(const struct lb_status *status, enum write_state state)
{
	for (size_t i = 0; i < status->writes.n; i++) {
		if (status->writes.items[i]->state == state)
			return true;
	}
	return false;
}

static void error_note(struct lb_status *status, const struct write *write, const char *text)
{
	cleanup_free char *error = xasprintf("service %s/%s: its status cannot be written: %s",
					     write->ns, write->name, text);

	status->failed = true;
	if (!status->error || strcmp(status->error, error) != 0)
		log_warn("%s", error);
	free(status->error);
	status->error = TAKE_PTR(error);
}

static void write_done(void *arg, const struct api_result *result)
{
	struct write *write = arg;
	struct lb_status *status = write->status;

	if (result->outcome != API_DONE && result->status != 409 && result->status != 404)
		error_note(status, write, result->text);
	write->state = WRITE_UNSEEN;
	call_free(write->call);
	write->call = NULL;
	writes_go_on(status);
}

static void write_start(struct write *write)
{
	cleanup_free char *path =
		xasprintf("/api/v1/namespaces/%s/services/%s/status", write->ns, write->name);
	const struct call_options options = {
		.method = "PATCH",
		.path = path,
		.body = write->body,
		.type = "application/merge-patch+json",
		.silence = SILENCE_MS,
		.done = write_done,
		.arg = write,
	};

	write->state = WRITE_SENT;
	write->call = call_start(write->status->client, &options);
}

static void timer_arm(struct lb_status *status, int seconds)
{
	struct timeval timeout = { .tv_sec = seconds };

	event_add(status->timer, &timeout);
}

/* As many as may run at once; without the Lease no more, and in the end the wait. */
static void writes_go_on(struct lb_status *status)
{
	size_t running = 0;

	for (size_t i = 0; i < status->writes.n; i++)
		running += status->writes.items[i]->state == WRITE_SENT;
	for (size_t i = 0; i < status->writes.n && running < PARALLEL; i++) {
		struct write *write = status->writes.items[i];

		if (write->state != WRITE_QUEUED || !lease_is_held(status->lease))
			continue;
		write_start(write);
		running++;
	}
	if (!running && status->writes.n)
		timer_arm(status, status->failed ? RETRY_S : SEEN_S);
}

/* -------------------------------------------------------------------------- plans -- */

static void write_queue(struct lb_status *status, const struct load_balancer *balancer)
{
	const struct object *service = balancer->service;
	const char *version = tree_text(service->json, "metadata.resourceVersion");
	cleanup_json json_t *patch = load_balancer_patch(balancer);
	struct write *write = xcalloc(1, sizeof(*write));

	write->status = status;
	write->ns = xstrdup(service->ns);
	write->name = xstrdup(service->name);
	write->version = xstrdup(version ? version : "");
	write->body = json_dumps(patch, JSON_COMPACT);
	vec_push(&status->writes, write);
}

/* One line for all that lack something, when the first of them changes. */
static void lacks_note(struct lb_status *status, const struct load_balancer_list *list)
{
	cleanup_free char *problem = NULL;

	status->lacks = 0;
	for (size_t i = 0; i < list->n; i++) {
		const struct load_balancer *balancer = &list->items[i];

		if (!balancer->lack)
			continue;
		status->lacks++;
		if (!problem)
			problem = xasprintf("service %s/%s: %s", balancer->service->ns,
					    balancer->service->name,
					    load_balancer_lack_text(balancer->lack));
	}
	if (problem && (!status->problem || strcmp(status->problem, problem) != 0))
		log_warn("%s", problem);
	free(status->problem);
	status->problem = TAKE_PTR(problem);
}

static void plan(struct lb_status *status)
{
	struct load_balancer_list list;

	if (!status->store || !lease_is_held(status->lease))
		return;
	load_balancer_plan(status->store, status->config, &list);
	lacks_note(status, &list);
	for (size_t i = 0; i < list.n; i++) {
		if (list.items[i].differs)
			write_queue(status, &list.items[i]);
	}
	load_balancer_list_free(&list);
	if (!status->writes.n && status->error) {
		free(status->error);
		status->error = NULL;
	}
	status->failed = false;
	writes_go_on(status);
}

static bool is_seen(const struct lb_status *status, const struct write *write)
{
	const struct object *service =
		store_find(status->store, K8S_SERVICE, write->ns, write->name);
	const char *version = service ? tree_text(service->json, "metadata.resourceVersion") : NULL;

	return !version || strcmp(version, write->version) != 0;
}

static void seen_drop(struct lb_status *status)
{
	size_t kept = 0;

	for (size_t i = 0; i < status->writes.n; i++) {
		struct write *write = status->writes.items[i];

		if (write->state == WRITE_UNSEEN && is_seen(status, write))
			write_free(write);
		else
			status->writes.items[kept++] = write;
	}
	status->writes.n = kept;
}

static void timer_due(evutil_socket_t fd, short what, void *arg)
{
	struct lb_status *status = arg;

	(void)fd;
	(void)what;
	if (writes_have(status, WRITE_SENT))
		return;
	writes_clear(status);
	plan(status);
}

static void lease_got(void *arg)
{
	timer_due(-1, 0, arg);
}

/* --------------------------------------------------------------------- life cycle -- */

/* Who has nothing to give is no candidate. */
static void lease_follow(struct lb_status *status)
{
	bool wanted = status->config->load_balancer_pools.n;

	if (wanted && !status->lease) {
		status->lease = lease_open(status->base, status->client, LEASE_NS, LEASE_NAME,
					   status->config->node_name, lease_got, status);
	} else if (!wanted && status->lease) {
		lease_close(status->lease);
		status->lease = NULL;
	}
}

struct lb_status *lb_status_open(struct event_base *base, struct client *client,
				 const struct config *config)
{
	struct lb_status *status = xcalloc(1, sizeof(*status));

	status->base = base;
	status->client = client;
	status->config = config;
	status->timer = evtimer_new(base, timer_due, status);
	lease_follow(status);
	return status;
}

void lb_status_close(struct lb_status *status)
{
	if (!status)
		return;
	writes_clear(status);
	lease_close(status->lease);
	event_free(status->timer);
	free(status->problem);
	free(status->error);
	free(status);
}

void lb_status_update(struct lb_status *status, const struct store *store,
		      const struct config *config)
{
	if (!status)
		return;
	status->store = store;
	status->config = config;
	lease_follow(status);
	if (!store)
		return;
	seen_drop(status);
	if (!status->writes.n)
		plan(status);
}

json_t *lb_status_json(const struct lb_status *status)
{
	if (!status || !status->lease)
		return json_null();
	return json_pack("{s:s, s:b, s:I, s:s?, s:s?}", "holder", lease_holder(status->lease),
			 "held", lease_is_held(status->lease), "withoutAddress",
			 (json_int_t)status->lacks, "problem", status->problem, "error",
			 status->error);
}
