/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs without the dry run, on the maps of an explain: what becomes of real packets and
 * sockets is held against what it foretells. XDP and TC are run on frames, which are looked into
 * afterwards; the socket hooks are attached to a cgroup of the test's own.
 */
#ifndef PACKET_REAL_H
#define PACKET_REAL_H

#include "user/datapath/explain.h"

/* A network in which everything has a route; before anything is loaded. */
void real_init(void);

/* How often a question is tried, each time from another port: several backends have their turn. */
#define REAL_TRIES 6

/* 0, or what really happens is not what the answer says. For struct asker_check; arg is unused. */
LB_CHECKED int real_check(void *arg, struct explain *explain,
			  const struct explain_question *question,
			  const struct explain_answer *answer, struct err *err);
void real_done(void);

#endif
