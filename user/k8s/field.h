/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a JSON tree with its paths in hand, so that an error can name the field:
 *
 *	struct field spec = field_get(&root, "spec");
 *	struct field ports = field_get(&spec, "ports");
 *	for (size_t i = 0; i < field_items(&ports); i++) {
 *		struct field port = field_at(&ports, i);
 *		struct field number = field_get(&port, "port");
 *		item->port = field_int(&number, 1, 65535, 0);
 *	}
 *	return reading.code;
 *
 * The first error of a reading is kept, later ones are told to `each` alone: a reader goes on
 * with defaults and looks at reading.code once, in the end. A field borrows its parent.
 */
#ifndef K8S_FIELD_H
#define K8S_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "user/util/addr.h"
#include "user/util/err.h"

struct reading {
	int code;    /* 0 or the first error's */
	char *field; /* path of the first error, owned by who made the reading */
	struct err *err;
	/* Called with the path and "path: reason" of each error; NULL: the first is enough. */
	void (*each)(void *arg, const char *path, const char *text);
	void *arg;
};

struct field {
	const struct field *parent; /* NULL: the root */
	const char *key;	    /* NULL: an item of a list */
	bool entry;		    /* key of a map that users name: printed as [key] */
	size_t index;
	json_t *json; /* NULL: absent, or null */
	struct reading *reading;
};

struct field field_root(json_t *json, struct reading *reading);

/* A member; absent ones can be asked for members again. An error if parent is no mapping. */
struct field field_get(const struct field *parent, const char *key);
struct field field_entry(const struct field *map, const char *key);
struct field field_at(const struct field *list, size_t index);

/* Newly allocated: "spec.ports[0].port"; "" for the root. */
char *field_path(const struct field *field);

/* ---- values; an absent one gives the fallback, one of another type is an error ---- */

const char *field_string(const struct field *field); /* NULL when absent or empty */
bool field_bool(const struct field *field, bool fallback);
int64_t field_int(const struct field *field, int64_t min, int64_t max, int64_t fallback);
uint16_t field_port(const struct field *field); /* 0, as the API has it, is none given */
size_t field_items(const struct field *list);	/* 0 when absent */
bool field_map(const struct field *field);	/* present, and a mapping */
bool field_addr(const struct field *field, struct lb_addr *ret_addr);
bool field_prefix(const struct field *field, struct prefix *ret_prefix);

/* One of a NULL-ended, sorted list of words; NULL when absent. */
const char *field_word(const struct field *field, const char *const *words);

/* A string that check (names.h) finds right. */
const char *field_name(const struct field *field, const char *(*check)(const char *text));

/* A list of at most max items. */
size_t field_limited(const struct field *list, size_t max);

/* An address that an endpoint or an external IP may have. */
bool field_unicast(const struct field *field, struct lb_addr *ret_addr);

/* A mapping whose values are strings, its keys checked. NULL checks nothing. */
void field_string_map(const struct field *map, const char *(*key)(const char *text),
		      const char *(*value)(const char *text));

/* ---- errors, in the API server's words ---- */

void field_fail(const struct field *field, const char *format, ...) LB_PRINTF(2, 3);
void field_required(const struct field *field); /* "Required value" when absent or "" */
void field_invalid(const struct field *field, const char *format, ...) LB_PRINTF(2, 3);
void field_forbidden(const struct field *field, const char *reason);
void field_duplicate(const struct field *field);

#endif
