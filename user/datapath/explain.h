/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the real programs: what would become of the first packet of a connection? They
 * are loaded a second time, with the dry-run switch, and asked by test runs. Nothing that they
 * write outlives the question: no flow, no affinity, no counter.
 */
#ifndef DATAPATH_EXPLAIN_H
#define DATAPATH_EXPLAIN_H

#include "user/datapath/datapath.h"

struct explain;

/* On the maps of what is attached. -ENOENT: nothing is. */
LB_CHECKED int explain_open(const struct paths *paths, const struct config *config,
			    struct explain **ret_explain, struct err *err);

/* On maps of its own, which are empty; slots: of lb_maglev. */
LB_CHECKED int explain_open_empty(const struct config *config, uint32_t slots,
				  struct explain **ret_explain, struct err *err);
void explain_close(struct explain *explain);

bool explain_is_attached(const struct explain *explain);

/* What the programs have, which a file that changed later does not tell. Borrowed. */
const struct lb_config *explain_config(const struct explain *explain);

/* The node's addresses as if all its devices were attached: sorted, the caller's. */
LB_CHECKED int explain_addresses(const struct config *config, struct addr_list *ret_addresses,
				 struct err *err);

/* Puts the contents of a plan that was made for empty maps in the place of the former ones. */
LB_CHECKED int explain_fill(struct explain *explain, const struct plan *plan, struct err *err);

enum explain_origin {
	EXPLAIN_OUTSIDE,
	EXPLAIN_POD,  /* inside podCIDRs */
	EXPLAIN_NODE, /* one of the node's own addresses, loopback too */
};

enum explain_origin explain_origin(const struct explain *explain, const struct lb_addr *from);

/* The address that a process of the node has towards a destination. */
struct lb_addr explain_node_source(const struct explain *explain, const struct lb_addr *to);

struct explain_question {
	enum explain_origin
		origin; /* where it is put in; who it is, the programs see for themselves */
	uint8_t proto;
	struct lb_addr from, to;
	__be16 from_port, to_port;
};

struct explain_candidate {
	uint32_t id;
	struct lb_backend value;
	bool masquerade;
};

struct explain_answer {
	struct lb_explain note; /* what the program noted */
	const char *hook;	/* "xdp", "tc", "socket" */
	const char *device;	/* the packet's; NULL: none is attached */
	bool matched;		/* there is a frontend; else what follows is zero */
	struct lb_frontend frontend;
	struct lb_name name;
	struct explain_candidate *candidates; /* all that the client may be given, by address */
	size_t n_candidates;
};

LB_CHECKED int explain_ask(struct explain *explain, const struct explain_question *question,
			   struct explain_answer *ret_answer, struct err *err);
void explain_answer_done(struct explain_answer *answer);

/* The candidate that was chosen, or NULL. */
const struct explain_candidate *explain_chosen(const struct explain_answer *answer);

/*
 * The flow of a question's packet, where it is known already: then it goes the flow's way, and the
 * answer is that of a new one. Never of a process of the node, whose packets are not rewritten.
 */
LB_CHECKED int explain_find_flow(const struct explain *explain,
				 const struct explain_question *question, bool *ret_found,
				 struct datapath_flow *ret_flow, struct err *err);

/* Whether a process's connections are translated at all: attached with socket hooks. */
bool explain_has_sockets(const struct explain *explain);

#endif
