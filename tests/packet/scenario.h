/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scenario: what the maps hold, then frames one after another, each with what must become
 * of it, byte for byte. Each runs over IPv4 and IPv6, TCP, UDP and SCTP, XDP and TC.
 */
#ifndef PACKET_SCENARIO_H
#define PACKET_SCENARIO_H

#include <netinet/tcp.h>

#include "tests/packet/rig.h"

/* In a port: the source port that the node chose; learnt from the first frame that has it. */
#define MASQ 1

/* Links a frame travels on. */
#define CLIENT_TO_NIC .smac = M_CLIENT, .dmac = M_NIC
#define NIC_TO_CLIENT .smac = M_NIC, .dmac = M_CLIENT
#define NODE2_TO_NIC .smac = M_NODE2, .dmac = M_NIC
#define NIC_TO_NODE2 .smac = M_NIC, .dmac = M_NODE2
#define POD_A_TO_VETH .smac = M_POD_A, .dmac = M_VETH_A
#define VETH_TO_POD_A .smac = M_VETH_A, .dmac = M_POD_A
#define POD_B_TO_VETH .smac = M_POD_B, .dmac = M_VETH_B
#define VETH_TO_POD_B .smac = M_VETH_B, .dmac = M_POD_B

enum outcome {
	UNTOUCHED,  /* passes, not one byte changed */
	STACK,	    /* passes, rewritten */
	SENT,	    /* rewritten and out of a device */
	SENT_BY_TC, /* the same, but XDP hands the frame to TC first */
	RESOLVED,   /* rewritten but for the link addresses, which the kernel fills in; TC alone */
	REFUSED,    /* answered: reset or port unreachable */
	EXPIRED,    /* answered: time exceeded, from the node */
	DROPPED,
};

enum proto_set { ALL, TCP_ONLY, UDP_ONLY };

struct step {
	enum rig_hook hook;
	struct frame in;
	enum outcome outcome;
	struct frame out;			/* for STACK, SENT, SENT_BY_TC; flags as in `in` */
	enum lb_reason reason;			/* what is counted; 0: nothing */
	void (*before)(bool v4, uint8_t proto); /* changes the maps, or NULL */
};

#define STEPS_MAX 12

struct scenario {
	const char *name;
	void (*setup)(bool v4, uint8_t proto);
	enum proto_set protos;
	struct step steps[STEPS_MAX]; /* ends at the first without a source */
};

/* ------------------------------------------------- words of the tables -- */

#define SYN .tcp_flags = TH_SYN
#define SYNACK .tcp_flags = TH_SYN | TH_ACK
#define ACK .tcp_flags = TH_ACK
#define FIN .tcp_flags = TH_FIN | TH_ACK
#define RST .tcp_flags = TH_RST

/* A whole exchange through the NIC to a remote backend, up to "established". */
#define REQUEST(flags)                                                           \
	AT_NIC, { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, flags }, SENT, \
	{                                                                        \
		NIC_TO_NODE2, H_NODE, H_REMOTE, MASQ, 8080                       \
	}
#define ANSWER(flags)                                                        \
	AT_NIC, { NODE2_TO_NIC, H_REMOTE, H_NODE, 8080, MASQ, flags }, SENT, \
	{                                                                    \
		NIC_TO_CLIENT, H_EXTERNAL, H_CLIENT, 80, 40000               \
	}
#define REQUEST2(flags)                                                          \
	AT_NIC, { CLIENT_TO_NIC, H_CLIENT, H_EXTERNAL, 40000, 80, flags }, SENT, \
	{                                                                        \
		NIC_TO_NODE2, H_NODE, H_REMOTE2, MASQ, 8080                      \
	}

/* Runs one scenario in all its variants; returns how many steps went wrong, printed. */
int scenario_run(const struct scenario *scenario);

#endif
