/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of HAProxy's user: started with no more rights than it needs, watched by pidfd. */
#ifndef INGRESS_CHILD_H
#define INGRESS_CHILD_H

#include <event2/event.h>

#include "user/ingress/proxy_files.h"

struct child {
	pid_t pid; /* 0: none */
	int pidfd;
	struct event *event;
	int output; /* of one whose words are read when it has ended; or -EBADF */
};

/*
 * Runs argv in dir. It may bind low ports, and has no other capability. read: what it says is kept
 * for child_words, otherwise it goes where ours does. ended is called once, from the loop.
 */
LB_CHECKED int child_start(struct event_base *base, int dir, const struct proxy_user *user,
			   const char *const *argv, bool read, event_callback_fn ended, void *arg,
			   struct child *ret_child, struct err *err);

/* Watches one that somebody else started. */
LB_CHECKED int child_adopt(struct event_base *base, pid_t pid, event_callback_fn ended, void *arg,
			   struct child *ret_child, struct err *err);

/* After it has ended: its exit status; -1: a signal ended it, or it is not ours. */
int child_reap(struct child *child);

/* What it said last, on one line; to be freed. Before child_reap. */
char *child_words(const struct child *child);

void child_signal(const struct child *child, int number);

/* Ends it and waits until it is gone, a while at most. */
void child_end(struct child *child);

#endif
