/* SPDX-License-Identifier: Apache-2.0 */
/* The programs by name: one list gives the enum, the names and the pins. */
#ifndef DATAPATH_PROGRAMS_H
#define DATAPATH_PROGRAMS_H

#include <stdbool.h>

#include "user/util/err.h"
#include "user/util/paths.h"

/* X(NAME, function, object) */
#define PROGRAMS(X)                            \
	X(XDP, lb_xdp, XDP)                    \
	X(XDP_SLOW4, lb_xdp_slow4, XDP)        \
	X(XDP_SLOW6, lb_xdp_slow6, XDP)        \
	X(TC_INGRESS, lb_tc_ingress, TC)       \
	X(TC_HANDOFF, lb_tc_handoff, TC)       \
	X(TC_EGRESS, lb_tc_egress, TC)         \
	X(TC_SLOW4, lb_tc_slow4, TC)           \
	X(TC_SLOW6, lb_tc_slow6, TC)           \
	X(CONNECT4, lb_connect4, SOCK)         \
	X(CONNECT6, lb_connect6, SOCK)         \
	X(SENDMSG4, lb_sendmsg4, SOCK)         \
	X(SENDMSG6, lb_sendmsg6, SOCK)         \
	X(RECVMSG4, lb_recvmsg4, SOCK)         \
	X(RECVMSG6, lb_recvmsg6, SOCK)         \
	X(GETPEERNAME4, lb_getpeername4, SOCK) \
	X(GETPEERNAME6, lb_getpeername6, SOCK) \
	X(ASK, lb_ask, ASK)

enum program {
#define PROGRAM_ENUM(name, function, object) PROGRAM_##name,
	PROGRAMS(PROGRAM_ENUM)
#undef PROGRAM_ENUM
		PROGRAM_COUNT
};

enum program_object { OBJECT_XDP, OBJECT_TC, OBJECT_SOCK, OBJECT_ASK, OBJECT_COUNT };

struct program_row {
	const char *name;
	enum program_object object;
};

extern const struct program_row program_rows[PROGRAM_COUNT];

/* One generation of programs; -EBADF: not loaded. */
struct programs {
	int fd[PROGRAM_COUNT];
};

void programs_init(struct programs *programs);

/* Opens what is pinned under prog/; what is not stays -EBADF. */
void programs_open(const struct paths *paths, struct programs *programs);
void programs_close(struct programs *programs);

#endif
