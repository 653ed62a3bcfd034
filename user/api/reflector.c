/* SPDX-License-Identifier: Apache-2.0 */
#include "user/api/reflector.h"

#include <curl/curl.h>
#include <string.h>

#include "user/api/backoff.h"
#include "user/api/reflector_parts.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define PAGE 500
#define WATCH_SECONDS_MIN 300 /* as client-go: so that not all watches end at once */
#define WATCH_SECONDS_MAX 600
/* What stays unreadable is not asked for again and again: everything is listed anew. */
#define GARBLED_MAX 3
#define WATCH_SHORT 1000   /* milliseconds */
#define EXPIRED_SPREAD 200 /* milliseconds */

/* The newest version first. */
static const char *const versions[K8S_KINDS][3] = {
	[K8S_NAMESPACE] = { "v1" },
	[K8S_NODE] = { "v1" },
	[K8S_POD] = { "v1" },
	[K8S_SERVICE] = { "v1" },
	[K8S_ENDPOINTS] = { "v1" },
	[K8S_ENDPOINT_SLICE] = { "discovery.k8s.io/v1", "discovery.k8s.io/v1beta1" },
	[K8S_INGRESS] = { "networking.k8s.io/v1", "networking.k8s.io/v1beta1" },
	[K8S_SECRET] = { "v1" },
	[K8S_INGRESS_CLASS] = { "networking.k8s.io/v1", "networking.k8s.io/v1beta1" },
};

void reflector_init(struct reflector *reflector, enum k8s_kind kind, const char *selector,
		    const struct reflector_sink *sink, void *arg)
{
	*reflector = (struct reflector){
		.kind = kind,
		.versions = versions[kind],
		.selector = xstrdup(selector ? selector : ""),
		.sink = sink,
		.arg = arg,
	};
}

void reflector_done(struct reflector *reflector)
{
	frame_done(&reflector->frame);
	keys_done(&reflector->keys);
	free(reflector->selector);
	free(reflector->rv);
	free(reflector->next);
	free(reflector->state.error);
	*reflector = (struct reflector){ 0 };
}

const char *reflector_api_version(const struct reflector *reflector)
{
	return reflector->versions[reflector->version];
}

bool reflector_is_watch(const struct reflector *reflector)
{
	return reflector->step != REFLECTOR_LIST;
}

void reflector_may_stream(struct reflector *reflector, bool may)
{
	reflector->may_stream = may;
	if (reflector->step != REFLECTOR_WATCH && !reflector->next)
		reflector->step = may ? REFLECTOR_STREAM : REFLECTOR_LIST;
}

/* ---------------------------------------------------------------- requests -- */

static char *escaped(const char *text)
{
	char *encoded = curl_easy_escape(NULL, text, 0), *copy = xstrdup(encoded);

	curl_free(encoded);
	return copy;
}

/*
 * From the server's cache where that may be (0: whatever it has; a version: at least that), from
 * the store itself where not. With limit the cache is not asked for a version, see
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 */
static char *list_query(const struct reflector *reflector)
{
	cleanup_free char *text = NULL;

	if (reflector->next) {
		text = escaped(reflector->next);
		return xasprintf("limit=%d&continue=%s", PAGE, text);
	}
	if (reflector->fresh_list)
		return xasprintf("limit=%d", PAGE);
	if (!reflector->rv)
		return xasprintf("limit=%d&resourceVersion=0", PAGE);
	text = escaped(reflector->rv);
	return xasprintf("resourceVersion=%s", text);
}

static char *watch_query(const struct reflector *reflector, uint32_t random)
{
	unsigned int seconds =
		WATCH_SECONDS_MIN + random % (WATCH_SECONDS_MAX - WATCH_SECONDS_MIN + 1);
	bool stream = reflector->step == REFLECTOR_STREAM;
	bool from = reflector->rv && !(stream && reflector->fresh_list);
	cleanup_free char *rv = escaped(from ? reflector->rv : "");

	return xasprintf("watch=1&allowWatchBookmarks=true&timeoutSeconds=%u&resourceVersion=%s%s",
			 seconds, rv,
			 stream ? "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan" : "");
}

char *reflector_begin(struct reflector *reflector, uint32_t random)
{
	const char *version = reflector_api_version(reflector);
	bool list = reflector->step == REFLECTOR_LIST;
	cleanup_free char *query = list ? list_query(reflector) : watch_query(reflector, random);

	if (reflector->step != REFLECTOR_WATCH && !reflector->next) {
		keys_list_begin(&reflector->keys);
		reflector->state.lists++;
	}
	reflector->state.watches += !list;
	reflector->refused = 0;
	reflector_frame(reflector);
	return xasprintf("/%s/%s/%s?%s%s%s", strchr(version, '/') ? "apis" : "api", version,
			 k8s_kinds[reflector->kind].plural, reflector->selector,
			 *reflector->selector ? "&" : "", query);
}

int reflector_feed(struct reflector *reflector, const char *data, size_t size, struct err *err)
{
	int rc = frame_feed(&reflector->frame, data, size, err);

	if (rc && !reflector->refused)
		reflector->garbled++;
	return rc;
}

/* ----------------------------------------------------------------- answers -- */

/* Lists anew from the beginning; what we have stays meanwhile. */
static void list_again(struct reflector *reflector)
{
	free(reflector->next);
	reflector->next = NULL;
	reflector->step = reflector->may_stream ? REFLECTOR_STREAM : REFLECTOR_LIST;
}

static int64_t failed(struct reflector *reflector, const char *text, uint32_t random)
{
	reflector->failures++;
	reflector->state.errors++;
	reflector_note(reflector, text);
	return backoff_wait(reflector->failures, random);
}

/* The version that we know is too old, or newer than what this server has come to. */
static bool version_is_useless(long status, const char *reason, const char *text)
{
	return status == 410 || !strcmp(reason, "Expired") || !strcmp(reason, "Gone") ||
	       (status == 504 && strstr(text, "Too large resource version"));
}

static int64_t version_useless(struct reflector *reflector, const char *text, uint32_t random)
{
	bool watched = reflector->step == REFLECTOR_WATCH;
	int64_t wait = failed(reflector, text, random);

	/* A list that asked for a version, or goes on from a page: the next one asks for none. */
	reflector->fresh_list = !watched;
	list_again(reflector);
	/*
	 * A server that was started anew has forgotten what a watch goes on from. That is no fault,
	 * and the list is wanted soon, though not by all agents in one moment; over and over it is
	 * one.
	 */
	return watched && !reflector->expired++ ? 1 + random % EXPIRED_SPREAD : wait;
}

/* This API group has no such version: maybe it has an older one. */
static int64_t version_missing(struct reflector *reflector, const char *text, uint32_t random)
{
	reflector->version++;
	if (!reflector->versions[reflector->version])
		reflector->version = 0;
	list_again(reflector);
	/* All have been tried, when the first one's turn comes again. */
	if (reflector->version)
		return 0;
	return failed(reflector, text, random);
}

static int64_t refused(struct reflector *reflector, const struct api_result *result,
		       uint32_t random)
{
	int64_t wait;

	if (version_is_useless(result->status, result->reason, result->text))
		return version_useless(reflector, result->text, random);
	if (result->status == 404)
		return version_missing(reflector, result->text, random);
	if (reflector->step == REFLECTOR_STREAM &&
	    (result->status == 400 || result->status == 422)) {
		reflector->may_stream = false;
		list_again(reflector);
		return 0;
	}
	wait = failed(reflector, result->text, random);
	return wait < result->retry_after ? result->retry_after : wait;
}

static int64_t broken(struct reflector *reflector, const char *text, uint32_t random)
{
	int64_t wait = failed(reflector, text, random);

	if (reflector->step == REFLECTOR_WATCH && reflector->garbled < GARBLED_MAX)
		return wait;
	reflector->garbled = 0;
	list_again(reflector);
	return wait;
}

static int64_t list_ended(struct reflector *reflector, uint32_t random)
{
	struct err err;

	if (reflector_page(reflector, &err))
		return broken(reflector, err.text, random);
	return 0;
}

int64_t reflector_end(struct reflector *reflector, const struct api_result *result, uint32_t random)
{
	struct api_result inner = *result;
	int64_t wait;

	if (inner.took >= WATCH_SHORT)
		reflector->expired = 0;
	/* What is in the stream counts, however the stream ended. */
	if (reflector->refused) {
		inner.outcome = API_REFUSED;
		inner.status = reflector->refused;
		inner.reason = reflector->refused_reason;
	}
	if (inner.outcome == API_REFUSED)
		wait = refused(reflector, &inner, random);
	else if (inner.outcome == API_SILENT && reflector->step == REFLECTOR_WATCH &&
		 !frame_is_torn(&reflector->frame))
		/* Older servers (1.20) send no bookmarks of a kind in which nothing happens. */
		wait = 0;
	else if (inner.outcome != API_DONE)
		wait = broken(reflector, inner.text, random);
	else if (reflector->step == REFLECTOR_LIST)
		wait = list_ended(reflector, random);
	else if (reflector->step == REFLECTOR_STREAM || frame_is_torn(&reflector->frame))
		wait = broken(reflector, "the stream ended before its time", random);
	else if (inner.took < WATCH_SHORT)
		/* Once may be a server that ends; over and over it would be a busy loop. */
		wait = failed(reflector, "the server ended a watch at once", random);
	else
		wait = 0;
	return wait;
}
