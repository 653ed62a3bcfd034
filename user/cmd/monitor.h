/* SPDX-License-Identifier: Apache-2.0 */
/* What `lbctl monitor` makes of events and packets: text, JSON, pcapng. */
#ifndef CMD_MONITOR_H
#define CMD_MONITOR_H

#include <stdint.h>
#include <stdio.h>

#include "lb/event.h"
#include "user/util/vec.h"

struct monitor {
	uint32_t kinds; /* that were asked for */
	int64_t wall;	/* CLOCK_REALTIME - CLOCK_MONOTONIC, ns */
};

/* By the name that --type takes; 0: there is none of that name. */
uint32_t monitor_kind_parse(const char *name);

/* LB_REASON_COUNT: there is no reason of that label. */
uint32_t monitor_reason_parse(const char *label);

/* One line an event, on stdout. `arg` is a struct monitor. */
void monitor_print_text(void *arg, const struct lb_event *event);
void monitor_print_json(void *arg, const struct lb_event *event);

/* "dropped: source_range: …": what happened, and why. text holds `size` bytes. */
void monitor_story(uint32_t happened, uint32_t reason, char *text, size_t size);

/* A file of packets. */
struct monitor_pcap {
	FILE *out;
	int64_t wall; /* as struct monitor */
	size_t written;
	struct {
		struct monitor_pcap_place {
			uint32_t ifindex;
			uint8_t hook, egress, after, zero; /* zero: compared as a whole */
		} * items;
		size_t n, room;
	} places; /* the interfaces of the file, in order */
};

/* Begins the file; `out` stays the caller's. */
void monitor_pcap_begin(struct monitor_pcap *pcap, FILE *out, int64_t wall);

/* `arg` is a struct monitor_pcap. */
void monitor_pcap_packet(void *arg, const struct lb_packet *packet);
void monitor_pcap_done(struct monitor_pcap *pcap);

#endif
