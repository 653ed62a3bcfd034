/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which program belongs to which hook of which device, and the order in which links change
 * so that at no moment a packet meets no program:
 *
 *	            xdp          tc-ingress        tc-egress
 *	NIC, XDP    lb_xdp       lb_tc_handoff     lb_tc_egress
 *	NIC, tc     -            lb_tc_ingress     lb_tc_egress
 *	pod-facing  -            lb_tc_ingress     lb_tc_egress
 *
 * A rollback is the same work with the old state and the old programs.
 */
#ifndef DATAPATH_HOOKS_H
#define DATAPATH_HOOKS_H

#include "user/datapath/devices.h"
#include "user/datapath/link.h"
#include "user/datapath/programs.h"
#include "user/datapath/state.h"

#define HOOK_XDP "xdp"
#define HOOK_TC_INGRESS "tc-ingress"
#define HOOK_TC_EGRESS "tc-egress"
#define HOOK_CGROUP "cgroup" /* the "device" in the names of the socket hooks' links */

struct hooks {
	const struct paths *paths;
	struct attach_state *state; /* what is wanted; modes and filters are filled in */
	const struct attach_state *was;
	const struct programs *programs;
	const struct device_view *view;
	int device_map;
	/* link_attach; tests put the answer of an older kernel here */
	int (*attach_tcx)(const char *path, const struct link_spec *spec, int prog_fd);
	void (*report)(void *arg, const char *line); /* or NULL */
	void *arg;
};

/* Attaches or updates everything that the state asks for. */
LB_CHECKED int hooks_attach(struct hooks *hooks, struct err *err);

/* Attaches the pod-facing devices alone: only_new leaves alone those that have their links. */
LB_CHECKED int hooks_attach_pods(struct hooks *hooks, bool only_new, struct err *err);

/* Removes links, filters and lb_device entries that the state does not ask for (any more). */
void hooks_prune(struct hooks *hooks);

/* One aligned line for people. */
void hooks_report(const struct hooks *hooks, const char *device, const char *hook, const char *how,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The XDP part, in xdp.c. ret_mode: what it is now, ATTACH_TC after a fall-back. */
LB_CHECKED int xdp_attach(struct hooks *hooks, const struct attach_nic *nic, int ifindex,
			  enum attach_mode *ret_mode, struct err *err);

/* Another's XDP program on a device that has none of ours: an error that names it. */
LB_CHECKED int xdp_check_foreign(const struct paths *paths, const char *device, struct err *err);

#endif
