/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process between the agent and a probe's command. It gathers the output, so that a command
 *that floods keeps it busy and not the agent; and whatever the command leaves behind, in its
 *process group or out of it, it kills before it ends.
 *
 *	agent ── lifeline ─▶ minder ── fork ─▶ command, in the pod
 *	      ◀── result ──         ◀─ output ─
 */
#ifndef PROBE_MINDER_H
#define PROBE_MINDER_H

#include "user/probe/entrance.h"

/* What comes through the result's pipe, once, before it ends. */
struct minder_result {
	int32_t status; /* exit status, or 128 + the signal that ended it */
	char output[];	/* at most RUN_BODY */
};

/*
 * Forks. The command is killed when the lifeline is closed, by the caller or by its end. Fills
 * the minder's pid, and the descriptors to read the result from and to close.
 */
LB_CHECKED int minder_start(const struct entrance *entrance, const char *const *command,
			    pid_t *ret_pid, int *ret_result, int *ret_lifeline, struct err *err);

#endif
