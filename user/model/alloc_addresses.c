/* SPDX-License-Identifier: Apache-2.0 */
/* IP families and cluster IPs, by the rules of the API server (KEP-563, KEP-3070). */
#include <errno.h>
#include <string.h>

#include "user/model/alloc_parts.h"
#include "user/util/tree.h"

#define NTH_KUBERNETES 1 /* 10.96.0.1 is the API server's … */
#define NTH_DNS 10	 /* … and 10.96.0.10 the DNS server's */

/* What was given and, where nothing was, what the stored Service has. */
struct ip_choice {
	bool headless;
	struct lb_addr ips[2];
	size_t n_ips;
	bool v4[2];
	size_t n_families;
	const char *policy;
};

static const char *family_text(bool v4)
{
	return v4 ? "IPv4" : "IPv6";
}

/* The Service that values are kept from: an ExternalName has none to keep. */
static const struct service *kept_service(const struct allocation *allocation)
{
	const struct object *stored = allocation->stored;

	return stored && stored->service->type != SERVICE_EXTERNAL_NAME ? stored->service : NULL;
}

static int check_unchanged(const struct allocation *allocation, const struct service *given,
			   const struct service *kept)
{
	char text[ADDR_TEXT] = "None";

	if (!kept || (!given->headless && !given->n_cluster_ips))
		return 0;
	if (given->headless == kept->headless &&
	    (given->headless || !kept->n_cluster_ips ||
	     !addr_compare(&given->cluster_ips[0], &kept->cluster_ips[0])))
		return 0;
	if (!kept->headless && !kept->n_cluster_ips)
		return 0;
	if (given->n_cluster_ips)
		addr_format(&given->cluster_ips[0], text);
	return err_set(allocation->err, -EINVAL,
		       "spec.clusterIPs[0]: Invalid value: \"%s\": may not change once set", text);
}

static void merge(const struct service *given, const struct service *kept, struct ip_choice *choice)
{
	const struct service *ips = given;
	const struct service *families = given->n_families || !kept ? given : kept;

	/* The same first address alone is no wish to lose the second. */
	if (kept && !given->headless &&
	    (!given->n_cluster_ips || (given->n_cluster_ips == 1 && kept->n_cluster_ips == 2)))
		ips = kept;
	choice->headless = ips->headless;
	choice->n_ips = ips->n_cluster_ips;
	memcpy(choice->ips, ips->cluster_ips, sizeof(choice->ips));
	choice->n_families = families->n_families;
	memcpy(choice->v4, families->families_v4, sizeof(choice->v4));
	choice->policy = given->family_policy;
	if (!choice->policy && kept)
		choice->policy = kept->family_policy;
	/* Going back to one stack gives the second address up. */
	if (kept && choice->policy && !strcmp(choice->policy, "SingleStack")) {
		choice->n_families = choice->n_families ? 1 : 0;
		choice->n_ips = choice->n_ips ? 1 : 0;
	}
}

static bool family_configured(const struct config *config, bool v4)
{
	for (size_t i = 0; i < config->service_cidrs.n; i++) {
		if (config->service_cidrs.items[i].v4 == v4)
			return true;
	}
	return false;
}

static int choose_policy(const struct allocation *allocation, struct ip_choice *choice)
{
	if (choice->policy)
		return 0;
	if (choice->headless && !allocation->given->service->n_selector) {
		choice->policy = "RequireDualStack"; /* its endpoints may be of any family */
		return 0;
	}
	choice->policy = "SingleStack";
	if (choice->n_families < 2 && choice->n_ips < 2)
		return 0;
	return err_set(allocation->err, -EINVAL,
		       "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be "
		       "PreferDualStack or RequireDualStack when two IP families are specified");
}

static int choose_families(const struct allocation *allocation, struct ip_choice *choice)
{
	const struct config *config = allocation->config;
	bool any = choice->headless && !allocation->given->service->n_selector;
	bool dual = strcmp(choice->policy, "SingleStack") != 0;

	for (size_t i = choice->n_families; i < choice->n_ips; i++)
		choice->v4[choice->n_families++] = addr_is_v4(&choice->ips[i]);
	if (!choice->n_families)
		choice->v4[choice->n_families++] =
			config->service_cidrs.n ? config->service_cidrs.items[0].v4 : true;
	if (dual && choice->n_families == 1 && (any || family_configured(config, !choice->v4[0])))
		choice->v4[choice->n_families++] = !choice->v4[0];
	if (choice->n_families == 1 && !strcmp(choice->policy, "RequireDualStack"))
		return err_set(allocation->err, -EINVAL,
			       "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": "
			       "serviceCIDR has one IP family only");
	for (size_t i = 0; i < choice->n_families && !any; i++) {
		if (!family_configured(config, choice->v4[i]))
			return err_set(allocation->err, -EINVAL,
				       "spec.ipFamilies[%zu]: Invalid value: \"%s\": serviceCIDR "
				       "has no range of this family",
				       i, family_text(choice->v4[i]));
	}
	return 0;
}

/* ------------------------------------------------------------- addresses -- */

/* The usable part of a range: without the network's address and IPv4's broadcast address. */
static uint64_t range_usable(const struct prefix *range)
{
	uint64_t size = prefix_size(range);

	if (size <= 2)
		return 0;
	return range->v4 ? size - 2 : size - 1;
}

static bool take(const struct allocation *allocation, const struct prefix *range, uint64_t nth,
		 struct lb_addr *ret_addr)
{
	struct lb_addr addr = prefix_nth(range, nth);

	if (nth == NTH_KUBERNETES || nth == NTH_DNS || alloc_address_owner(allocation, &addr))
		return false;
	*ret_addr = addr;
	return true;
}

/* The upper band first, from a place that depends on the name; then the lower one. */
static bool range_take(const struct allocation *allocation, const struct prefix *range,
		       struct lb_addr *ret_addr)
{
	uint64_t usable = range_usable(range);
	uint64_t band = alloc_band(usable, 16, 16, 256);
	uint64_t upper = usable - band;
	uint64_t start = upper ? alloc_start(allocation, upper) : 0;

	for (uint64_t i = 0; i < upper; i++) {
		if (take(allocation, range, 1 + band + (start + i) % upper, ret_addr))
			return true;
	}
	for (uint64_t i = 0; i < band; i++) {
		if (take(allocation, range, 1 + i, ret_addr))
			return true;
	}
	return false;
}

static int allocate(const struct allocation *allocation, bool v4, struct lb_addr *ret_addr)
{
	const struct prefix_list *ranges = &allocation->config->service_cidrs;

	for (size_t i = 0; i < ranges->n; i++) {
		if (ranges->items[i].v4 == v4 &&
		    range_take(allocation, &ranges->items[i], ret_addr))
			return 0;
	}
	return err_set(allocation->err, -ENOSPC,
		       "spec.clusterIPs: no %s address is left in serviceCIDR", family_text(v4));
}

static int check_in_range(const struct allocation *allocation, size_t index,
			  const struct lb_addr *addr)
{
	const struct prefix_list *ranges = &allocation->config->service_cidrs;
	char text[ADDR_TEXT], range[PREFIX_TEXT] = "none";

	for (size_t i = 0; i < ranges->n; i++) {
		if (prefix_contains(&ranges->items[i], addr) &&
		    addr_compare(&ranges->items[i].addr, addr))
			return 0;
		if (ranges->items[i].v4 == addr_is_v4(addr))
			prefix_format(&ranges->items[i], range);
	}
	return err_set(allocation->err, -EINVAL,
		       "spec.clusterIPs[%zu]: Invalid value: \"%s\": not in the valid range; the "
		       "range of valid IPs is %s",
		       index, addr_format(addr, text), range);
}

static int check_given(const struct allocation *allocation, size_t index,
		       const struct lb_addr *addr)
{
	const struct service *kept = kept_service(allocation);
	const struct object *owner = alloc_address_owner(allocation, addr);
	char text[ADDR_TEXT];

	if (owner)
		return err_set(allocation->err, -EINVAL,
			       "spec.clusterIPs[%zu]: Invalid value: \"%s\": already allocated to "
			       "service %s/%s",
			       index, addr_format(addr, text), owner->ns, owner->name);
	for (size_t i = 0; kept && i < kept->n_cluster_ips; i++) {
		if (!addr_compare(&kept->cluster_ips[i], addr))
			return 0; /* given once, whatever the range is now */
	}
	return check_in_range(allocation, index, addr);
}

static int choose_ips(const struct allocation *allocation, struct ip_choice *choice)
{
	int rc = 0;

	if (choice->headless)
		return 0;
	for (size_t i = 0; i < choice->n_ips && !rc; i++) {
		if (addr_is_v4(&choice->ips[i]) != choice->v4[i])
			rc = err_set(allocation->err, -EINVAL,
				     "spec.clusterIPs[%zu]: Invalid value: expected an %s value as "
				     "indicated by `ipFamilies[%zu]`",
				     i, family_text(choice->v4[i]), i);
		else
			rc = check_given(allocation, i, &choice->ips[i]);
	}
	while (choice->n_ips < choice->n_families && !rc) {
		rc = allocate(allocation, choice->v4[choice->n_ips], &choice->ips[choice->n_ips]);
		choice->n_ips++;
	}
	return rc;
}

static void write_ips(json_t *json, const struct ip_choice *choice)
{
	json_t *ips = json_array(), *families = json_array();
	char text[ADDR_TEXT];

	if (choice->headless)
		json_array_append_new(ips, json_string("None"));
	for (size_t i = 0; i < choice->n_ips; i++)
		json_array_append_new(ips, json_string(addr_format(&choice->ips[i], text)));
	for (size_t i = 0; i < choice->n_families; i++)
		json_array_append_new(families, json_string(family_text(choice->v4[i])));
	tree_set(json, "spec.clusterIP", json_string(json_string_value(json_array_get(ips, 0))));
	tree_set(json, "spec.clusterIPs", ips);
	tree_set(json, "spec.ipFamilies", families);
	tree_set(json, "spec.ipFamilyPolicy", json_string(choice->policy));
}

int alloc_addresses(struct allocation *allocation)
{
	const struct service *given = allocation->given->service;
	const struct service *kept = kept_service(allocation);
	struct ip_choice choice = { 0 };
	int rc;

	if (given->type == SERVICE_EXTERNAL_NAME)
		return 0;
	rc = check_unchanged(allocation, given, kept);
	if (rc)
		return rc;
	merge(given, kept, &choice);
	rc = choose_policy(allocation, &choice);
	if (!rc)
		rc = choose_families(allocation, &choice);
	if (!rc)
		rc = choose_ips(allocation, &choice);
	if (rc)
		return rc;
	write_ips(allocation->json, &choice);
	memcpy(allocation->v4, choice.v4, sizeof(choice.v4));
	allocation->n_families = choice.n_families;
	return 0;
}
