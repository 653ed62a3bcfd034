/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/apisource.h"

#include <string.h>

#include "user/agent/protocol.h"
#include "user/util/cleanup.h"
#include "user/util/log.h"
#include "user/util/vec.h"

/*
 * As kube-proxy asks: not for Services that somebody else serves or that have no address. A DNS
 * server answers for all of them, and an Ingress may lead to any.
 */
#define PROXIED                                                   \
	"labelSelector=%21service.kubernetes.io%2Fheadless%2C%21" \
	"service.kubernetes.io%2Fservice-proxy-name"
/* Certificates, and what annotations name: users and authorities, which have no type of their own.
 */
#define INGRESS_SECRETS                                                    \
	"fieldSelector=type%21%3Dkubernetes.io%2Fservice-account-token%2C" \
	"type%21%3Dhelm.sh%2Frelease.v1"

struct apisource {
	struct client *client;
	struct source *source;
	struct reconcile *reconcile;
	void (*changed)(void *arg);
	void *arg;
	bool dirty;
	bool told;		    /* the log has said once that all kinds are known */
	char *errors[SOURCE_KINDS]; /* that the log has told of */
};

/* ----------------------------------------------------------------- objects -- */

static void object_put(void *arg, struct object *object)
{
	struct apisource *api = arg;

	reconcile_put(api->reconcile, object);
	api->dirty = true;
}

static void object_gone(void *arg, enum k8s_kind kind, const char *ns, const char *name)
{
	struct apisource *api = arg;

	reconcile_delete(api->reconcile, kind, ns, name);
	api->dirty = true;
}

static void kind_listed(void *arg, enum k8s_kind kind)
{
	struct apisource *api = arg;

	reconcile_listed(api->reconcile, kind);
	api->dirty = true;
}

static void object_unreadable(void *arg, const char *why)
{
	(void)arg;
	log_error("left as it was: %s", why);
}

/* ------------------------------------------------------------------ reports -- */

static void error_log(struct apisource *api, size_t i)
{
	struct source_report report = source_report(api->source, i);
	const char *now = report.state->error, *plural = k8s_kinds[report.kind].plural;

	if (now && api->errors[i] ? !strcmp(now, api->errors[i]) : now == api->errors[i])
		return;
	if (now)
		log_warn("API server, %s: %s", plural, now);
	else
		log_info("API server, %s: works again", plural);
	free(api->errors[i]);
	api->errors[i] = now ? xstrdup(now) : NULL;
}

static void turn_ended(void *arg)
{
	struct apisource *api = arg;

	for (size_t i = 0; i < source_kinds(api->source); i++)
		error_log(api, i);
	if (!api->dirty || !reconcile_is_fed(api->reconcile))
		return;
	api->dirty = false;
	if (!api->told)
		log_info("all objects of %s are known", client_server(api->client));
	api->told = true;
	api->changed(api->arg);
}

static json_t *kind_json(const struct source_report *report)
{
	const struct reflector_state *state = report->state;

	return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:o, s:f}", "synced", state->synced,
			 "objects", (json_int_t)state->objects, "lists", (json_int_t)state->lists,
			 "events", (json_int_t)state->events, "errors", (json_int_t)state->errors,
			 "unreadable", (json_int_t)state->unreadable, "error",
			 protocol_text(state->error), "silentSeconds",
			 (double)report->silence / 1000);
}

size_t apisource_reports(const struct apisource *api, struct source_report *reports)
{
	size_t n = api ? source_kinds(api->source) : 0;

	for (size_t i = 0; i < n; i++)
		reports[i] = source_report(api->source, i);
	return n;
}

json_t *apisource_json(const struct apisource *api)
{
	json_t *kinds;

	if (!api)
		return json_null();
	kinds = json_object();
	for (size_t i = 0; i < source_kinds(api->source); i++) {
		struct source_report report = source_report(api->source, i);

		json_object_set_new(kinds, k8s_kinds[report.kind].plural, kind_json(&report));
	}
	return json_pack("{s:s, s:s, s:s, s:b, s:o}", "server", client_server(api->client),
			 "source", client_source(api->client), "version",
			 source_version(api->source), "synced", reconcile_is_fed(api->reconcile),
			 "kinds", kinds);
}

/* -------------------------------------------------------------- life cycle -- */

static unsigned int source_start(struct apisource *api, struct event_base *base)
{
	static const struct reflector_sink sink = { object_put, object_gone, kind_listed,
						    object_unreadable };
	const struct config *config = api->reconcile->config;
	bool all = config->dns.listen.n || config->ingress.given;
	const char *proxied = all ? NULL : PROXIED;
	cleanup_free char *own = source_selector_name(config->node_name);
	const struct source_kind kinds[] = {
		{ K8S_SERVICE, proxied },    { K8S_ENDPOINT_SLICE, proxied },
		{ K8S_NODE, own },	     { K8S_INGRESS, NULL },
		{ K8S_INGRESS_CLASS, NULL }, { K8S_SECRET, INGRESS_SECRETS },
	};
	size_t n = config->ingress.given ? ARRAY_LEN(kinds) : 3;
	unsigned int set = 0;

	for (size_t i = 0; i < n; i++)
		set |= 1u << kinds[i].kind;
	api->source = source_open(base, api->client, kinds, n, &source_times_usual, &sink,
				  turn_ended, api);
	return set;
}

struct apisource *apisource_open(struct event_base *base, struct kubeconfig *kubeconfig,
				 struct reconcile *reconcile, void (*changed)(void *arg), void *arg)
{
	struct apisource *api = xcalloc(1, sizeof(*api));

	api->reconcile = reconcile;
	api->changed = changed;
	api->arg = arg;
	api->client = client_open(base, kubeconfig);
	reconcile_feed(reconcile, source_start(api, base));
	log_info("objects are those of %s, by %s", client_server(api->client),
		 client_source(api->client));
	return api;
}

void apisource_close(struct apisource *api)
{
	if (!api)
		return;
	source_close(api->source);
	client_close(api->client);
	for (size_t i = 0; i < SOURCE_KINDS; i++)
		free(api->errors[i]);
	free(api);
}

struct client *apisource_client(struct apisource *api)
{
	return api ? api->client : NULL;
}
