/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes packets for Wireshark and tshark: pcapng, draft-ietf-opsawg-pcapng. Each call writes one
 * block; whether all of it arrived, the stream tells (ferror).
 */
#ifndef UTIL_PCAPNG_H
#define UTIL_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum pcapng_verdict { PCAPNG_VERDICT_TC = 1, PCAPNG_VERDICT_XDP = 2 };

struct pcapng_packet {
	uint32_t interface; /* counted in the order in which they were written */
	uint64_t ns;	    /* since 1970 */
	const void *bytes;
	uint32_t captured, length; /* that there are, and that the frame had */
	const char *comment;
	bool outbound;
	uint64_t id; /* of the packet: the same wherever it was seen */
	enum pcapng_verdict hook;
	int64_t verdict; /* what a program of that hook returned */
};

void pcapng_begin(FILE *out, const char *application);

/* An Ethernet interface, in nanoseconds. */
void pcapng_interface(FILE *out, const char *name, const char *description, uint32_t snap);

void pcapng_packet(FILE *out, const struct pcapng_packet *packet);

#endif
