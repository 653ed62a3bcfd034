/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a result: verdict, journal, events, and who is told. Inside of prober. */
#include <stdio.h>
#include <string.h>

#include "user/probe/entry.h"
#include "user/util/vec.h"

void entry_remember(struct entry *entry)
{
	struct memory_item item = {
		.key = entry->target.key,
		.identity = entry->target.identity,
		.value = entry->verdict.value,
		.reason = entry->reason ? entry->reason : "",
		.since = entry->since,
	};

	journal_add(&entry->prober->journal, memory_json(&item));
}

/* "Readiness" */
static const char *probe_title(enum probe_kind kind)
{
	static const char *const titles[] = { [PROBE_STARTUP] = "Startup",
					      [PROBE_READINESS] = "Readiness",
					      [PROBE_LIVENESS] = "Liveness" };

	return titles[kind];
}

/* Targets may answer anything; what is told on stays one line of plain text. */
static void text_clean(const char *text, char clean[RUN_TEXT])
{
	size_t i = 0;

	for (; text[i] && i < RUN_TEXT - 1; i++) {
		unsigned char c = (unsigned char)text[i];

		clean[i] = (char)(c < ' ' || c >= 0x7f ? '?' : c);
	}
	clean[i] = '\0';
}

static void event_tell(struct entry *entry, enum outcome outcome, bool changed, const char *text)
{
	struct events *events = &entry->prober->events;
	const struct target_key *key = &entry->target.key;
	const char *title = probe_title(key->probe);
	char message[RUN_TEXT + 64];

	if (outcome == OUTCOME_FAILURE) {
		snprintf(message, sizeof(message), "%s probe failed: %s", title, text);
		events_add(events, key, "Warning", "Unhealthy", message, changed, time(NULL));
	} else if (outcome == OUTCOME_WARNING) {
		snprintf(message, sizeof(message), "%s probe warning: %s", title, text);
		events_add(events, key, "Warning", "ProbeWarning", message, changed, time(NULL));
	}
	if (changed && outcome != OUTCOME_FAILURE) {
		snprintf(message, sizeof(message), "%s probe succeeded", title);
		events_add(events, key, "Normal", "Healthy", message, changed, time(NULL));
	}
}

/* True: it is another one than before. */
static bool reason_set(struct entry *entry, const char *text)
{
	if (entry->reason && !strcmp(entry->reason, text))
		return false;
	free(entry->reason);
	entry->reason = xstrdup(text);
	return true;
}

static void change_tell(struct entry *entry, bool ok)
{
	struct prober *prober = entry->prober;
	const struct target_key *key = &entry->target.key;
	struct prober_news news = { key, ok, ok ? "" : entry->reason };

	prober->transitions++;
	prober->tell->told(prober->arg, &news);
	if (key->probe != PROBE_LIVENESS)
		prober->tell->changed(prober->arg, key);
}

/* What waited for it to start need not wait for its own time. */
static void container_started(const struct entry *startup)
{
	struct prober *prober = startup->prober;

	for (enum probe_kind kind = PROBE_READINESS; kind < PROBE_KINDS; kind++) {
		struct target_key key = startup->target.key;
		struct entry *entry;

		key.probe = kind;
		entry = prober_find(prober, &key);
		if (entry && entry->phase == ENTRY_WAITING)
			entry_schedule(entry, prober_clock());
	}
}

void entry_take(struct entry *entry, enum outcome outcome, const char *text)
{
	bool ok = outcome != OUTCOME_FAILURE, changed, news = false;
	char clean[RUN_TEXT];

	text_clean(text, clean);
	entry->outcome = outcome;
	entry->ran = true;
	entry->runs[outcome]++;
	changed = verdict_take(&entry->verdict, entry->target.probe, ok);
	if (!ok) {
		entry->prober->failures++;
		news = reason_set(entry, clean);
	}
	/* First of all who waits for it; what is written down can wait. */
	if (changed) {
		entry->since = time(NULL);
		change_tell(entry, ok);
	}
	if (changed || news)
		entry_remember(entry);
	event_tell(entry, outcome, changed, clean);
	/* Once it has started nobody asks again. */
	if (entry->target.key.probe == PROBE_STARTUP && entry->verdict.value == PROBED_READY) {
		schedule_drop(&entry->prober->schedule, &entry->item);
		if (changed)
			container_started(entry);
	}
}
