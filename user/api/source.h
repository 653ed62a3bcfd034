/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of some kinds, as the API server has them: a reflector for each kind, all over one
 * client. While the server cannot be reached only one small request looks for it, twice a second,
 * and the reflectors go on together when it is back.
 */
#ifndef API_SOURCE_H
#define API_SOURCE_H

#include "user/api/client.h"
#include "user/api/reflector.h"

#define SOURCE_KINDS 8

struct source_kind {
	enum k8s_kind kind;
	const char *selector; /* see reflector_init; copied */
};

/* The selector of the one object of this name, to be freed. */
char *source_selector_name(const char *name);

/* How patient it is, in milliseconds. */
struct source_times {
	int64_t look_min, look_max; /* between two looks for a server that is away */
	int64_t list_silence, watch_silence;
};

extern const struct source_times source_times_usual;

struct source;

/*
 * The client is the caller's, as is sink, whose functions are called from the loop, never from
 * here. turn (may be NULL) is called after some of these calls.
 */
struct source *source_open(struct event_base *base, struct client *client,
			   const struct source_kind *kinds, size_t n,
			   const struct source_times *times, const struct reflector_sink *sink,
			   void (*turn)(void *arg), void *arg);
void source_close(struct source *source);

/* One kind, for status and metrics. */
struct source_report {
	enum k8s_kind kind;
	const struct reflector_state *state;
	int64_t silence; /* milliseconds since the server said something; -1: it never did */
};

size_t source_kinds(const struct source *source);
struct source_report source_report(const struct source *source, size_t i);

/* "v1.36.0", "" while it is not known. */
const char *source_version(const struct source *source);

#endif
