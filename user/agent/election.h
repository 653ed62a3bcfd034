/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which agent of a cluster allocates: the one that holds a Lease (coordination.k8s.io/v1), by the
 * rules of client-go's leader election. Pure: times and the API server's answers go in, requests
 * come out.
 *
 * Clocks of nodes differ, so nobody compares renewTime with its own. A Lease has expired when one
 * has looked on for its duration, by one's own clock, without seeing it change. The holder stops
 * earlier, ELECTION_RENEW_MS after it *sent* the last renewal that was taken; what is between
 * covers requests that are still on their way.
 */
#ifndef AGENT_ELECTION_H
#define AGENT_ELECTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define ELECTION_LEASE_MS 15000
#define ELECTION_RENEW_MS 10000
#define ELECTION_RETRY_MS 2000
/*
 * Candidates look less often than client-go's, and spread out: there is one on every node. From the
 * holder's sudden end to the next holder it takes LEASE + 2 LOOK at most.
 */
#define ELECTION_LOOK_MS 5000

enum election_op {
	ELECTION_GET,
	ELECTION_CREATE, /* POST */
	ELECTION_UPDATE, /* PUT, with the resourceVersion that was seen */
};

struct election {
	const char *name, *ns; /* of the Lease */
	const char *identity;  /* unlike any other agent's */
	json_t *lease;	       /* as last seen; NULL: not known, or there is none */
	bool absent;	       /* there is none */
	int64_t seen_ms;       /* when it was first seen so */
	bool held;
	int64_t renewed_ms; /* when the last renewal that was taken was sent */
	int64_t due_ms;	    /* of the next request */
};

void election_init(struct election *election, const char *ns, const char *name,
		   const char *identity);
void election_done(struct election *election);

/* The request that is due; *ret_body is owned by the caller, NULL for ELECTION_GET. */
enum election_op election_next(const struct election *election, int64_t now_ms,
			       const struct timespec *wall, json_t **ret_body);

/*
 * Its answer: HTTP status (0: none came) and the object, which is not taken over. spread, 0…1, is
 * this agent's lot; it puts candidates apart.
 */
void election_answered(struct election *election, enum election_op op, long status, json_t *object,
		       int64_t sent_ms, int64_t now_ms, double spread);

/* Whether this agent allocates, now. */
bool election_holds(const struct election *election, int64_t now_ms);

/* On a clean end: a body that gives the Lease to whoever comes; NULL when it is not held. */
json_t *election_release(const struct election *election, int64_t now_ms,
			 const struct timespec *wall);

/* Who holds it as last seen, "" for nobody. */
const char *election_holder(const struct election *election);

#endif
