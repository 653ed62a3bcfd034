/* SPDX-License-Identifier: Apache-2.0 */
/* From results to a verdict, by the kubelet's rules: thresholds count consecutive results. Pure. */
#ifndef PROBE_VERDICT_H
#define PROBE_VERDICT_H

#include "user/k8s/probe.h"

struct verdict {
	enum probed value; /* PROBED_NOT: startup probes until they succeed or fail for good */
	bool last;	   /* the last result */
	uint32_t run;	   /* how many like it in a row; 0: none since the agent began */
};

/* Readiness starts as unready, liveness as alive. */
struct verdict verdict_initial(enum probe_kind kind);

/* Takes a result in; returns whether the value changed. */
bool verdict_take(struct verdict *verdict, const struct probe *probe, bool ok);

/* A container serves when it has started, if it is asked for that, and is ready. */
enum probed verdict_of_container(const enum probed *startup, const enum probed *readiness);

#endif
