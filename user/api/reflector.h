/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List and watch of one kind, without the network: which request comes next, what its answer
 * means, and how long to wait then. Whoever does the requests calls, for each,
 *
 *	path = reflector_begin(r, random);
 *	reflector_feed(r, data, size, &err);       for each piece of a body with status 200
 *	wait = reflector_end(r, &result, random);
 *
 *	           ┌──────────── Expired, or what the server will not say again ──────────┐
 *	           ▼                                                                      │
 *	  list (pages) or streamed list ── whole ──▶ watch ── ended in order ──▶ watch from there
 *
 * Objects go to the sink as they come; what a list no longer has is taken away when all of the list
 * is there, so that one that breaks off takes nothing away.
 */
#ifndef API_REFLECTOR_H
#define API_REFLECTOR_H

#include "user/api/frame.h"
#include "user/api/keys.h"
#include "user/api/result.h"
#include "user/k8s/object.h"

/* Where objects go to. */
struct reflector_sink {
	/* Takes the object over. */
	void (*put)(void *arg, struct object *object);
	void (*gone)(void *arg, enum k8s_kind kind, const char *ns, const char *name);
	/* All that exists has been put: called for each list that came whole. */
	void (*listed)(void *arg, enum k8s_kind kind);
	/* An object that could not be read; the former one, if any, stays. */
	void (*unreadable)(void *arg, const char *why);
};

enum reflector_step {
	REFLECTOR_LIST,
	REFLECTOR_STREAM, /* a list as the beginning of a watch: sendInitialEvents (KEP-3157) */
	REFLECTOR_WATCH,
};

/* What there is to know about one, for status and metrics. */
struct reflector_state {
	bool synced; /* one whole list has come */
	size_t objects;
	uint64_t lists, watches, events, errors, unreadable; /* since the start */
	char *error; /* why the last request failed; NULL: it did not */
};

struct reflector {
	enum k8s_kind kind;
	const char *const *versions; /* NULL-ended, the first one that the server has is taken */
	size_t version;
	char *selector; /* of the query, or "" */
	const struct reflector_sink *sink;
	void *arg;
	bool may_stream;
	enum reflector_step step;
	bool fresh_list;       /* the version we know is of no use for a list */
	char *rv;	       /* resourceVersion of the last that was seen, or NULL */
	char *next;	       /* of a list in pages: continue; or NULL */
	unsigned int failures; /* in a row */
	unsigned int missing;  /* versions in a row that the server does not have */
	unsigned int garbled;  /* answers in a row that could not be read */
	unsigned int expired;  /* versions in a row that the server has forgotten */
	struct frame frame;
	struct keys keys;
	/* What the server said inside of a watch. */
	long refused;
	char refused_reason[32];
	struct reflector_state state;
};

/* selector: what else the query has, encoded: "fieldSelector=…"; NULL: nothing. Borrows sink. */
void reflector_init(struct reflector *reflector, enum k8s_kind kind, const char *selector,
		    const struct reflector_sink *sink, void *arg);
void reflector_done(struct reflector *reflector);

/* Does the server stream lists? Then the next one is. */
void reflector_may_stream(struct reflector *reflector, bool may);

/* Path and query of the next request, to be freed. random: any number. */
char *reflector_begin(struct reflector *reflector, uint32_t random);

/* Is the next request, or the present one, a stream that may be silent? */
bool reflector_is_watch(const struct reflector *reflector);

/* An error ends the request, which then is API_BROKEN. */
LB_CHECKED int reflector_feed(struct reflector *reflector, const char *data, size_t size,
			      struct err *err);

/* Why it cannot go on at the moment, for its state; NULL: it can. */
void reflector_note(struct reflector *reflector, const char *text);

/* Milliseconds until the next request. */
int64_t reflector_end(struct reflector *reflector, const struct api_result *result,
		      uint32_t random);

#endif
