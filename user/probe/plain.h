/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET over plain HTTP/1.1 to an address, as nearly all probes are, in a few system calls: libcurl
 * takes more than twice as long. It knows no more than a probe has to: the status, and whether the
 * body came to its end, or to more than anybody wants.
 */
#ifndef PROBE_PLAIN_H
#define PROBE_PLAIN_H

#include "user/probe/run.h"

struct plain_result {
	const char *failed; /* why there is no answer, as the kubelet words it; or NULL */
	long status;
};

struct plain;

/* request: with the empty line behind it; taken over. done is called once, from the loop. */
struct plain *plain_start(struct event_base *base, const struct lb_addr *addr, uint16_t port,
			  char *request, void (*done)(void *arg, const struct plain_result *result),
			  void *arg);

/* NULL is fine. Also from within done. */
void plain_free(struct plain *plain);

#endif
