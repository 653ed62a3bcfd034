/* SPDX-License-Identifier: Apache-2.0 */
#include "user/probe/events.h"

#include <inttypes.h>
#include <string.h>

#include "user/util/age.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

#define REPEAT_SECONDS 5 /* a repetition is written down so often at most */

struct event_entry {
	uint64_t hash; /* of all that makes two events one */
	json_t *json;
	unsigned int count;
	time_t written;
};

static uint64_t text_hash(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ull;
	} while (*text++);
	return hash;
}

static uint64_t event_hash(const char *kind, const char *ns, const char *name, const char *part,
			   const char *reason, const char *message)
{
	uint64_t hash = text_hash(text_hash(0xcbf29ce484222325ull, kind), ns);

	hash = text_hash(text_hash(hash, name), part);
	return text_hash(text_hash(hash, reason), message);
}

static const char *text_or_empty(const json_t *json, const char *path)
{
	const char *text = tree_text(json, path);

	return text ? text : "";
}

static uint64_t json_hash(const json_t *json)
{
	return event_hash(text_or_empty(json, "involvedObject.kind"),
			  text_or_empty(json, "involvedObject.namespace"),
			  text_or_empty(json, "involvedObject.name"),
			  text_or_empty(json, "involvedObject.fieldPath"),
			  text_or_empty(json, "reason"), text_or_empty(json, "message"));
}

/* ----------------------------------------------------------------- writing -- */

static void entry_write(struct events *events, struct event_entry *entry, time_t now)
{
	entry->written = now;
	journal_add(&events->journal, json_incref(entry->json));
}

static void journal_renew(struct events *events, time_t now)
{
	journal_begin(&events->journal);
	for (size_t i = 0; i < events->n; i++)
		entry_write(events, &events->items[i], now);
	journal_end(&events->journal);
}

static void entry_append(struct events *events, const struct event_entry *entry)
{
	if (events->n == EVENTS_MAX) {
		json_decref(events->items[0].json);
		events->n--;
		memmove(events->items, events->items + 1, events->n * sizeof(*events->items));
	}
	vec_push(events, *entry);
}

/* The same again: moves to the end, with its count. */
static bool event_repeats(struct events *events, uint64_t hash, bool news, time_t now)
{
	char stamp[TIMESTAMP_TEXT];
	struct event_entry entry;
	size_t i = events->n;

	while (i && events->items[i - 1].hash != hash)
		i--;
	if (!i--)
		return false;
	entry = events->items[i];
	entry.count++;
	tree_set(entry.json, "count", json_integer(entry.count));
	tree_set(entry.json, "lastTimestamp", json_string(timestamp_format(now, stamp)));
	memmove(&events->items[i], &events->items[i + 1],
		(events->n - 1 - i) * sizeof(*events->items));
	events->items[events->n - 1] = entry;
	if (news || now - entry.written >= REPEAT_SECONDS)
		entry_write(events, &events->items[events->n - 1], now);
	return true;
}

static json_t *event_json(const struct target_key *key, const char *field, const char *type,
			  const char *reason, const char *message, uint64_t hash, time_t now)
{
	cleanup_free char *name = xasprintf("%s.%016" PRIx64, key->name, hash);
	char stamp[TIMESTAMP_TEXT];
	json_t *json;

	timestamp_format(now, stamp);
	json = json_pack(
		"{s:s, s:s, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s, s:s}, s:s, s:s, s:s, "
		"s:{s:s}, s:s, s:s, s:i}",
		"apiVersion", "v1", "kind", "Event", "metadata", "name", name, "namespace", key->ns,
		"creationTimestamp", stamp, "involvedObject", "apiVersion", "v1", "kind",
		k8s_kinds[key->kind].kind, "namespace", key->ns, "name", key->name, "fieldPath",
		field, "type", type, "reason", reason, "message", message, "source", "component",
		"lbctl", "firstTimestamp", stamp, "lastTimestamp", stamp, "count", 1);
	return json;
}

void events_add(struct events *events, const struct target_key *key, const char *type,
		const char *reason, const char *message, bool news, time_t now)
{
	cleanup_free char *field = NULL;
	struct event_entry entry = { .count = 1 };

	if (key->kind == K8S_POD)
		field = xasprintf("spec.containers{%s}", key->part);
	else
		field = xasprintf("endpoints{%s}", key->part);
	entry.hash =
		event_hash(k8s_kinds[key->kind].kind, key->ns, key->name, field, reason, message);
	if (event_repeats(events, entry.hash, news, now))
		return;
	entry.json = event_json(key, field, type, reason, message, entry.hash, now);
	if (!entry.json)
		return;
	entry_append(events, &entry);
	if (journal_is_long(&events->journal, EVENTS_MAX))
		journal_renew(events, now);
	else
		entry_write(events, &events->items[events->n - 1], now);
}

/* ----------------------------------------------------------------- reading -- */

static void line_take(void *arg, const json_t *line)
{
	struct event_entry entry = { .hash = json_hash(line),
				     .json = json_incref((json_t *)line),
				     .count = (unsigned int)tree_int(line, "count") };
	struct events *events = arg;

	for (size_t i = 0; i < events->n; i++) {
		if (events->items[i].hash != entry.hash)
			continue;
		json_decref(events->items[i].json);
		events->n--;
		memmove(&events->items[i], &events->items[i + 1],
			(events->n - i) * sizeof(*events->items));
		break;
	}
	entry_append(events, &entry);
}

void events_open(struct events *events, const char *run)
{
	*events = (struct events){ 0 };
	journal_init(&events->journal, run, EVENTS_FILE);
	journal_read(run, EVENTS_FILE, line_take, events);
	journal_renew(events, time(NULL));
}

static void events_drop(struct events *events)
{
	for (size_t i = 0; i < events->n; i++)
		json_decref(events->items[i].json);
	vec_free(events);
}

void events_close(struct events *events)
{
	/* With the counts that were not worth a line. */
	journal_renew(events, time(NULL));
	events_drop(events);
	journal_done(&events->journal);
}

json_t *events_read(const char *run)
{
	struct events events = { 0 };
	json_t *list = json_array();

	journal_read(run, EVENTS_FILE, line_take, &events);
	for (size_t i = 0; i < events.n; i++)
		json_array_append(list, events.items[i].json);
	events_drop(&events);
	return list;
}
