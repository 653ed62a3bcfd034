/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real programs on a small network in a namespace of the test's own: a NIC and two pod
 * devices with routes and neighbours, so that route lookups find what a node would find.
 * Packets go in through BPF_PROG_TEST_RUN.
 */
#ifndef PACKET_RIG_H
#define PACKET_RIG_H

#include "lb/reasons.h"
#include "lb/types.h"
#include "tests/packet/frame.h"

enum rig_mode {
	RIG_XDP, /* the NIC has XDP */
	RIG_TC,	 /* the NIC has TC alone */
};

enum rig_hook {
	AT_NIC,	   /* arrives at the NIC: XDP or TC by mode */
	AT_NIC_TC, /* arrives at the NIC's TC hook, whatever the mode */
	AT_NIC_EGRESS,
	AT_POD_A, /* sent by pod A */
	AT_POD_B,
	AT_POD_A_EGRESS,
};

enum rig_action {
	DO_PASS,    /* to the host's stack */
	DO_SEND,    /* out of a device */
	DO_HANDOFF, /* XDP leaves it to TC */
	DO_DROP,
};

/* Loads everything; exits the test program when that fails. flows: entries of each table. */
void rig_open(unsigned int flows, unsigned int snat_ports, bool masquerade_all, bool pod_cidrs);

/* Maps of other sizes than the programs' own; 0: as they are. */
struct rig_size {
	unsigned int frontends, backends, slots, flows6;
	unsigned int refresh; /* seconds until an active flow is written to again */
};
void rig_open_sized(const struct rig_size *size, unsigned int flows, unsigned int snat_ports,
		    bool masquerade_all, bool pod_cidrs);
void rig_close(void);

/* Empties all maps and sets the devices for the mode. */
void rig_reset(enum rig_mode mode);

/* Runs a frame; it is replaced by what comes out. */
enum rig_action rig_run(enum rig_hook hook, uint8_t *frame, size_t *size);

/* ---------------------------------------------------- filling the maps -- */

void rig_backend(unsigned int id, unsigned int service, enum host host, bool v4, uint8_t proto,
		 unsigned int flags);

/* The same for any address. */
void rig_backend_at(unsigned int id, unsigned int service, const struct lb_addr *addr,
		    uint8_t proto, unsigned int flags);

/* Changes flags and steps the generation, as a plan does when a backend leaves. */
void rig_backend_retire(unsigned int id, unsigned int flags);

/* A frontend over backends [first, first + n) cluster-wide and [first, first + local) here. */
struct rig_frontend {
	enum host host;
	uint16_t port;
	unsigned int service, flags, affinity;
	unsigned int first, n, local;
};
void rig_frontend(const struct rig_frontend *frontend, bool v4, uint8_t proto);
/* At any address, and with so many slots for all n backends. */
void rig_frontend_at(const struct rig_frontend *frontend, const struct lb_addr *addr, uint8_t proto,
		     unsigned int slots);
void rig_frontend_delete(enum host host, uint16_t port, bool v4, uint8_t proto);
void rig_source_range(unsigned int service, const char *prefix);
void rig_device_addr_clear(void); /* the NIC loses its masquerade addresses */

uint64_t rig_reason(enum lb_reason reason);
uint64_t rig_evictions(enum lb_eviction eviction);
uint64_t rig_reasons(void); /* sum of all */
struct lb_stats rig_backend_stats(unsigned int id);

/* Flow entries of a family that are not empty. */
unsigned int rig_flows(bool v4);

/* Makes all flows established, as if they had been answered and gone on. */
void rig_establish(void);

/* Makes all flows look as if last used so many seconds ago. */
void rig_age(unsigned int seconds);

/* Makes all affinity look as if last used so many seconds ago. */
void rig_age_affinity(unsigned int seconds);

/* The NIC's XDP program, its program at TC on the way out, and its device. */
int rig_xdp_fd(void);
int rig_egress_fd(void);
unsigned int rig_nic(void);

/* The mark of the packet that TC ran last. */
uint32_t rig_mark(void);

/* One of the maps, by name. */
int rig_map_fd(const char *name);

/* Empties the prog arrays, as if a tail call's program were missing. */
void rig_cut_tail_calls(void);

#endif
