/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the maps hold. Each kind makes an array of flat JSON objects, which is what -o json
 * prints; tables pick their cells from it.
 */
#ifndef CMD_SHOW_H
#define CMD_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "user/cmd/command.h"
#include "user/cmd/output.h"
#include "user/datapath/datapath.h"
#include "user/util/table.h"

struct show {
	const struct cli *cli; /* args[0] is the kind, what follows are names of Services */
	struct datapath *dp;
	enum output output;
};

struct show_column {
	const char *title; /* NULL ends the array */
	const char *key;
	bool wide; /* only with -o wide */
};

struct show_kind {
	const char *name, *alias; /* alias or NULL */
	const struct show_column *columns;
	const struct show_column *rates; /* more columns with --rate; NULL: nothing to count */
	const char *nothing;		 /* said on stderr when there are no rows */
	/* Of the data itself it is there with --rate alone: the other fields are a promise. NULL:
	 * none. */
	const char *rate_field;
	int (*rows)(struct show *show, json_t *rows, struct err *err); /* appends rows, or … */
	int (*run)(struct show *show, struct err *err);		       /* … prints by itself */
};

extern const struct show_kind show_svc, show_endpoints, show_flows, show_affinity, show_nat,
	show_maglev, show_dns, show_stats, show_drops, show_devices, show_meta;

/* Whether -n leaves a namespace out. */
bool show_skips(const struct show *show, const char *ns);

/* "TCP" */
const char *show_protocol(uint8_t proto);

/* json_t strings of "ip:port" and "ip"; null for the zero address. */
json_t *show_addr_port(const struct lb_addr *addr, __be16 port);
json_t *show_addr(const struct lb_addr *addr);

/* As a table shows it: lists with their first three, null as <none>. */
void show_cell(FILE *out, const json_t *cell);

/* One table of rows, as much as one piece of a longer one. header: the columns' names first. */
void show_table(const struct show *show, const struct show_column *columns, const json_t *rows,
		bool header, struct table *table);

/* A piece of a long array as -o json or yaml; more pieces follow, or it is the last one. */
void show_piece(const struct show *show, json_t *rows, bool first, bool last);

/* --service, --backend, --client, --state and names; a typing error must not look like "none". */
LB_CHECKED int show_filter_check(const struct show *show, struct err *err);

/* Whether a service is asked for: by a name that follows the kind, and by --service. */
bool show_wants_service(const struct show *show, const struct lb_name *name);
bool show_wants_place(const char *filter, const struct lb_addr *addr, __be16 port);

/* The rows that the options ask for, of those that a kind has made. */
void show_filter_rows(const struct show *show, json_t *rows);

/* Packets, bytes and connections a second, beside the totals: "packetsPerSecond", … */
void show_rates_add(json_t *rows, const json_t *before, double seconds);

/* "default/kubia:80", borrowed from nothing: a new json string; null for NULL. */
json_t *show_service(const struct lb_name *name);

/* In a snapshot; NULL: there is none. */
const struct lb_name *show_name_find(const struct actual *actual, uint32_t id);
const struct lb_backend *show_backend_find(const struct actual *actual, uint32_t id);

/* Once, or with -w and --rate again and again. */
LB_CHECKED int show_watch(const struct show_kind *kind, struct show *show, struct err *err);

#endif
