/* SPDX-License-Identifier: Apache-2.0 */
#include "user/api/source.h"

#include <curl/curl.h>
#include <string.h>

#include "user/api/backoff.h"
#include "user/util/cleanup.h"
#include "user/util/clock.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

/* Streamed lists are on by default from here on; older servers ignore that they were asked for one.
 */
#define STREAM_MINOR 32

const struct source_times source_times_usual = {
	.look_min = 250,
	.look_max = 750,
	.list_silence = 60000,
	/* Bookmarks come every minute. A watch that is begun again for nothing costs little. */
	.watch_silence = 150000,
};

struct watch {
	struct source *source;
	struct reflector reflector;
	struct call *call; /* NULL: none runs */
	struct event *timer;
	bool away;     /* waits until the server is there */
	bool silent;   /* the last call ended because nothing was heard */
	int64_t heard; /* 0: never */
};

struct source {
	struct event_base *base;
	struct client *client;
	const struct source_times *times;
	void (*turn)(void *arg);
	void *arg;
	struct watch watches[SOURCE_KINDS];
	size_t n;
	struct call *look; /* for the server */
	struct event *look_timer;
	unsigned int failures; /* of looks, other than that it is away */
	char version[32];
};

static void timer_set(struct event *timer, int64_t ms)
{
	struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	evtimer_add(timer, &wait);
}

char *source_selector_name(const char *name)
{
	char *encoded = curl_easy_escape(NULL, name, 0);
	char *selector = xasprintf("fieldSelector=metadata.name%%3D%s", encoded);

	curl_free(encoded);
	return selector;
}

/* ------------------------------------------------------------ one reflector -- */

static int watch_data(void *arg, const char *data, size_t size, struct err *err)
{
	struct watch *watch = arg;
	int rc;

	watch->heard = clock_ms();
	rc = reflector_feed(&watch->reflector, data, size, err);
	if (watch->source->turn)
		watch->source->turn(watch->source->arg);
	return rc;
}

static void source_look_soon(struct source *source);

static void watch_done(void *arg, const struct api_result *result)
{
	struct watch *watch = arg;
	struct source *source = watch->source;
	int64_t wait = reflector_end(&watch->reflector, result, arc4random());

	watch->silent = result->outcome == API_SILENT;
	call_free(watch->call);
	watch->call = NULL;
	if (result->outcome == API_UNREACHABLE) {
		watch->away = true;
		source_look_soon(source);
	} else {
		timer_set(watch->timer, wait);
	}
	if (source->turn)
		source->turn(source->arg);
}

static void watch_start(struct watch *watch)
{
	const struct source_times *times = watch->source->times;
	cleanup_free char *path = reflector_begin(&watch->reflector, arc4random());
	struct call_options options = {
		.path = path,
		.silence = reflector_is_watch(&watch->reflector) ? times->watch_silence
								 : times->list_silence,
		.other_connection = watch->silent,
		.data = watch_data,
		.done = watch_done,
		.arg = watch,
	};

	watch->call = call_start(watch->source->client, &options);
}

static void watch_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	watch_start(arg);
}

/* ------------------------------------------------------------- the server -- */

static void version_read(struct source *source, const struct api_result *result)
{
	cleanup_json json_t *json = json_loadb(result->body, result->size, 0, NULL);
	const char *version = tree_text(json, "gitVersion"), *minor = tree_text(json, "minor");

	snprintf(source->version, sizeof(source->version), "%s", version ? version : "");
	/* "32", or "32+" of who builds his own. */
	/* Others are in the middle of something. */
	for (size_t i = 0; i < source->n; i++)
		if (source->watches[i].away)
			reflector_may_stream(&source->watches[i].reflector,
					     minor && strtoul(minor, NULL, 10) >= STREAM_MINOR);
}

static void watches_go(struct source *source)
{
	for (size_t i = 0; i < source->n; i++) {
		struct watch *watch = &source->watches[i];

		if (!watch->away)
			continue;
		watch->away = false;
		watch_start(watch);
	}
}

static void look_failed(struct source *source, const struct api_result *result)
{
	const struct source_times *times = source->times;
	uint32_t random = arc4random();
	int64_t wait;

	for (size_t i = 0; i < source->n; i++)
		if (source->watches[i].away)
			reflector_note(&source->watches[i].reflector, result->text);
	/* A refused connection costs nobody much; a wrong certificate does not become right soon.
	 */
	source->failures = result->outcome == API_UNREACHABLE ? 0 : source->failures + 1;
	if (source->failures)
		wait = backoff_wait(source->failures, random);
	else
		wait = times->look_min + random % (times->look_max - times->look_min + 1);
	timer_set(source->look_timer, wait);
}

static void look_done(void *arg, const struct api_result *result)
{
	struct source *source = arg;

	/* Even a refusal is an answer. */
	if (result->outcome == API_DONE || result->outcome == API_REFUSED) {
		if (result->outcome == API_DONE)
			version_read(source, result);
		source->failures = 0;
		watches_go(source);
	} else {
		look_failed(source, result);
	}
	call_free(source->look);
	source->look = NULL;
	if (source->turn)
		source->turn(source->arg);
}

static void look_due(evutil_socket_t fd, short what, void *arg)
{
	struct source *source = arg;
	struct call_options options = {
		.path = "/version",
		.silence = source->times->list_silence,
		.done = look_done,
		.arg = source,
	};

	(void)fd;
	(void)what;
	if (!source->look)
		source->look = call_start(source->client, &options);
}

static void source_look_soon(struct source *source)
{
	const struct source_times *times = source->times;

	if (!source->look && !evtimer_pending(source->look_timer, NULL))
		timer_set(source->look_timer,
			  times->look_min + arc4random() % (times->look_max - times->look_min + 1));
}

/* -------------------------------------------------------------- life cycle -- */

struct source *source_open(struct event_base *base, struct client *client,
			   const struct source_kind *kinds, size_t n,
			   const struct source_times *times, const struct reflector_sink *sink,
			   void (*turn)(void *arg), void *arg)
{
	struct source *source = xcalloc(1, sizeof(*source));

	source->base = base;
	source->client = client;
	source->times = times;
	source->turn = turn;
	source->arg = arg;
	source->n = n;
	for (size_t i = 0; i < n; i++) {
		struct watch *watch = &source->watches[i];

		reflector_init(&watch->reflector, kinds[i].kind, kinds[i].selector, sink, arg);
		watch->source = source;
		watch->away = true;
		watch->timer = evtimer_new(base, watch_due, watch);
	}
	source->look_timer = evtimer_new(base, look_due, source);
	timer_set(source->look_timer, 0);
	return source;
}

void source_close(struct source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < source->n; i++) {
		call_free(source->watches[i].call);
		event_free(source->watches[i].timer);
		reflector_done(&source->watches[i].reflector);
	}
	call_free(source->look);
	event_free(source->look_timer);
	free(source);
}

size_t source_kinds(const struct source *source)
{
	return source->n;
}

struct source_report source_report(const struct source *source, size_t i)
{
	const struct watch *watch = &source->watches[i];

	return (struct source_report){
		.kind = watch->reflector.kind,
		.state = &watch->reflector.state,
		.silence = watch->heard ? clock_ms() - watch->heard : -1,
	};
}

const char *source_version(const struct source *source)
{
	return source->version;
}
