/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bpffs and what lies where in it:
 *
 *	<paths.bpf>/v<ABI>/lb_frontend, lb_flow4, …   maps, by their own name
 *	<paths.bpf>/v<ABI>/prog/lb_xdp, …             the programs in use and their tail-call arrays
 *	<paths.bpf>/v<ABI>/link/eth0-xdp, …           links: removing the pin detaches
 *
 * bpffs takes no dot in a name, so a device's dots are written %2e.
 */
#ifndef DATAPATH_PIN_H
#define DATAPATH_PIN_H

#include <stdbool.h>
#include <stddef.h>

#include "user/util/err.h"
#include "user/util/paths.h"

/* One change at a time: an exclusive lock on <paths.run>/datapath.lock, held until closed. */
LB_CHECKED int pin_lock(const struct paths *paths, int *ret_fd, struct err *err);

/* Makes sure there is a bpffs under paths.bpf, and the folders of this ABI in it. */
LB_CHECKED int pin_prepare(const struct paths *paths, struct err *err);

/* Removes all that pin_prepare and later pins made, the private bpffs included. */
LB_CHECKED int pin_remove_all(const struct paths *paths, struct err *err);

/* Unpins a folder below v<ABI>. A missing one is fine. */
void pin_remove_folder(const struct paths *paths, const char *folder);

/* Is there a folder of another ABI than ours? ret_abi gets its number. */
bool pin_other_abi(const struct paths *paths, unsigned int *ret_abi);

/* Paths, owned by the caller. folder NULL: the maps' own. */
char *pin_path(const struct paths *paths, const char *folder, const char *name);
char *pin_link_path(const struct paths *paths, const char *device, const char *hook);

/* Calls visit for the name of every pin in a folder (NULL: v<ABI> itself), until it returns
 * non-zero. */
int pin_each(const struct paths *paths, const char *folder,
	     int (*visit)(void *arg, const char *name), void *arg);

/* The device of a link's name "eth0%2e100-tc-ingress", if it is one of this hook. */
bool pin_link_device(const char *name, const char *hook, char *ret_device, size_t size);

/* mkdir -p */
LB_CHECKED int pin_make_folder(const char *path, struct err *err);

#endif
