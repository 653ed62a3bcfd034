/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TC programs on kernels without tcx: a bpf filter at a clsact qdisc, under a handle and
 * priority of our own, so that attaching again replaces it in place.
 */
#ifndef DATAPATH_FILTER_H
#define DATAPATH_FILTER_H

#include <stdbool.h>

/* ret_qdisc: the clsact did not exist before. -errno of the kernel. */
int filter_attach(int ifindex, bool egress, int prog_fd, bool *ret_qdisc);

/* Removes both directions, and the clsact when it is ours and nobody else uses it. */
void filter_remove(int ifindex, bool qdisc);

#endif
