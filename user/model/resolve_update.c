/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolving some Services again. Who is touched is resolved anew and takes the place of what was
 * there. Claims are taken out and put in, and whoever claims an address that somebody else claims
 * or claimed may have won or lost it: their frontends are given anew, too.
 */
#include "user/model/addresses.h"
#include "user/model/resolver.h"

/* A touched Service: the entries it had in desired, and those that it gets. */
struct run {
	const struct object *old, *now; /* NULL: there was none, there is none */
	size_t old_first, old_n;
	size_t new_first, new_n; /* in the resolver's list */
	bool claims;		 /* they may be other ones */
};

struct update {
	struct resolver resolver;
	struct desired *desired;
	struct desired_change *change;
	struct run *runs;
	size_t n;
	bool reshaped; /* desired has more, fewer, or other entries */
	struct claim_list gone, added;
	bool *changed; /* by index of the new services */
};

/* ---------------------------------------------------------------- entries -- */

static int entry_compare(const struct desired_service *entry, const char *ns, const char *name)
{
	int order = strcmp(entry->name.namespace, ns);

	return order ? order : strcmp(entry->name.name, name);
}

/* The entries of one Service; returns how many. */
static size_t entries_find(const struct desired *desired, const char *ns, const char *name,
			   size_t *ret_first)
{
	size_t first = 0, last = desired->n_services;

	while (first < last) {
		size_t middle = first + (last - first) / 2;

		if (entry_compare(&desired->services[middle], ns, name) < 0)
			first = middle + 1;
		else
			last = middle;
	}
	while (last < desired->n_services && !entry_compare(&desired->services[last], ns, name))
		last++;
	*ret_first = first;
	return last - first;
}

static bool same_part(const struct desired_service *a, const struct desired_service *b)
{
	return a->v4 == b->v4 && a->name.port == b->name.port && a->name.proto == b->name.proto;
}

static bool same_backend(const struct desired_backend *a, const struct desired_backend *b)
{
	return !addr_compare(&a->addr, &b->addr) && a->port == b->port && a->proto == b->proto &&
	       a->flags == b->flags && a->zone == b->zone && a->weight == b->weight &&
	       a->cluster == b->cluster && a->local == b->local && a->ready == b->ready;
}

static bool same_backends(const struct desired_service *a, const struct desired_service *b)
{
	bool same = a->n_backends == b->n_backends;

	for (size_t i = 0; i < a->n_backends && same; i++)
		same = same_backend(&a->backends[i], &b->backends[i]);
	return same;
}

static void touched_resolve(struct update *update, const struct touched_service *touched,
			    struct run *run)
{
	struct resolver *resolver = &update->resolver;

	run->now = store_find(resolver->store, K8S_SERVICE, touched->ns, touched->name);
	run->old = touched->changed ? touched->old : run->now;
	run->old_n = entries_find(update->desired, touched->ns, touched->name, &run->old_first);
	run->new_first = resolver->services.n;
	run->new_n = run->now ? resolver_service(resolver, run->now) : 0;
	run->claims = touched->changed;
	update->desired->n_objects += (run->new_n > 0) - (run->old_n > 0);
}

static void run_compare(struct update *update, struct run *run)
{
	const struct desired_service *old = update->desired->services + run->old_first;
	const struct desired_service *new = update->resolver.services.items + run->new_first;
	bool same = run->old_n == run->new_n;

	for (size_t i = 0; i < run->old_n && same; i++)
		same = same_part(&old[i], &new[i]);
	update->reshaped = update->reshaped || !same;
	/* Of two that answer to ping at one address, one with endpoints goes first. */
	for (size_t i = 0; i < run->old_n && same; i++)
		run->claims = run->claims || !old[i].n_backends != !new[i].n_backends;
	for (size_t i = 0; i < run->old_n; i++)
		update->desired->n_backends -= old[i].n_backends;
	for (size_t i = 0; i < run->new_n; i++)
		update->desired->n_backends += new[i].n_backends;
}

static void run_claims(struct update *update, const struct run *run)
{
	struct resolver *resolver = &update->resolver;

	if (run->old_n)
		resolver_claims(resolver, run->old, update->desired->services + run->old_first,
				&update->gone);
	if (run->new_n)
		resolver_claims(resolver, run->now, resolver->services.items + run->new_first,
				&update->added);
}

/* --------------------------------------------------------------- splicing -- */

static void run_leave(struct update *update, const struct run *run)
{
	struct desired_service *old = update->desired->services + run->old_first;
	const struct desired_service *new = update->resolver.services.items + run->new_first;
	struct desired_change *change = update->change;

	for (size_t i = 0; i < run->old_n; i++) {
		bool stays = false;

		for (size_t j = 0; j < run->new_n && !stays; j++)
			stays = same_part(&old[i], &new[j]);
		if (stays)
			continue;
		change->left = vec_grow(change->left, change->n_left, &change->room_left,
					sizeof(*change->left));
		change->left[change->n_left++] = old[i].name;
	}
}

/* In place: the parts are the same ones. */
static void run_renew(struct update *update, const struct run *run)
{
	struct desired_service *old = update->desired->services + run->old_first;
	struct desired_service *new = update->resolver.services.items + run->new_first;

	for (size_t i = 0; i < run->old_n; i++) {
		update->changed[run->old_first + i] =
			run->claims || !same_backends(&old[i], &new[i]);
		if (!run->claims) {
			new[i].frontends = old[i].frontends;
			new[i].n_frontends = old[i].n_frontends;
			old[i].frontends = NULL;
		}
		desired_service_done(&old[i]);
		old[i] = new[i];
	}
}

static void services_renew(struct update *update)
{
	update->changed = xcalloc(update->desired->n_services, sizeof(*update->changed));
	for (size_t i = 0; i < update->n; i++)
		run_renew(update, &update->runs[i]);
}

/* What is between the runs moves as it is. */
static void services_splice(struct update *update)
{
	struct desired *desired = update->desired;
	struct resolver *resolver = &update->resolver;
	size_t room = desired->n_services + resolver->services.n, n = 0, at = 0;
	struct desired_service *services = xcalloc(room, sizeof(*services));

	update->changed = xcalloc(room, sizeof(*update->changed));
	for (size_t i = 0; i <= update->n; i++) {
		const struct run *run = i < update->n ? &update->runs[i] : NULL;
		size_t end = run ? run->old_first : desired->n_services;

		if (end > at)
			memcpy(services + n, desired->services + at,
			       (end - at) * sizeof(*services));
		n += end - at;
		at = end;
		for (size_t j = 0; run && j < run->old_n; j++) {
			/* The frontends of who only has other endpoints stay. */
			if (!run->claims && run->old_n == run->new_n) {
				struct desired_service *new =
					resolver->services.items + run->new_first + j;

				new->frontends = desired->services[at].frontends;
				new->n_frontends = desired->services[at].n_frontends;
				desired->services[at].frontends = NULL;
			}
			desired_service_done(&desired->services[at++]);
		}
		for (size_t j = 0; run && j < run->new_n; j++) {
			update->changed[n] = true;
			services[n++] = resolver->services.items[run->new_first + j];
		}
	}
	free(desired->services);
	desired->services = services;
	desired->n_services = n;
}

/* -------------------------------------------------------------- frontends -- */

struct owner_list {
	const struct object **items;
	size_t n, room;
};

static int owner_compare(const void *a, const void *b)
{
	const struct object *const *x = a, *const *y = b;
	int order = strcmp((*x)->ns, (*y)->ns);

	return order ? order : strcmp((*x)->name, (*y)->name);
}

/* Whoever claims one of these keys now. One that nobody claims is free. */
static void owners_collect(struct update *update, const struct claim_list *claims,
			   const struct claim_list *keys, struct owner_list *owners)
{
	struct desired_change *change = update->change;

	for (size_t i = 0; i < keys->n; i++) {
		const struct lb_frontend_key *key = &keys->items[i].key;
		const struct claim *found;
		size_t n;

		if (i && !memcmp(&keys->items[i - 1].key, key, sizeof(*key)))
			continue;
		n = claims_of_key(claims, key, &found);
		for (size_t j = 0; j < n; j++)
			vec_push(owners, found[j].owner);
		if (n)
			continue;
		change->freed = vec_grow(change->freed, change->n_freed, &change->room_freed,
					 sizeof(*change->freed));
		change->freed[change->n_freed++] = *key;
	}
}

static bool claim_wins(const struct claim_list *claims, const struct claim *claim)
{
	const struct claim *found;

	return claims_of_key(claims, &claim->key, &found) && found->owner == claim->owner &&
	       found->part == claim->part && found->kind == claim->kind;
}

static int frontend_compare(const void *a, const void *b)
{
	const struct desired_frontend *x = a, *y = b;

	return memcmp(&x->key, &y->key, sizeof(x->key));
}

/* Gives one part what it has won, and tells whether that is something else than before. */
static bool part_settle(struct desired_service *entry, const struct claim_list *won, uint32_t part)
{
	struct desired_frontend *frontends = xcalloc(won->n, sizeof(*frontends));
	size_t n = 0;
	bool same;

	for (size_t i = 0; i < won->n; i++) {
		if (won->items[i].part == part)
			frontends[n++] = (struct desired_frontend){ .key = won->items[i].key,
								    .kind = won->items[i].kind,
								    .flags = won->items[i].flags };
	}
	if (n)
		qsort(frontends, n, sizeof(*frontends), frontend_compare);
	same = n == entry->n_frontends && entry->frontends &&
	       !memcmp(frontends, entry->frontends, n * sizeof(*frontends));
	free(entry->frontends);
	entry->frontends = frontends;
	entry->n_frontends = n;
	return !same;
}

static void owner_settle(struct update *update, const struct claim_list *claims,
			 const struct object *owner)
{
	struct claim_list own = { 0 };
	size_t first, n = entries_find(update->desired, owner->ns, owner->name, &first), kept = 0;

	resolver_claims(&update->resolver, owner, update->desired->services + first, &own);
	/* One key claimed twice in one way is one frontend. */
	claims_sort(&own);
	for (size_t i = 0; i < own.n; i++) {
		if (claim_wins(claims, &own.items[i]) &&
		    !(kept &&
		      !memcmp(&own.items[kept - 1].key, &own.items[i].key, sizeof(own.items->key))))
			own.items[kept++] = own.items[i];
	}
	own.n = kept;
	for (size_t i = 0; i < n; i++) {
		if (part_settle(&update->desired->services[first + i], &own, (uint32_t)i))
			update->changed[first + i] = true;
	}
	vec_free(&own);
}

static void frontends_settle(struct update *update, const struct claim_list *claims)
{
	struct owner_list owners = { 0 };

	owners_collect(update, claims, &update->gone, &owners);
	owners_collect(update, claims, &update->added, &owners);
	for (size_t i = 0; i < update->n; i++) {
		if (update->runs[i].claims && update->runs[i].new_n)
			vec_push(&owners, update->runs[i].now);
	}
	if (owners.n)
		qsort(owners.items, owners.n, sizeof(*owners.items), owner_compare);
	for (size_t i = 0; i < owners.n; i++) {
		if (!i || owners.items[i - 1] != owners.items[i])
			owner_settle(update, claims, owners.items[i]);
	}
	vec_free(&owners);
}

static void claims_update(struct update *update)
{
	struct desired *desired = update->desired;
	struct claim_list claims = { .items = desired->claims,
				     .n = desired->n_claims,
				     .room = desired->n_claims };

	if (!update->gone.n && !update->added.n)
		return;
	claims_replace(&claims, &update->gone, &update->added);
	frontends_settle(update, &claims);
	for (size_t i = 0; i < desired->n_warnings; i++)
		free(desired->warnings[i]);
	free(desired->warnings);
	resolver_warn(&update->resolver, &claims);
	desired->warnings = update->resolver.warnings.items;
	desired->n_warnings = update->resolver.warnings.n;
	desired->claims = claims.items;
	desired->n_claims = claims.n;
}

/* ------------------------------------------------------------------- pods -- */

static int address_compare(const void *a, const void *b)
{
	return addr_compare(a, b);
}

static void list_sort(const struct addr_list *list, struct addr_list *ret_sorted)
{
	*ret_sorted = (struct addr_list){ 0 };
	for (size_t i = 0; i < list->n; i++)
		vec_push(ret_sorted, list->items[i]);
	if (list->n)
		qsort(ret_sorted->items, list->n, sizeof(*list->items), address_compare);
}

static void pods_update(struct update *update, const struct addr_list *came,
			const struct addr_list *went)
{
	struct desired *desired = update->desired;
	struct desired_change *change = update->change;
	struct addr_list pods = { 0 }, in, out;
	size_t next = 0, left = 0;

	if (!came->n && !went->n)
		return;
	list_sort(came, &in);
	list_sort(went, &out);
	pods.items = xcalloc(desired->n_pods + in.n, sizeof(*pods.items));
	for (size_t i = 0; i < desired->n_pods || next < in.n;) {
		bool old = next == in.n || (i < desired->n_pods &&
					    addr_compare(&desired->pods[i], &in.items[next]) <= 0);
		const struct lb_addr *addr = old ? &desired->pods[i++] : &in.items[next++];

		while (left < out.n && addr_compare(&out.items[left], addr) < 0)
			left++;
		if (left < out.n && !addr_compare(&out.items[left], addr))
			left++;
		else
			pods.items[pods.n++] = *addr;
	}
	free(desired->pods);
	desired->pods = pods.items;
	desired->n_pods = pods.n;
	addresses_sort(&out);
	change->ended = xcalloc(out.n, sizeof(*change->ended));
	for (size_t i = 0; i < out.n; i++) {
		if (!addresses_have(pods.items, pods.n, &out.items[i]))
			change->ended[change->n_ended++] = out.items[i];
	}
	vec_free(&in);
	vec_free(&out);
}

/* -------------------------------------------------------------- the whole -- */

static void changes_list(struct update *update)
{
	struct desired_change *change = update->change;

	for (size_t i = 0; i < update->desired->n_services; i++) {
		if (!update->changed[i])
			continue;
		change->services = vec_grow(change->services, change->n_services,
					    &change->room_services, sizeof(*change->services));
		change->services[change->n_services++] = i;
	}
}

void resolve_update(const struct store *store, const struct config *config,
		    const struct node_view *node, const struct touched_service *touched, size_t n,
		    const struct addr_list *came, const struct addr_list *went,
		    struct desired *desired, struct desired_change *ret_change)
{
	struct update update = { .desired = desired, .change = ret_change, .n = n };

	*ret_change = (struct desired_change){ 0 };
	update.runs = xcalloc(n, sizeof(*update.runs));
	resolver_init(&update.resolver, store, config, node);
	for (size_t i = 0; i < n; i++)
		touched_resolve(&update, &touched[i], &update.runs[i]);
	for (size_t i = 0; i < n; i++)
		run_compare(&update, &update.runs[i]);
	for (size_t i = 0; i < n; i++) {
		if (update.runs[i].claims)
			run_claims(&update, &update.runs[i]);
		run_leave(&update, &update.runs[i]);
	}
	claims_sort(&update.gone);
	claims_sort(&update.added);
	if (update.reshaped)
		services_splice(&update);
	else
		services_renew(&update);
	claims_update(&update);
	changes_list(&update);
	pods_update(&update, came, went);
	vec_free(&update.gone);
	vec_free(&update.added);
	free(update.changed);
	free(update.runs);
	free(update.resolver.services.items);
	resolver_done(&update.resolver);
}
