/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames from descriptions. Checksums are computed here from scratch, so that a frame that
 * the programs rewrote by differences is compared with one that never saw a difference.
 */
#ifndef PACKET_FRAME_H
#define PACKET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/util/addr.h"

/* Who takes part. Each has an address of either family. */
enum host {
	H_NONE,
	H_CLIENT, /* outside, on the NIC's network */
	H_CLIENT2,
	H_NODE, /* this node, on the NIC */
	H_CLUSTER_IP,
	H_EXTERNAL, /* load balancer address */
	H_POD_A,    /* on this node, behind pod device A */
	H_POD_B,    /* on this node, behind pod device B */
	H_REMOTE,   /* pod on another node, behind H_NODE2's link address */
	H_REMOTE2,
	H_FAR, /* behind a neighbour that does not answer */
	H_HOSTS
};

enum mac {
	M_NONE,
	M_NIC,
	M_CLIENT,
	M_NODE2,
	M_VETH_A, /* the node's end */
	M_POD_A,
	M_VETH_B,
	M_POD_B,
};

#define FRAME_MAX 512

struct frame {
	enum mac smac, dmac;
	enum host src, dst;
	uint16_t sport, dport; /* host order */
	uint8_t proto;	       /* 0: that of the run */
	uint8_t tcp_flags;
	uint8_t ttl;	 /* 0: 64 */
	uint8_t payload; /* bytes */
	bool no_udp_checksum;
	bool options;	/* IPv4: four bytes of options; IPv6: a hop-by-hop header */
	bool made_here; /* a packet of the programs' own: no IP id, no flow label */
	uint32_t seq, ack;
};

struct lb_addr frame_addr(enum host host, bool v4);
void frame_mac(enum mac mac, uint8_t ret[6]);

/* Writes the frame into buffer[FRAME_MAX]; returns its length. */
size_t frame_build(const struct frame *frame, bool v4, uint8_t *buffer);

/* The port unreachable that answers the frame in buffer (UDP). Returns its length. */
size_t frame_build_unreachable(const uint8_t *refused, bool v4, uint8_t *buffer);

/* An ICMP error: its own addresses are those of frame, `quoted` bytes of inner's transport follow.
 */
enum frame_error { ERROR_TOO_BIG, ERROR_TTL };
size_t frame_build_error(enum frame_error error, const struct frame *frame,
			 const struct frame *inner, size_t quoted, bool v4, uint8_t *buffer);

/* Cuts a built frame after `split` bytes of transport (a multiple of 8), and gives one half. */
size_t frame_fragment(const uint8_t *whole, size_t split, bool later, uint32_t id, bool v4,
		      uint8_t *buffer);

/* An echo request, or its reply. */
size_t frame_build_echo(const struct frame *frame, bool reply, bool v4, uint8_t *buffer);

/* Finishes the checksums of a frame that was changed by hand. */
void frame_checksum(uint8_t *buffer, bool v4);

/* The source and destination port in a built frame without options. */
uint16_t frame_sport(const uint8_t *buffer, bool v4);

/* Prints both as hex where they differ; returns whether they are equal. */
bool frame_equal(const char *what, const uint8_t *want, size_t want_size, const uint8_t *got,
		 size_t got_size);

#endif
