/* SPDX-License-Identifier: Apache-2.0 */
/* What is measured: rows of two tables, stages (what lies in the maps) and cases (packets). */
#ifndef BENCH_CASE_H
#define BENCH_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_ROUNDS_MAX 63
#define BENCH_TABLE (1u << 22) /* flow entries: room for 1M flows of two, half full */

/* Programs and maps of their own, filled before the first round. */
struct bench_stage {
	const char *name;
	unsigned int services, endpoints; /* each */
	unsigned int flows;		  /* made and established beforehand, each family;
					     with guests, each service */
	uint8_t proto;
	bool both;   /* families; else IPv4 alone */
	bool local;  /* the endpoints are on this node */
	bool guests; /* the second service has affinity, the third source ranges */
	bool names;  /* the services have some, which the kernel answers for */
	bool quick;  /* part of the short form */
};

enum bench_program {
	RUN_NOTHING, /* behind the generator: "transmit at once" */
	RUN_PASS,
	RUN_SWAP,
	RUN_LINE,
	RUN_CHAIN,
	RUN_XDP,
	RUN_EGRESS, /* TC, on the NIC's way out */
};

/* Which packets of the stage's flows. */
enum bench_packets {
	SEND_KNOWN,	      /* of clients, established */
	SEND_ANSWERS,	      /* of backends, established */
	SEND_NEW,	      /* each the first of a flow */
	SEND_STRANGE,	      /* for an address that is no service's */
	SEND_QUESTIONS,	      /* to DNS, for addresses of services */
	SEND_WRONG_QUESTIONS, /* for names that nobody has */
};

/* What a case is compared with. */
enum bench_limit { LIMIT_NONE, LIMIT_NOTHING, LIMIT_PASS, LIMIT_LINE };

struct bench_case {
	const char *title; /* of the table's part that begins here, or NULL */
	const char *name;
	unsigned int stage; /* index */
	enum bench_program program;
	enum bench_packets packets;
	unsigned int flows;
	unsigned int service; /* the first one that is asked for */
	bool v6;
	enum bench_limit limit;
};

static inline bool case_is_dns(const struct bench_case *c)
{
	return c->packets == SEND_QUESTIONS || c->packets == SEND_WRONG_QUESTIONS;
}

/* ns a packet of each round. */
struct bench_result {
	double total[BENCH_ROUNDS_MAX];	    /* with the generator */
	double generator[BENCH_ROUNDS_MAX]; /* alone, measured just before */
	bool skipped;			    /* its stage does not fit into memory */
};

extern const struct bench_stage bench_stages[];
extern const size_t bench_stages_n;
extern const struct bench_case bench_cases[];
extern const size_t bench_cases_n;

/* The case that is a limit. */
const struct bench_case *bench_limit_case(enum bench_limit limit);

#endif
