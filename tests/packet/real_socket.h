/* SPDX-License-Identifier: Apache-2.0 */
/* A real connect() through the real socket hooks. Inside of real. */
#ifndef PACKET_REAL_SOCKET_H
#define PACKET_REAL_SOCKET_H

#include "user/datapath/explain.h"
#include "user/datapath/programs.h"

struct real_socket {
	enum lb_explain_verdict verdict;
	struct lb_addr dest; /* where it was connected to */
	__be16 port;
};

/* The hooks are attached for this one call, to a cgroup that this process moves into. */
LB_CHECKED int real_socket_connect(const struct programs *programs,
				   const struct explain_question *question,
				   struct real_socket *ret_socket, struct err *err);

/* Leaves the cgroup and removes it. */
void real_socket_done(void);

#endif
