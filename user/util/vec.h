/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing arrays. A vector is any struct with the members `items`, `n`, `room`:
 *
 *	struct { struct port *items; size_t n, room; } ports = {0};
 *	struct port *p = vec_add(&ports);   // zeroed; valid until the next vec_add
 *	vec_free(&ports);
 *
 * Out of memory ends the program: nothing sensible can be done about it here.
 */
#ifndef UTIL_VEC_H
#define UTIL_VEC_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Returns items with room for one more than n; aborts when memory is out. */
void *vec_grow(void *items, size_t n, size_t *room, size_t item_size);

/* malloc and friends that end the program when memory is out. */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
char *xstrdup(const char *text);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define VEC(type)               \
	struct {                \
		type *items;    \
		size_t n, room; \
	}

#define vec_add(v)                                                                   \
	((v)->items = vec_grow((v)->items, (v)->n, &(v)->room, sizeof(*(v)->items)), \
	 (__typeof__((v)->items))memset(&(v)->items[(v)->n++], 0, sizeof(*(v)->items)))

#define vec_push(v, item) (*vec_add(v) = (item))

#define vec_free(v)                     \
	do {                            \
		free((v)->items);       \
		(v)->items = NULL;      \
		(v)->n = (v)->room = 0; \
	} while (0)

#endif
