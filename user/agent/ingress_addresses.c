/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/ingress_addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <string.h>

#include "user/dns/local.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

static bool list_has(const struct addr_list *list, const struct lb_addr *addr)
{
	for (size_t i = 0; i < list->n; i++)
		if (!addr_compare(&list->items[i], addr))
			return true;
	return false;
}

static bool sockaddr_is(const struct sockaddr *sockaddr, const struct lb_addr *addr)
{
	if (sockaddr && sockaddr->sa_family == AF_INET && addr_is_v4(addr))
		return ((const struct sockaddr_in *)sockaddr)->sin_addr.s_addr == addr->word[3];
	if (sockaddr && sockaddr->sa_family == AF_INET6 && !addr_is_v4(addr))
		return !memcmp(&((const struct sockaddr_in6 *)sockaddr)->sin6_addr, addr->word, 16);
	return false;
}

bool ingress_address_is_local(const struct lb_addr *addr)
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all))
		return false;
	for (const struct ifaddrs *item = all; item && !found; item = item->ifa_next)
		found = sockaddr_is(item->ifa_addr, addr);
	freeifaddrs(all);
	return found;
}

int ingress_addresses_update(struct addr_list *added, const struct addr_list *wanted,
			     struct err *err)
{
	size_t kept = 0;
	int code = 0;

	for (size_t i = 0; i < added->n; i++) {
		if (list_has(wanted, &added->items[i]))
			added->items[kept++] = added->items[i];
		else
			(void)local_remove(&added->items[i]);
	}
	added->n = kept;
	for (size_t i = 0; i < wanted->n && !code; i++) {
		if (ingress_address_is_local(&wanted->items[i]))
			continue;
		code = local_add(&wanted->items[i], err);
		if (!code && !list_has(added, &wanted->items[i]))
			vec_push(added, wanted->items[i]);
	}
	return code;
}

void ingress_addresses_remove(struct addr_list *added)
{
	for (size_t i = 0; i < added->n; i++)
		(void)local_remove(&added->items[i]);
	vec_free(added);
}
