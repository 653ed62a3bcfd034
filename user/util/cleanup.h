/* SPDX-License-Identifier: Apache-2.0 */
/* Scope-bound cleanup for memory, files and JSON. */
#ifndef UTIL_CLEANUP_H
#define UTIL_CLEANUP_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_jsonp(json_t **json)
{
	json_decref(*json);
}

#define cleanup_free __attribute__((cleanup(cleanup_freep)))
#define cleanup_close __attribute__((cleanup(cleanup_closep))) /* start at -EBADF */
#define cleanup_fclose __attribute__((cleanup(cleanup_fclosep)))
#define cleanup_json __attribute__((cleanup(cleanup_jsonp)))

/* Hands ownership on: the cleanup then finds NULL. */
#define TAKE_PTR(p)                         \
	({                                  \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})
#define TAKE_FD(fd)                \
	({                         \
		int taken_ = (fd); \
		(fd) = -EBADF;     \
		taken_;            \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
