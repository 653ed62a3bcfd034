/* SPDX-License-Identifier: Apache-2.0 */
/* The node's network, in a namespace of the calling process's own. */
#ifndef PACKET_NETWORK_H
#define PACKET_NETWORK_H

struct network {
	unsigned int nic, pod_a, pod_b; /* interface indices */
};

/* Ends the test program when it fails. */
void network_open(struct network *ret);

/* Ends the program with what errno says when result is negative. */
void network_must(int result, const char *what);

#endif
