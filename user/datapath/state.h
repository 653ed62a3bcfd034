/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an instance was attached with, so that a later process can upgrade, extend or
 * undo it: <paths.run>/attach.json. It holds only what the kernel does not tell: the mode
 * that was asked for, the pattern, the cgroup, and TC filters, which have no pin. It means
 * nothing without the pins (both end with the machine, or the private bpffs).
 */
#ifndef DATAPATH_STATE_H
#define DATAPATH_STATE_H

#include <net/if.h>
#include <stdint.h>

#include "user/datapath/datapath.h"
#include "user/util/vec.h"

struct attach_nic {
	char name[IF_NAMESIZE];
	enum attach_mode asked; /* ATTACH_AUTO: try native again at the next chance */
	enum attach_mode mode;	/* what it is: never ATTACH_AUTO once attached */
};

/* A device that carries TC filters, since the kernel has no tcx. */
struct attach_filter {
	char device[IF_NAMESIZE];
	bool qdisc; /* its clsact is ours */
};

struct attach_state {
	VEC(struct attach_nic) nics;
	VEC(struct attach_filter) filters;
	char *pods;	     /* pattern, or NULL */
	char *cgroup;	     /* of the socket hooks, or NULL */
	bool cgroup_mounted; /* cgroup is a private mount that detach ends */
	char *ports;	     /* added to net.ipv4.ip_local_reserved_ports, or NULL */
	uint64_t netns;	     /* inode of the network namespace of the devices */
};

/* A missing file gives an empty state. */
LB_CHECKED int attach_state_load(const struct paths *paths, struct attach_state *ret_state,
				 struct err *err);
LB_CHECKED int attach_state_save(const struct paths *paths, const struct attach_state *state,
				 struct err *err);
void attach_state_remove(const struct paths *paths);
void attach_state_copy(const struct attach_state *from, struct attach_state *ret_state);
void attach_state_done(struct attach_state *state);

struct attach_nic *attach_state_nic(const struct attach_state *state, const char *name);
bool attach_state_is_pod(const struct attach_state *state, const char *name);

bool attach_state_has_sockets(const struct attach_state *state);

/* Does the state belong to this process's network namespace? */
LB_CHECKED int attach_state_check_netns(const struct attach_state *state, struct err *err);
uint64_t attach_state_netns(void);

const char *attach_mode_text(enum attach_mode mode);

#endif
