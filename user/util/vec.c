/* SPDX-License-Identifier: Apache-2.0 */
#include "user/util/vec.h"

#include <stdarg.h>
#include <stdio.h>

static void *must(void *p)
{
	if (!p) {
		fputs("lbctl: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *vec_grow(void *items, size_t n, size_t *room, size_t item_size)
{
	if (n < *room)
		return items;
	*room = *room ? *room * 2 : 8;
	return must(reallocarray(items, *room, item_size));
}

void *xmalloc(size_t size)
{
	return must(malloc(size ? size : 1));
}

void *xcalloc(size_t n, size_t size)
{
	return must(calloc(n ? n : 1, size));
}

char *xstrdup(const char *text)
{
	return must(strdup(text));
}

char *xasprintf(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return must(text);
}
