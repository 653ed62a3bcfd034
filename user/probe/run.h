/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One probe, run once. The runners (tcp.c, http.c, grpc.c, exec.c) work in the loop's thread and
 * never block it; they keep no deadline of their own: who started a run stops it.
 */
#ifndef PROBE_RUN_H
#define PROBE_RUN_H

#include <event2/event.h>

#include "user/k8s/probe.h"
#include "user/probe/place.h"
#include "user/util/addr.h"

#define RUN_TEXT 512
#define RUN_BODY (10 * 1024) /* of what a target answers; the rest is cut off */

/* The kubelet of this Kubernetes release behaves like this, and says so to whom it probes. */
#define RUN_USER_AGENT "kube-probe/1.34"

enum outcome {
	OUTCOME_SUCCESS,
	OUTCOME_WARNING, /* a success that somebody should look at */
	OUTCOME_FAILURE,
	OUTCOMES
};

/* What all runs share. */
struct runners {
	struct event_base *base;
	struct curl_loop *curl;
	struct exec *ending; /* commands that were stopped and have not ended yet */
};

void runners_open(struct runners *runners, struct event_base *base);

/* No run may be going on. */
void runners_close(struct runners *runners);

struct run {
	struct runners *runners;
	const struct probe *probe;
	struct lb_addr addr;	   /* of the pod or endpoint; probe->host may name another */
	const struct place *place; /* of exec */
	/* Called once unless the run is stopped; perhaps from within run_start. */
	void (*done)(struct run *run, enum outcome outcome, const char *text);
	void *state; /* the runner's */
};

void run_start(struct run *run);

/* Its time is up, or nobody wants the result any more. text: why it took so long. */
void run_stop(struct run *run, char text[RUN_TEXT]);

/* --------------------------------------------------------- the runners -- */

struct runner {
	void (*start)(struct run *run);
	void (*stop)(struct run *run, char *text);
};

extern const struct runner runner_tcp, runner_http, runner_grpc, runner_exec;

/* Forgets the commands that are ending: nobody will be there to see it. */
void exec_forget(struct runners *runners);

/* Where a run goes: probe->host if there is one. False: a name, which is in probe->host. */
bool run_addr(const struct run *run, struct lb_addr *ret_addr);

/* "10.0.0.1:80", "example.com:80"; text holds RUN_TEXT bytes. */
const char *run_where(const struct run *run, char *text);

#endif
