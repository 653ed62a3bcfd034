/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/ingress.h"

#include <string.h>
#include <time.h>

#include "user/ingress/certificate.h"
#include "user/ingress/proxy.h"
#include "user/ingress/status.h"
#include "user/model/hash.h"
#include "user/util/cleanup.h"
#include "user/util/log.h"
#include "user/util/vec.h"

#define RETRY_SECONDS 10 /* while HAProxy does not run: somebody may install it */

struct ingress_control {
	const char *run;
	struct proxy *proxy;
	char *default_pem; /* NULL: not needed yet */
	uint64_t rendered; /* hash of what HAProxy was given, but for its pods; 0: nothing */
	struct ingress_pools pools;
	time_t tried;
	char *error;
	json_t *status; /* as it was written; NULL: none */
};

static void proxy_changed(void *arg, const char *error)
{
	struct ingress_control *control = arg;

	if (error && (!control->error || strcmp(control->error, error) != 0))
		log_error("ingress: %s", error);
	else if (!error)
		log_info("ingress: HAProxy has the rules");
	free(control->error);
	control->error = error ? xstrdup(error) : NULL;
}

static void proxy_relieved(void *arg)
{
	(void)arg;
}

static void proxy_lost(void *arg)
{
	struct ingress_control *control = arg;

	control->rendered = 0;
}

struct ingress_control *ingress_control_open(struct event_base *base, const struct paths *paths)
{
	static const struct proxy_events events = { proxy_changed, proxy_relieved, proxy_lost };
	struct ingress_control *control = xcalloc(1, sizeof(*control));

	control->run = paths->run;
	control->proxy = proxy_open(base, paths->run, &events, control);
	return control;
}

static void status_drop(struct ingress_control *control)
{
	ingress_status_remove(control->run);
	json_decref(control->status);
	control->status = NULL;
}

void ingress_control_close(struct ingress_control *control)
{
	if (!control)
		return;
	proxy_close(control->proxy);
	status_drop(control);
	pools_free(&control->pools);
	free(control->default_pem);
	free(control->error);
	free(control);
}

/* ------------------------------------------------------------------- status -- */

static const struct addr_list *addresses_of(const struct reconcile *reconcile)
{
	const struct config *config = reconcile->config;

	if (config->ingress.addresses.n)
		return &config->ingress.addresses;
	return config->node_addresses.n ? &config->node_addresses : &reconcile->addresses;
}

static void problems_log(const json_t *before, const json_t *now)
{
	const json_t *events = json_object_get(before, "events");
	json_t *event, *known;
	size_t i, k;

	json_array_foreach (json_object_get(now, "events"), i, event) {
		bool told = false;

		json_array_foreach ((json_t *)events, k, known)
			told = told || json_equal(event, known);
		if (!told)
			log_warn("ingress %s/%s: %s",
				 json_string_value(json_object_get(
					 json_object_get(event, "involvedObject"), "namespace")),
				 json_string_value(json_object_get(
					 json_object_get(event, "involvedObject"), "name")),
				 json_string_value(json_object_get(event, "message")));
	}
}

static void status_update(struct ingress_control *control, const struct reconcile *reconcile,
			  const struct ingress_rules *rules)
{
	json_t *status = ingress_status_make(rules, addresses_of(reconcile), control->error,
					     control->status, time(NULL));
	struct err err;

	if (control->status && json_equal(status, control->status)) {
		json_decref(status);
		return;
	}
	problems_log(control->status, status);
	json_decref(control->status);
	control->status = status;
	if (ingress_status_write(control->run, status, &err))
		log_warn("ingress: %s", err.text);
}

/* -------------------------------------------------------------------- rules -- */

static uint64_t files_hash(const struct ingress_files *files)
{
	uint64_t hash = HASH_START;

	for (size_t i = 0; i < files->n; i++)
		hash = hash_text(hash_text(hash, files->items[i].name), files->items[i].text);
	return hash;
}

static bool files_due(struct ingress_control *control, uint64_t hash)
{
	return hash != control->rendered ||
	       (!proxy_is_running(control->proxy) && time(NULL) - control->tried >= RETRY_SECONDS);
}

/*
 * Which pods are in the places is left out of the hash: that is told to a running HAProxy, and goes
 * into its files only with the next reload.
 */
static uint64_t rules_hash(const struct ingress_rules *rules, const struct ingress_pools *pools,
			   const struct ingress_listen *listen, const char *default_pem)
{
	struct ingress_pools places;
	struct ingress_files files;
	uint64_t hash;

	pools_copy(pools, true, &places);
	render_files(rules, &places, listen, default_pem, &files);
	hash = files_hash(&files);
	render_files_free(&files);
	pools_free(&places);
	return hash;
}

static void rules_give(struct ingress_control *control, const struct ingress_rules *rules,
		       const struct ingress_listen *listen)
{
	struct ingress_files files;

	render_files(rules, &control->pools, listen, control->default_pem, &files);
	control->tried = time(NULL);
	proxy_update(control->proxy, &files, &control->pools);
	render_files_free(&files);
}

static void rules_use(struct ingress_control *control, const struct config *config,
		      const struct ingress_rules *rules)
{
	struct ingress_listen listen = { config->ingress.addresses, config->ingress.http_port,
					 config->ingress.https_port };
	struct ingress_pools pools;
	struct err err;
	uint64_t hash;

	if (!control->default_pem && certificate_self_signed(&control->default_pem, &err)) {
		proxy_changed(control, err.text);
		return;
	}
	pools_make(rules, &control->pools, &pools);
	pools_free(&control->pools);
	control->pools = pools;
	hash = rules_hash(rules, &pools, &listen, control->default_pem);
	if (files_due(control, hash)) {
		control->rendered = hash;
		rules_give(control, rules, &listen);
	}
	proxy_fill(control->proxy, &pools);
}

void ingress_control_update(struct ingress_control *control, const struct reconcile *reconcile)
{
	struct ingress_rules rules;

	if (!reconcile->store)
		return;
	rules_make(reconcile->store, &rules);
	if (rules.ours.n) {
		rules_use(control, reconcile->config, &rules);
		status_update(control, reconcile, &rules);
	} else if (control->rendered || proxy_is_running(control->proxy)) {
		proxy_stop(control->proxy);
		pools_free(&control->pools);
		control->rendered = 0;
		status_drop(control);
		log_info("ingress: no rules any more, HAProxy ends");
	}
	rules_done(&rules);
}
