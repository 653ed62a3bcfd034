/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/election.h"

#include <string.h>

#include "user/util/tree.h"

#define TIME_TEXT 40
#define HTTP_OK 200
#define HTTP_CREATED 201
#define HTTP_NOT_FOUND 404

void election_init(struct election *election, const char *ns, const char *name,
		   const char *identity)
{
	*election = (struct election){ .ns = ns, .name = name, .identity = identity };
}

void election_done(struct election *election)
{
	json_decref(election->lease);
	election->lease = NULL;
}

/* ------------------------------------------------------------ the Lease's fields -- */

const char *election_holder(const struct election *election)
{
	const char *holder = tree_text(election->lease, "spec.holderIdentity");

	return holder ? holder : "";
}

static bool is_mine(const struct election *election)
{
	return !strcmp(election_holder(election), election->identity);
}

static bool is_free(const struct election *election, int64_t now_ms)
{
	int64_t duration = tree_int(election->lease, "spec.leaseDurationSeconds") * 1000;

	return !*election_holder(election) || is_mine(election) ||
	       now_ms - election->seen_ms >= duration;
}

/* A MicroTime of the API. */
static json_t *time_json(const struct timespec *wall)
{
	char text[TIME_TEXT];
	struct tm tm;

	gmtime_r(&wall->tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	return json_sprintf("%s.%06ldZ", text, wall->tv_nsec / 1000);
}

static json_t *lease_new(const struct election *election)
{
	return json_pack("{s:s, s:s, s:{s:s, s:s}}", "apiVersion", "coordination.k8s.io/v1", "kind",
			 "Lease", "metadata", "namespace", election->ns, "name", election->name);
}

/* What is in the Lease and is none of our fields stays. */
static json_t *lease_taken(const struct election *election, const struct timespec *wall)
{
	json_t *lease = election->lease ? json_deep_copy(election->lease) : lease_new(election);
	long long transitions = tree_int(lease, "spec.leaseTransitions");

	if (!is_mine(election)) {
		tree_set(lease, "spec.holderIdentity", json_string(election->identity));
		tree_set(lease, "spec.acquireTime", time_json(wall));
		tree_set(lease, "spec.leaseTransitions",
			 json_integer(election->lease ? transitions + 1 : 0));
	}
	tree_set(lease, "spec.leaseDurationSeconds", json_integer(ELECTION_LEASE_MS / 1000));
	tree_set(lease, "spec.renewTime", time_json(wall));
	return lease;
}

/* ------------------------------------------------------------------------ steps -- */

enum election_op election_next(const struct election *election, int64_t now_ms,
			       const struct timespec *wall, json_t **ret_body)
{
	*ret_body = NULL;
	if (election->absent) {
		*ret_body = lease_taken(election, wall);
		return ELECTION_CREATE;
	}
	if (!election->lease || !is_free(election, now_ms))
		return ELECTION_GET;
	/* If it has changed since it was seen, its resourceVersion has, and this is refused. */
	*ret_body = lease_taken(election, wall);
	return ELECTION_UPDATE;
}

static void lease_saw(struct election *election, json_t *object, int64_t now_ms)
{
	const char *before = tree_text(election->lease, "metadata.resourceVersion");
	const char *now = tree_text(object, "metadata.resourceVersion");

	if (!before || !now || strcmp(before, now) != 0)
		election->seen_ms = now_ms;
	json_incref(object);
	json_decref(election->lease);
	election->lease = object;
	election->absent = false;
	election->held = election->held && is_mine(election);
}

static void lease_forget(struct election *election, bool absent)
{
	json_decref(election->lease);
	election->lease = NULL;
	election->absent = absent;
}

void election_answered(struct election *election, enum election_op op, long status, json_t *object,
		       int64_t sent_ms, int64_t now_ms, double spread)
{
	bool good = status == HTTP_OK || status == HTTP_CREATED;
	int64_t wait = election->held ? ELECTION_RETRY_MS
				      : ELECTION_LOOK_MS + (int64_t)(spread * ELECTION_LOOK_MS);

	if (good && op == ELECTION_GET) {
		lease_saw(election, object, now_ms);
		if (is_free(election, now_ms))
			wait = 0;
	} else if (good) {
		lease_saw(election, object, now_ms);
		election->held = is_mine(election);
		election->renewed_ms = sent_ms;
		wait = ELECTION_RETRY_MS;
	} else if (status == HTTP_NOT_FOUND) {
		lease_forget(election, op == ELECTION_GET);
		wait = op == ELECTION_GET ? 0 : wait;
	} else if (op != ELECTION_GET && status) {
		/* Somebody else was first, or it was refused: what it says now decides. */
		lease_forget(election, false);
	}
	if (election->held && !election_holds(election, now_ms))
		election->held = false;
	election->due_ms = now_ms + wait;
}

bool election_holds(const struct election *election, int64_t now_ms)
{
	return election->held && now_ms - election->renewed_ms < ELECTION_RENEW_MS;
}

json_t *election_release(const struct election *election, int64_t now_ms,
			 const struct timespec *wall)
{
	json_t *lease;

	if (!election_holds(election, now_ms))
		return NULL;
	lease = lease_taken(election, wall);
	tree_set(lease, "spec.holderIdentity", json_string(""));
	/* As client-go does: some versions of the API refuse a duration of 0. */
	tree_set(lease, "spec.leaseDurationSeconds", json_integer(1));
	return lease;
}
