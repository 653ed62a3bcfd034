/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to HAProxy's master, at its socket, and through it to a worker ("@!PID WORDS"). */
#ifndef INGRESS_MASTER_H
#define INGRESS_MASTER_H

#include <event2/event.h>
#include <sys/types.h>

/* The process that listens at master.sock in dir; 0: nobody. */
pid_t master_find(int dir);

struct master_question;

/*
 * answer is called once, from the loop, with what was answered; NULL: nothing for a second. words
 * is one line. Returns NULL when nobody is there to ask; answer is not called then.
 */
struct master_question *master_ask(struct event_base *base, int dir, const char *words,
				   void (*answer)(void *arg, const char *text), void *arg);
void master_forget(struct master_question *question);

/* The same at once, for what cannot wait for the loop: NULL after a quarter of a second. */
char *master_read(int dir, const char *words);

/* The present worker, from the answer to "show proc"; 0: none. */
pid_t master_worker(const char *text);

#endif
