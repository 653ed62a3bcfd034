/* SPDX-License-Identifier: Apache-2.0 */
#include "user/api/fetch.h"

#include <errno.h>
#include <signal.h>

#include "user/util/vec.h"

struct fetch {
	struct event_base *base;
	struct source *source;
	struct object_list *list;
	unsigned int missing; /* kinds */
	int rc;
	struct err *err;
};

static void object_put(void *arg, struct object *object)
{
	struct fetch *fetch = arg;

	/* What comes after the list is no part of it. */
	if (fetch->missing & 1u << object->kind)
		vec_push(fetch->list, object);
	else
		object_free(object);
}

static void object_gone(void *arg, enum k8s_kind kind, const char *ns, const char *name)
{
	(void)arg;
	(void)kind;
	(void)ns;
	(void)name;
}

static void kind_listed(void *arg, enum k8s_kind kind)
{
	struct fetch *fetch = arg;

	fetch->missing &= ~(1u << kind);
}

static void object_unreadable(void *arg, const char *why)
{
	(void)arg;
	(void)why;
}

/* A command does not try again: whoever typed it may. */
static void turn_ended(void *arg)
{
	struct fetch *fetch = arg;

	for (size_t i = 0; i < source_kinds(fetch->source) && !fetch->rc; i++) {
		struct source_report report = source_report(fetch->source, i);

		if (!report.state->synced && report.state->error)
			fetch->rc = err_set(fetch->err, -EIO, "%s: %s",
					    k8s_kinds[report.kind].plural, report.state->error);
	}
	if (fetch->rc || !fetch->missing)
		event_base_loopbreak(fetch->base);
}

int fetch_objects(struct kubeconfig *kubeconfig, const struct source_kind *kinds, size_t n,
		  struct object_list *list, struct err *err)
{
	static const struct reflector_sink sink = { object_put, object_gone, kind_listed,
						    object_unreadable };
	struct fetch fetch = { .list = list, .err = err };
	struct client *client;

	for (size_t i = 0; i < n; i++)
		fetch.missing |= 1u << kinds[i].kind;
	signal(SIGPIPE, SIG_IGN);
	fetch.base = event_base_new();
	if (!fetch.base) {
		kubeconfig_done(kubeconfig);
		return err_set(err, -EIO, "no event loop");
	}
	client = client_open(fetch.base, kubeconfig);
	fetch.source = source_open(fetch.base, client, kinds, n, &source_times_usual, &sink,
				   turn_ended, &fetch);
	event_base_dispatch(fetch.base);
	source_close(fetch.source);
	client_close(client);
	event_base_free(fetch.base);
	return fetch.rc;
}
