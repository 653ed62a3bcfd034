/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to HAProxy's master, at its socket. */
#ifndef INGRESS_MASTER_H
#define INGRESS_MASTER_H

#include <event2/event.h>
#include <sys/types.h>

/* The process that listens at master.sock in dir; 0: nobody. */
pid_t master_find(int dir);

struct master_question;

/*
 * Which worker is the present one? answer is called once, from the loop: 0: none, or no answer for
 * a second. NULL: nobody is there to ask, and answer is not called.
 */
struct master_question *master_ask(struct event_base *base, int dir,
				   void (*answer)(void *arg, pid_t worker), void *arg);
void master_forget(struct master_question *question);

/* From the text that the master answers. */
pid_t master_worker(const char *text);

#endif
