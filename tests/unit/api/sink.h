/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of reflectors and sources share: a sink that writes down what it is given. */
#ifndef TESTS_API_SINK_H
#define TESTS_API_SINK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "user/api/reflector.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* "+a -b .nodes !unreadable " */
struct notes {
	char *text;
	size_t size;
	FILE *out;
};

static inline void notes_open(struct notes *notes)
{
	notes->out = open_memstream(&notes->text, &notes->size);
}

static inline void notes_close(struct notes *notes)
{
	fclose(notes->out);
	free(notes->text);
}

static inline const char *notes_text(struct notes *notes)
{
	fflush(notes->out);
	return notes->text;
}

static inline void sink_put(void *arg, struct object *object)
{
	struct notes *notes = arg;

	fprintf(notes->out, "+%s ", object->name);
	object_free(object);
}

static inline void sink_gone(void *arg, enum k8s_kind kind, const char *ns, const char *name)
{
	struct notes *notes = arg;

	(void)kind;
	(void)ns;
	fprintf(notes->out, "-%s ", name);
}

static inline void sink_listed(void *arg, enum k8s_kind kind)
{
	struct notes *notes = arg;

	fprintf(notes->out, ".%s ", k8s_kinds[kind].plural);
}

static inline void sink_unreadable(void *arg, const char *why)
{
	struct notes *notes = arg;

	(void)why;
	fputs("! ", notes->out);
}

static const struct reflector_sink notes_sink = { sink_put, sink_gone, sink_listed,
						  sink_unreadable };

/* Nodes are the shortest objects. */
#define NODE(name, rv) "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" rv "\"}}"
#define LIST(rv, next, items)                                                                  \
	"{\"kind\":\"NodeList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"" rv \
	"\",\"continue\":\"" next "\"},\"items\":[" items "]}\n"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define BOOKMARK(rv) EVENT("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"" rv "\"}}")
#define INITIAL_END(rv)                                                    \
	EVENT("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"" rv "\"," \
			  "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}")
#define STATUS(code, reason, message)                                                      \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"code\":" code \
	",\"reason\":\"" reason "\",\"message\":\"" message "\"}"

#endif
