/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node had, in one file, to look for a fault elsewhere. One JSON object a line, in this
 *order:
 *
 *	{"lbctl":"record","version":1,"program":"…","time":"2026-01-02T03:04:05Z","cluster":false,
 *	 "configuration":{"nodeName":"node1","nodeAddresses":["192.0.2.1"],…}}
 *	{"object":{"apiVersion":"v1","kind":"Service",…}}
 *	{"journal":"readiness.log","line":{…}}
 *	{"event":"MODIFIED","time":"2026-01-02T03:04:06.789Z","object":{…}}
 *
 * Events are those of a watch (ADDED, MODIFIED, DELETED), which may be appended at any time.
 * Secrets are in it as far as that they exist: what they hold, and what else may be secret
 * (environment and headers of pods, manifests in annotations), is left out on the way in.
 */
#ifndef K8S_RECORD_H
#define K8S_RECORD_H

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "user/k8s/object.h"
#include "user/util/err.h"

/* Each writes one line. Whether all of it arrived, the stream tells (ferror). */
void record_begin(FILE *out, const json_t *configuration, bool cluster, time_t at);
void record_object(FILE *out, const struct object *object);
void record_journal(FILE *out, const char *name, const json_t *line);
void record_event(FILE *out, const char *type, const struct object *object,
		  const struct timespec *at);

/* What a file holds. Members may be NULL; each returns 0, or ends the reading with its error. */
struct record_visitor {
	int (*begin)(void *arg, const json_t *header, struct err *err);
	int (*object)(void *arg, struct object *object, struct err *err); /* takes it over */
	int (*journal)(void *arg, const char *name, const json_t *line, struct err *err);
	int (*event)(void *arg, const char *type, struct object *object,
		     struct err *err); /* takes it over */
	void *arg;
};

/* Errors say `file:line: reason`. */
LB_CHECKED int record_parse(const char *file, const char *text, size_t size,
			    const struct record_visitor *visitor, struct err *err);

#endif
