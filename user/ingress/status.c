/* SPDX-License-Identifier: Apache-2.0 */
#include "user/ingress/status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/model/hash.h"
#include "user/util/age.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

#define STATUS_FILE "ingress.json"

/* ------------------------------------------------------------------- making -- */

static const json_t *event_before(const json_t *before, const char *name)
{
	json_t *event;
	size_t i;

	json_array_foreach (json_object_get(before, "events"), i, event) {
		const char *text = tree_text(event, "metadata.name");

		if (text && !strcmp(text, name))
			return event;
	}
	return NULL;
}

/* A problem that lasts is one event, as old as the problem. */
static json_t *event_make(const struct object *object, const char *reason, const char *text,
			  const json_t *before, time_t now)
{
	uint64_t hash = hash_finish(hash_text(hash_text(HASH_START, object->ns), text));
	cleanup_free char *name = xasprintf("%s.%016" PRIx64, object->name, hash);
	const char *first = tree_text(event_before(before, name), "firstTimestamp");
	const char *ns = *object->ns ? object->ns : "default"; /* of what has none */
	char stamp[TIMESTAMP_TEXT];

	timestamp_format(now, stamp);
	if (!first)
		first = stamp;
	return json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s}, s:s, s:s, s:s, "
			 "s:{s:s}, s:s, s:s, s:i}",
			 "apiVersion", "v1", "kind", "Event", "metadata", "name", name, "namespace",
			 ns, "creationTimestamp", first, "involvedObject", "apiVersion",
			 k8s_kinds[object->kind].api_version, "kind", k8s_kinds[object->kind].kind,
			 "namespace", object->ns, "name", object->name, "type", "Warning", "reason",
			 reason, "message", text, "source", "component", "lbctl", "firstTimestamp",
			 first, "lastTimestamp", first, "count", 1);
}

static json_t *addresses_make(const struct addr_list *addresses)
{
	json_t *list = json_array();
	char text[ADDR_TEXT];

	for (size_t i = 0; i < addresses->n; i++)
		json_array_append_new(list, json_string(addr_format(&addresses->items[i], text)));
	return list;
}

void ingress_status_added(const json_t *status, struct addr_list *ret_added)
{
	struct addr_list added = { 0 };
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(status, "added"), i, item) {
		struct lb_addr addr;

		if (json_is_string(item) && !addr_parse(json_string_value(item), &addr))
			vec_push(&added, addr);
	}
	*ret_added = added;
}

json_t *ingress_status_make(const struct ingress_rules *rules, const struct ingress_state *state,
			    const json_t *before, time_t now)
{
	json_t *status = json_object(), *ours = json_array();
	json_t *events = json_array();

	for (size_t i = 0; i < rules->ours.n; i++)
		json_array_append_new(ours, json_sprintf("%s/%s", rules->ours.items[i]->ns,
							 rules->ours.items[i]->name));
	for (size_t i = 0; i < rules->problems.n; i++)
		json_array_append_new(events,
				      event_make(rules->problems.items[i].object, "Rejected",
						 rules->problems.items[i].text, before, now));
	for (size_t i = 0; i < rules->ours.n && state->error; i++)
		json_array_append_new(events, event_make(rules->ours.items[i], "Unserved",
							 state->error, before, now));
	json_object_set_new(status, "addresses", addresses_make(state->addresses));
	json_object_set_new(status, "added", addresses_make(state->added));
	json_object_set_new(status, "ingresses", ours);
	json_object_set_new(status, "error",
			    state->error ? json_string(state->error) : json_null());
	json_object_set_new(status, "events", events);
	return status;
}

/* --------------------------------------------------------------------- file -- */

int ingress_status_write(const char *run, const json_t *status, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/" STATUS_FILE, run);
	cleanup_free char *beside = xasprintf("%s.new", path);

	if (json_dump_file(status, beside, JSON_COMPACT) || rename(beside, path))
		return err_sys(err, -errno, "%s", path);
	return 0;
}

void ingress_status_remove(const char *run)
{
	cleanup_free char *path = xasprintf("%s/" STATUS_FILE, run);

	unlink(path);
}

json_t *ingress_status_read(const char *run)
{
	cleanup_free char *path = xasprintf("%s/" STATUS_FILE, run);

	return json_load_file(path, 0, NULL);
}

void ingress_status_fill(const char *run, const struct store *store)
{
	cleanup_json json_t *status = ingress_status_read(run), *list = json_array();
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(status, "addresses"), i, item)
		json_array_append_new(list, json_pack("{s:O}", "ip", item));
	json_array_foreach (json_object_get(status, "ingresses"), i, item) {
		cleanup_free char *ns =
			xstrdup(json_is_string(item) ? json_string_value(item) : "");
		char *name = strchr(ns, '/');
		const struct object *object;

		if (!name || !json_array_size(list))
			continue;
		*name++ = '\0';
		object = store_find(store, K8S_INGRESS, ns, name);
		if (object)
			tree_set(object->json, "status.loadBalancer.ingress", json_incref(list));
	}
}
