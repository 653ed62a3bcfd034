/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/healthz.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/agent/http.h"
#include "user/util/age.h"
#include "user/util/log.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

#define KUBE_PROXY_PORT 10256
/* What the cluster's autoscaler puts on a node before it drains it. */
#define LEAVING "ToBeDeletedByClusterAutoscaler"

struct healthz {
	struct http_gate gate;
	struct healthz_state (*state)(void *arg);
	void *arg;
	struct evhttp *http; /* NULL: does not listen */
	struct addr_port_list listen;
	bool *open; /* by address of the list */
	char *error;
};

bool node_is_eligible(const struct object *node)
{
	json_t *taint;
	size_t i;

	if (!node)
		return true;
	if (tree_text(node->json, "metadata.deletionTimestamp"))
		return false;
	json_array_foreach (tree_get(node->json, "spec.taints"), i, taint) {
		const char *key = tree_text(taint, "key");

		if (key && !strcmp(key, LEAVING))
			return false;
	}
	return true;
}

/* ----------------------------------------------------------------- answers -- */

int healthz_answer(const struct healthz_state *state, bool livez, time_t now, char *text)
{
	char updated[TIMESTAMP_TEXT] = "", current[TIMESTAMP_TEXT];
	size_t used;

	if (state->updated)
		timestamp_format(state->updated, updated);
	used = (size_t)snprintf(text, HEALTHZ_TEXT,
				"{\"lastUpdated\": \"%s\",\"currentTime\": \"%s\"", updated,
				timestamp_format(now, current));
	if (livez)
		snprintf(text + used, HEALTHZ_TEXT - used, "}");
	else
		snprintf(text + used, HEALTHZ_TEXT - used, ", \"nodeEligible\": %s}",
			 state->eligible ? "true" : "false");
	return state->healthy && (livez || state->eligible) ? HTTP_OK : HTTP_SERVUNAVAIL;
}

static void request_answer(struct evhttp_request *request, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	const char *path = evhttp_uri_get_path(uri);
	struct healthz *healthz = arg;
	struct healthz_state state = healthz->state(healthz->arg);
	bool livez = path && !strcmp(path, "/livez");
	char text[HEALTHZ_TEXT];
	int status;

	if (!livez && (!path || strcmp(path, "/healthz") != 0)) {
		const char *there = "there are /healthz and /livez\n";

		http_answer(request, HTTP_NOTFOUND, "Not Found", there, strlen(there));
		return;
	}
	status = healthz_answer(&state, livez, time(NULL), text);
	evhttp_add_header(headers, "Content-Type", "application/json");
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	http_answer(request, status, status == HTTP_OK ? "OK" : "Service Unavailable", text,
		    strlen(text));
}

/* ----------------------------------------------------------------- sockets -- */

static void error_tell(struct healthz *healthz, const char *error)
{
	if (error && (!healthz->error || strcmp(healthz->error, error) != 0))
		log_warn("/healthz is not served at %s", error);
	free(healthz->error);
	healthz->error = error ? xstrdup(error) : NULL;
}

static void sockets_open(struct healthz *healthz)
{
	struct err err = { "" };

	for (size_t i = 0; i < healthz->listen.n; i++) {
		struct err cause;
		int rc = healthz->open[i]
				 ? 0
				 : http_listen(healthz->http, &healthz->listen.items[i], &cause);

		/* A kernel without IPv6 has nobody who would ask over it. */
		healthz->open[i] = !rc || rc == -EAFNOSUPPORT;
		if (!healthz->open[i] && !*err.text)
			err = cause;
	}
	error_tell(healthz, *err.text ? err.text : NULL);
}

static void sockets_close(struct healthz *healthz)
{
	if (healthz->http)
		http_free(&healthz->gate, healthz->http);
	healthz->http = NULL;
	free(healthz->open);
	healthz->open = NULL;
	vec_free(&healthz->listen);
}

static void default_fill(struct addr_port_list *list)
{
	static const char *const anywhere[] = { "0.0.0.0", "::" };

	for (size_t i = 0; i < 2; i++) {
		struct addr_port at = { .port = htons(KUBE_PROXY_PORT) };

		if (!addr_parse(anywhere[i], &at.addr))
			vec_push(list, at);
	}
}

void healthz_update(struct healthz *healthz, const struct health_config *config, bool in_cluster)
{
	struct addr_port_list wanted = { 0 };

	for (size_t i = 0; i < config->listen.n; i++)
		vec_push(&wanted, config->listen.items[i]);
	if (!config->given && in_cluster)
		default_fill(&wanted);
	if (!addr_port_lists_equal(&wanted, &healthz->listen)) {
		sockets_close(healthz);
		healthz->listen = wanted;
		healthz->open = xcalloc(wanted.n, sizeof(*healthz->open));
		healthz->http = http_new(&healthz->gate, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD,
					 request_answer, healthz);
	} else {
		vec_free(&wanted);
	}
	sockets_open(healthz);
}

/* -------------------------------------------------------------- life cycle -- */

struct healthz *healthz_new(struct event_base *base, struct healthz_state (*state)(void *arg),
			    void *arg)
{
	struct healthz *healthz = xcalloc(1, sizeof(*healthz));

	http_gate_open(&healthz->gate, base);
	healthz->state = state;
	healthz->arg = arg;
	return healthz;
}

void healthz_free(struct healthz *healthz)
{
	if (!healthz)
		return;
	sockets_close(healthz);
	http_gate_close(&healthz->gate);
	free(healthz->error);
	free(healthz);
}
