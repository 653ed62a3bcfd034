/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/status.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/agent/notify.h"
#include "user/agent/protocol.h"
#include "user/util/cleanup.h"
#include "user/util/log.h"
#include "user/util/vec.h"
#include "user/util/version.h"

void status_init(struct status *status)
{
	*status = (struct status){ 0 };
}

static void texts_free(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

void status_done(struct status *status)
{
	texts_free(status->warnings, status->n_warnings);
	free(status->error);
	free(status->watch_error);
	free(status->sweep_error);
	vec_free(&status->silent);
	status_init(status);
}

/* Replaces *text; returns whether it differs. */
static bool text_set(char **text, const char *now)
{
	if (*text && now ? strcmp(*text, now) == 0 : *text == now)
		return false;
	free(*text);
	*text = now ? xstrdup(now) : NULL;
	return true;
}

static int text_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void warnings_set(struct status *status, char *const *warnings, size_t n)
{
	char **sorted = xcalloc(n, sizeof(*sorted));

	for (size_t i = 0; i < n; i++)
		sorted[i] = xstrdup(warnings[i]);
	qsort(sorted, n, sizeof(*sorted), text_compare);
	for (size_t i = 0; i < n; i++)
		if (!status->n_warnings ||
		    !bsearch(&sorted[i], status->warnings, status->n_warnings, sizeof(*sorted),
			     text_compare))
			log_warn("%s", sorted[i]);
	texts_free(status->warnings, status->n_warnings);
	status->warnings = sorted;
	status->n_warnings = n;
}

static void attached_set(struct status *status, bool attached)
{
	if (!status->told_attached || status->attached != attached)
		log_info(attached ? "the datapath is attached"
				  : "no datapath: lbctl attach DEVICE loads it");
	status->told_attached = true;
	status->attached = attached;
}

static void silent_remove(struct status *status, size_t i)
{
	status->silent.items[i] = status->silent.items[--status->silent.n];
}

/* One that is no backend any more need not answer. */
static void silent_prune(struct status *status, const struct reconcile *reconcile)
{
	for (size_t i = status->silent.n; i-- > 0;)
		if (!reconcile_has_backend(reconcile, &status->silent.items[i]))
			silent_remove(status, i);
}

static void sweep_set(struct status *status, const struct reconcile *reconcile)
{
	if (reconcile->swept)
		log_info("sockets ended that were connected to former backends: %zu",
			 reconcile->swept);
	if (text_set(&status->sweep_error, reconcile->sweep_error) && reconcile->sweep_error)
		log_warn("sockets stay connected to former backends: %s", reconcile->sweep_error);
}

static void manager_tell(const struct status *status)
{
	cleanup_free char *text = NULL;

	if (status->error)
		text = xasprintf("STATUS=%s", status->error);
	else
		text = xasprintf("STATUS=%s; services: %zu, backends: %zu",
				 status->attached ? "attached" : "not attached", status->services,
				 status->backends);
	notify_send(text);
}

void status_sync(struct status *status, const struct reconcile *reconcile,
		 const struct sync_result *result, const struct err *err)
{
	bool had_error = status->error;

	status->syncs++;
	status->failures += !result;
	if (text_set(&status->error, result ? NULL : err->text) && !result)
		log_error("sync failed: %s", err->text);
	status->services = reconcile->services;
	status->backends = reconcile->backends;
	if (result) {
		if (had_error)
			log_info("sync works again");
		attached_set(status, result->attached);
		silent_prune(status, reconcile);
		status->last_sync = time(NULL);
		status->operations = result->operations;
		status->all_operations += result->operations;
		if (result->operations)
			log_info("maps changed in %zu places; services: %zu, backends: %zu",
				 result->operations, status->services, status->backends);
		sweep_set(status, reconcile);
		warnings_set(status, result->warnings, result->n_warnings);
	}
	manager_tell(status);
}

void status_watch(struct status *status, const char *error)
{
	if (text_set(&status->watch_error, error) && error)
		log_warn("changes of the state are seen late: %s", error);
}

void status_neighbour(struct status *status, const struct lb_addr *addr, bool answers)
{
	char text[ADDR_TEXT];
	size_t i = 0;

	while (i < status->silent.n && addr_compare(&status->silent.items[i], addr))
		i++;
	if (answers == (i == status->silent.n))
		return;
	if (answers) {
		log_info("backend %s answers again", addr_format(addr, text));
		silent_remove(status, i);
	} else {
		log_warn("backend %s does not answer: no neighbour has this address",
			 addr_format(addr, text));
		vec_push(&status->silent, *addr);
	}
}

static json_t *addrs_json(const struct addr_list *list)
{
	json_t *array = json_array();
	char text[ADDR_TEXT];

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, json_string(addr_format(&list->items[i], text)));
	return array;
}

static json_t *time_json(time_t at)
{
	struct tm tm;
	char text[32];

	if (!at)
		return json_null();
	gmtime_r(&at, &tm);
	strftime(text, sizeof(text), "%FT%TZ", &tm);
	return json_string(text);
}

json_t *status_json(const struct status *status, json_t *probes)
{
	return json_pack("{s:b, s:i, s:s, s:b, s:I, s:I, s:I, s:o, s:I, s:o, s:o, s:o, s:o}", "ok",
			 1, "pid", (int)getpid(), "version", version_text(), "attached",
			 status->attached, "services", (json_int_t)status->services, "backends",
			 (json_int_t)status->backends, "syncs", (json_int_t)status->syncs,
			 "lastSync", time_json(status->last_sync), "operations",
			 (json_int_t)status->operations, "error", protocol_text(status->error),
			 "warnings", protocol_texts(status->warnings, status->n_warnings),
			 "silentBackends", addrs_json(&status->silent), "probes", probes);
}
