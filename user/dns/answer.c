/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/answer.h"

#include <libknot/libknot.h>
#include <string.h>

#include "user/util/vec.h"

#define ARENA_SIZE (256u << 10)
#define OPT_SIZE 11
#define UDP_MIN 512
#define CHAIN_MAX 8 /* aliases behind each other */

struct answerer {
	knot_mm_t mm;
	size_t used;
	_Alignas(16) uint8_t arena[ARENA_SIZE];
};

/* One query while it is answered. */
struct job {
	struct answerer *answerer;
	const struct answer_view *view;
	knot_pkt_t *query, *reply;
	struct answer *answer;
	uint16_t rcode;
	bool edns;
};

/* ------------------------------------------------------------------- memory -- */

static void *arena_alloc(void *context, size_t size)
{
	struct answerer *answerer = context;
	size_t at = answerer->used;

	size = (size + 15) & ~(size_t)15;
	if (size > ARENA_SIZE - at)
		return NULL;
	answerer->used += size;
	return answerer->arena + at;
}

static void arena_free(void *memory)
{
	(void)memory;
}

struct answerer *answerer_new(void)
{
	struct answerer *answerer = xcalloc(1, sizeof(*answerer));

	answerer->mm = (knot_mm_t){ answerer, arena_alloc, arena_free };
	return answerer;
}

void answerer_free(struct answerer *answerer)
{
	free(answerer);
}

/* -------------------------------------------------------------------- begin -- */

/* An answer of the header alone, to a query whose rest cannot be read. */
static enum answer_kind answer_bare(const uint8_t *query, uint16_t rcode, struct answer *answer)
{
	memset(answer->wire, 0, KNOT_WIRE_HEADER_SIZE);
	memcpy(answer->wire, query, 4);
	knot_wire_set_qr(answer->wire);
	knot_wire_clear_aa(answer->wire);
	knot_wire_clear_tc(answer->wire);
	answer->wire[KNOT_WIRE_OFFSET_FLAGS2] = (uint8_t)rcode;
	answer->size = KNOT_WIRE_HEADER_SIZE;
	return ANSWER_SEND;
}

static size_t reply_limit(const knot_pkt_t *query, bool udp)
{
	uint16_t size;

	if (!udp)
		return ANSWER_TCP_MAX;
	if (!knot_pkt_has_edns(query))
		return UDP_MIN;
	size = knot_edns_get_payload(query->opt_rr);
	return size < UDP_MIN ? UDP_MIN : size > ANSWER_UDP_MAX ? ANSWER_UDP_MAX : size;
}

/*
 * Reads the query and opens the reply. ANSWER_FORWARD: go on; anything else is final.
 */
static enum answer_kind job_begin(struct job *job, const uint8_t *query, size_t size, bool udp)
{
	struct answerer *answerer = job->answerer;

	if (size < KNOT_WIRE_HEADER_SIZE || size > UINT16_MAX || knot_wire_get_qr(query))
		return ANSWER_NONE;
	if (knot_wire_get_opcode(query) != KNOT_OPCODE_QUERY)
		return answer_bare(query, KNOT_RCODE_NOTIMPL, job->answer);
	answerer->used = 0;
	/* Not written to: KEEPWIRE, and the parser lowers its own copy of the name. */
	job->query = knot_pkt_new((void *)(uintptr_t)query, (uint16_t)size, &answerer->mm);
	if (!job->query || knot_pkt_parse(job->query, KNOT_PF_KEEPWIRE) != KNOT_EOK ||
	    !job->query->qname_size || knot_wire_get_ancount(query) || knot_wire_get_nscount(query))
		return answer_bare(query, KNOT_RCODE_FORMERR, job->answer);
	job->reply = knot_pkt_new(job->answer->wire, (uint16_t)reply_limit(job->query, udp),
				  &answerer->mm);
	if (!job->reply || knot_pkt_init_response(job->reply, job->query) != KNOT_EOK)
		return answer_bare(query, KNOT_RCODE_SERVFAIL, job->answer);
	if (knot_pkt_has_edns(job->query)) {
		job->edns = true;
		(void)!knot_pkt_reserve(job->reply, OPT_SIZE);
	}
	if (job->view->forwards)
		knot_wire_set_ra(job->reply->wire);
	return ANSWER_FORWARD;
}

/* ---------------------------------------------------------------------- end -- */

static void opt_write(struct job *job)
{
	knot_pkt_t *reply = job->reply;
	uint8_t *opt = reply->wire + reply->size;

	(void)!knot_pkt_reclaim(reply, OPT_SIZE);
	memset(opt, 0, OPT_SIZE);
	knot_wire_write_u16(opt + 1, KNOT_RRTYPE_OPT);
	knot_wire_write_u16(opt + 3, ANSWER_UDP_MAX);
	opt[5] = KNOT_EDNS_RCODE_HI(job->rcode);
	if (knot_edns_do(job->query->opt_rr))
		opt[7] = 0x80;
	reply->size += OPT_SIZE;
	knot_wire_set_arcount(reply->wire, knot_wire_get_arcount(reply->wire) + 1);
}

static enum answer_kind job_end(struct job *job)
{
	knot_wire_set_rcode(job->reply->wire, KNOT_EDNS_RCODE_LO(job->rcode));
	if (job->edns)
		opt_write(job);
	job->answer->size = job->reply->size;
	return ANSWER_SEND;
}

static enum answer_kind job_fail(struct job *job, uint16_t rcode)
{
	job->rcode = rcode;
	return job_end(job);
}

/* ------------------------------------------------------------------ records -- */

static knot_rrset_t rrset_of(const struct zone *zone, const struct zone_set *set,
			     const uint8_t *owner)
{
	knot_rrset_t rr;

	/* libknot takes what it does not change for changeable. */
	knot_rrset_init(&rr, (knot_dname_t *)(uintptr_t)owner, set->type, KNOT_CLASS_IN, set->ttl);
	rr.rrs = (knot_rdataset_t){
		.count = set->n,
		.size = set->size,
		.rdata = (knot_rdata_t *)(uintptr_t)zone_at(zone, set->rdata),
	};
	return rr;
}

/* Other records first each time, so that clients that take the first one spread. */
static int answer_put(struct job *job, const struct zone_set *set, const uint8_t *owner)
{
	bool own = owner == knot_pkt_qname(job->query);
	knot_rrset_t rr = rrset_of(job->view->zone, set, owner);
	uint16_t rotate = 0;

	if (set->type == KNOT_RRTYPE_A || set->type == KNOT_RRTYPE_AAAA)
		rotate = knot_wire_get_id(job->query->wire) % set->n;
	return knot_pkt_put_rotate(job->reply, own ? KNOT_COMPR_HINT_QNAME : KNOT_COMPR_HINT_NONE,
				   &rr, rotate, 0);
}

static void soa_put(struct job *job, enum zone_apex apex)
{
	const struct zone *zone = job->view->zone;
	knot_rrset_t rr = rrset_of(zone, &zone->soa[apex], zone->apex[apex].wire);

	(void)!knot_pkt_begin(job->reply, KNOT_AUTHORITY);
	(void)!knot_pkt_put(job->reply, KNOT_COMPR_HINT_NONE, &rr, 0);
}

static void glue_put(struct job *job, const uint8_t *wire)
{
	static const uint16_t types[] = { KNOT_RRTYPE_A, KNOT_RRTYPE_AAAA };
	const struct zone *zone = job->view->zone;
	const struct zone_name *name = zone_find(zone, wire, name_size(wire));

	for (size_t i = 0; name && i < 2; i++) {
		const struct zone_set *set = zone_set_find(zone, name, types[i]);
		knot_rrset_t rr;

		if (!set)
			continue;
		rr = rrset_of(zone, set, zone_at(zone, name->wire));
		(void)!knot_pkt_put(job->reply, KNOT_COMPR_HINT_NONE, &rr,
				    KNOT_PF_NOTRUNC | KNOT_PF_CHECKDUP);
	}
}

/* Addresses of the hosts that the answer names. */
static void additional_put(struct job *job, const struct zone_set *set)
{
	size_t skip = set->type == KNOT_RRTYPE_SRV ? 6 : 0;
	knot_rdata_t *rdata = (knot_rdata_t *)(uintptr_t)zone_at(job->view->zone, set->rdata);

	if (set->type != KNOT_RRTYPE_SRV && set->type != KNOT_RRTYPE_NS)
		return;
	(void)!knot_pkt_begin(job->reply, KNOT_ADDITIONAL);
	for (uint16_t i = 0; i < set->n; i++, rdata = knot_rdataset_next(rdata))
		glue_put(job, rdata->data + skip);
}

/* ------------------------------------------------------------------ the zone -- */

/* The aliases that lead from the question's name to the one that is looked for. */
struct chain {
	const struct zone_set *aliases[CHAIN_MAX];
	const uint8_t *owners[CHAIN_MAX]; /* in lower case */
	size_t n;
	bool endless;
	const uint8_t *end;	      /* the question's own name without aliases */
	const struct zone_name *name; /* NULL: it does not exist, or is not ours */
	enum zone_apex apex;
	bool ours;
};

/* Follows aliases as far as they are ours. */
static struct chain chain_follow(const struct job *job, uint16_t type)
{
	const struct zone *zone = job->view->zone;
	struct chain chain = { .end = knot_pkt_qname(job->query) };

	for (;;) {
		const struct zone_set *alias;
		size_t size = name_size(chain.end);

		chain.ours = zone_authority(zone, chain.end, size, &chain.apex);
		chain.name = chain.ours ? zone_find(zone, chain.end, size) : NULL;
		if (!chain.name || type == KNOT_RRTYPE_CNAME)
			return chain;
		alias = zone_set_find(zone, chain.name, KNOT_RRTYPE_CNAME);
		if (!alias)
			return chain;
		chain.endless = chain.n == CHAIN_MAX;
		if (chain.endless)
			return chain;
		chain.aliases[chain.n] = alias;
		chain.owners[chain.n++] = chain.end;
		chain.end = zone_at(zone, alias->rdata) + 2;
	}
}

static void chain_put(struct job *job, const struct chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		(void)!answer_put(job, chain->aliases[i], chain->owners[i]);
}

static bool is_address_type(uint16_t type)
{
	return type == KNOT_RRTYPE_A || type == KNOT_RRTYPE_AAAA;
}

static enum answer_kind zone_answer(struct job *job, uint16_t type)
{
	const struct zone_set *set = NULL;
	struct chain chain;

	(void)!knot_pkt_begin(job->reply, KNOT_ANSWER);
	chain = chain_follow(job, type);
	if (chain.endless)
		return job_fail(job, KNOT_RCODE_SERVFAIL);
	chain_put(job, &chain);
	if (!chain.ours) {
		if (!is_address_type(type) || !job->view->forwards ||
		    !knot_wire_get_rd(job->query->wire))
			return job_end(job);
		job->answer->size = 0;
		job->answer->name.size = knot_dname_store(job->answer->name.wire, chain.end);
		return ANSWER_FORWARD;
	}
	if (chain.name)
		set = zone_set_find(job->view->zone, chain.name, type);
	if (!chain.name)
		job->rcode = KNOT_RCODE_NXDOMAIN;
	if (!set) {
		soa_put(job, chain.apex);
		return job_end(job);
	}
	/* The next section of one that was cut would only mislead. */
	if (answer_put(job, set, chain.end) == KNOT_EOK)
		additional_put(job, set);
	return job_end(job);
}

/* --------------------------------------------------------------- the question -- */

/* Whether the question's name belongs to the cluster. */
static bool is_ours(const struct job *job)
{
	const struct answer_view *view = job->view;
	const uint8_t *name = knot_pkt_qname(job->query);
	enum zone_apex apex;

	if (!view->zone)
		return name_in(name, name_size(name), view->domain);
	return zone_authority(view->zone, name, name_size(name), &apex);
}

/* Types that are no types of records, but for ANY, which is answered like one nobody has. */
static bool is_refused_type(uint16_t type)
{
	return type == KNOT_RRTYPE_OPT || (type >= 249 && type <= 254);
}

enum answer_kind answer_make(struct answerer *answerer, const struct answer_view *view,
			     const uint8_t *query, size_t size, bool udp, struct answer *answer)
{
	struct job job = { .answerer = answerer, .view = view, .answer = answer };
	enum answer_kind kind = job_begin(&job, query, size, udp);
	uint16_t type;

	if (kind != ANSWER_FORWARD)
		return kind;
	type = knot_pkt_qtype(job.query);
	if (job.edns && knot_edns_get_version(job.query->opt_rr))
		return job_fail(&job, KNOT_RCODE_BADVERS);
	if (knot_pkt_qclass(job.query) != KNOT_CLASS_IN || is_refused_type(type))
		return job_fail(&job, KNOT_RCODE_REFUSED);
	answer->type = type;
	answer->dnssec = knot_pkt_has_dnssec(job.query);
	if (is_ours(&job)) {
		if (!view->zone)
			return job_fail(&job, KNOT_RCODE_SERVFAIL);
		knot_wire_set_aa(job.reply->wire);
		return zone_answer(&job, type);
	}
	if (!view->forwards || !knot_wire_get_rd(query))
		return job_fail(&job, KNOT_RCODE_REFUSED);
	answer->name.size = knot_dname_store(answer->name.wire, knot_pkt_wire_qname(job.query));
	return ANSWER_FORWARD;
}

/* -------------------------------------------------------------------- others -- */

static bool relay_section(struct job *job, const knot_pkt_t *reply, knot_section_t id, uint32_t age)
{
	const knot_pktsection_t *section = knot_pkt_section(reply, id);
	uint16_t flags = id == KNOT_ADDITIONAL ? KNOT_PF_NOTRUNC : 0;

	if (id != KNOT_ANSWER && knot_pkt_begin(job->reply, id) != KNOT_EOK)
		return false;
	for (uint16_t i = 0; i < section->count; i++) {
		knot_rrset_t rr = *knot_pkt_rr(section, i);

		if (rr.type == KNOT_RRTYPE_OPT || rr.type == KNOT_RRTYPE_TSIG)
			continue;
		rr.ttl = rr.ttl > age ? rr.ttl - age : 0;
		if (knot_pkt_put(job->reply, KNOT_COMPR_HINT_NONE, &rr, flags) != KNOT_EOK)
			return false;
	}
	return true;
}

/* Is it an answer to what was asked? */
static bool relay_matches(const knot_pkt_t *reply, const uint8_t *name, uint16_t type)
{
	return reply->qname_size && knot_wire_get_qr(reply->wire) &&
	       knot_dname_is_case_equal(knot_pkt_qname(reply), name) &&
	       knot_pkt_qtype(reply) == type && knot_pkt_qclass(reply) == KNOT_CLASS_IN;
}

static enum answer_kind relay_write(struct job *job, const knot_pkt_t *reply, uint32_t age)
{
	uint16_t type = knot_pkt_qtype(job->query);
	const uint8_t *name = knot_pkt_qname(job->query);
	struct chain chain;

	(void)!knot_pkt_begin(job->reply, KNOT_ANSWER);
	if (job->view->zone && is_ours(job)) {
		knot_wire_set_aa(job->reply->wire);
		chain = chain_follow(job, type);
		chain_put(job, &chain);
		name = chain.end;
	}
	if (!relay_matches(reply, name, type))
		return job_fail(job, KNOT_RCODE_SERVFAIL);
	job->rcode = knot_wire_get_rcode(reply->wire);
	if (knot_wire_get_tc(reply->wire))
		knot_wire_set_tc(job->reply->wire);
	if (relay_section(job, reply, KNOT_ANSWER, age) &&
	    relay_section(job, reply, KNOT_AUTHORITY, age))
		(void)!relay_section(job, reply, KNOT_ADDITIONAL, age);
	return job_end(job);
}

enum answer_kind answer_relay(struct answerer *answerer, const struct answer_view *view,
			      const uint8_t *query, size_t size, bool udp, const uint8_t *reply,
			      size_t reply_size, uint32_t age, struct answer *answer)
{
	struct job job = { .answerer = answerer, .view = view, .answer = answer };
	enum answer_kind kind = job_begin(&job, query, size, udp);
	knot_pkt_t *packet;

	if (kind != ANSWER_FORWARD)
		return kind;
	if (!reply || reply_size < KNOT_WIRE_HEADER_SIZE || reply_size > UINT16_MAX)
		return job_fail(&job, KNOT_RCODE_SERVFAIL);
	packet = knot_pkt_new((void *)(uintptr_t)reply, (uint16_t)reply_size, NULL);
	if (packet && knot_pkt_parse(packet, KNOT_PF_KEEPWIRE | KNOT_PF_NOCANON) == KNOT_EOK)
		kind = relay_write(&job, packet, age);
	else
		kind = job_fail(&job, KNOT_RCODE_SERVFAIL);
	knot_pkt_free(packet);
	return kind;
}

enum answer_kind answer_truncated(struct answerer *answerer, const struct answer_view *view,
				  const uint8_t *query, size_t size, struct answer *answer)
{
	struct job job = { .answerer = answerer, .view = view, .answer = answer };
	enum answer_kind kind = job_begin(&job, query, size, true);

	if (kind != ANSWER_FORWARD)
		return kind;
	knot_wire_set_tc(job.reply->wire);
	return job_end(&job);
}
