/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HAProxy as a child: an unprivileged master with its workers, in a session of its own. Files of a
 * new configuration are checked by a HAProxy of their own before the running one is told to reload;
 * it then hands its listening sockets to new workers, and the old ones stay until their last
 * connection has ended. It outlives an agent that was killed: the next one finds it by the socket
 * of its master.
 *
 *	run/ingress/            0700, of HAProxy's user
 *	  haproxy.cfg           the one that is in use, or about to be
 *	  master.sock
 *	  g7/                   what haproxy.cfg refers to; files are 0600
 */
#ifndef INGRESS_PROXY_H
#define INGRESS_PROXY_H

#include <event2/event.h>

#include "user/ingress/render.h"
#include "user/util/err.h"

struct proxy;

struct proxy_events {
	/* What is running changed, or why it does not: error is NULL or a sentence. */
	void (*changed)(void *arg, const char *error);
	/* A worker is about to be relieved: its counters end with it. */
	void (*relieved)(void *arg);
	/* HAProxy is not what it was told to be: it should be given all anew. */
	void (*lost)(void *arg);
};

struct proxy *proxy_open(struct event_base *base, const char *run,
			 const struct proxy_events *events, void *arg);

/* Ends HAProxy, too. */
void proxy_close(struct proxy *proxy);

/*
 * Makes files what HAProxy works by, soon: while a check is going on the newest ones wait. Starts
 * it where it does not run. The caller asks only when they are others than before. pools: what
 * files have in their places.
 */
void proxy_update(struct proxy *proxy, const struct ingress_files *files,
		  const struct ingress_pools *pools);

/* Makes these the pods in the places that HAProxy has by now, and will have; without a reload. */
void proxy_fill(struct proxy *proxy, const struct ingress_pools *pools);

/* Nobody needs it any more. */
void proxy_stop(struct proxy *proxy);

bool proxy_is_running(const struct proxy *proxy);

/* HAProxy's own counters ("show stat"), to be freed; NULL: nobody answers. */
char *proxy_stats(const struct proxy *proxy);

#endif
