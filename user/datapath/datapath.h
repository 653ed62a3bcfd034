/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door to the kernel: programs, links and maps. Nothing outside this folder
 * knows libbpf.
 */
#ifndef DATAPATH_DATAPATH_H
#define DATAPATH_DATAPATH_H

#include <stdbool.h>

#include "user/k8s/config.h"
#include "user/plan/plan.h"
#include "user/util/err.h"
#include "user/util/paths.h"

enum attach_mode {
	ATTACH_AUTO,    /* native XDP; where the driver refuses, TC, and say why */
	ATTACH_NATIVE,
	ATTACH_GENERIC,
	ATTACH_TC,
};

struct attach_options {
	const char *const *devices;
	size_t n_devices;
	enum attach_mode mode;
	const char *pods;   /* pattern of pod-facing devices, or NULL */
	const char *cgroup; /* a path, "none", or NULL: the root of cgroup v2 */
};

/*
 * Loads programs and maps (or takes over the pinned maps), attaches, pins. Attaching again
 * is an upgrade: new programs replace the old ones link by link, flows stay. report(arg, line)
 * gets one line a device and hook for people to read. On failure nothing new stays attached.
 */
LB_CHECKED int datapath_attach(const struct paths *paths, const struct config *config,
			       const struct attach_options *options,
			       void (*report)(void *arg, const char *line), void *arg,
			       struct err *err);

/* Devices NULL: all. When the last one goes, so do socket hooks, maps and pins. */
LB_CHECKED int datapath_detach(const struct paths *paths, const char *const *devices, size_t n,
			       struct err *err);

/* Attaches the pod hooks to devices that match the remembered pattern and have none yet. */
LB_CHECKED int datapath_attach_pods(const struct paths *paths, struct err *err);

/* The pinned maps of an instance. */
struct datapath;

/* -ENOENT: nothing is attached. */
LB_CHECKED int datapath_open(const struct paths *paths, struct datapath **ret, struct err *err);
void datapath_close(struct datapath *dp);

LB_CHECKED int datapath_snapshot(struct datapath *dp, struct actual *ret_actual, struct err *err);
LB_CHECKED int datapath_apply(struct datapath *dp, const struct plan *plan, struct err *err);

/*
 * Addresses of the attached devices, sorted, unique, without link-local ones; kept in lb_device
 * too. The agent calls it again when links or addresses change.
 */
LB_CHECKED int datapath_refresh_devices(struct datapath *dp, const struct config *config,
					struct addr_list *ret_addresses, struct err *err);

#endif
