/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: whether clients find a load-balancer address, and only one host that has it. */
#include <string.h>

#include "user/cmd/doctor.h"
#include "user/util/cleanup.h"

#define HOSTS 4 /* that answer for one address; more need not be named */

enum way {
	WAY_OWN,    /* an address of this node */
	WAY_LINK,   /* found on a link by ARP or NDP */
	WAY_ROUTED, /* by routers, which look at routes alone */
};

/* What the kernel would do with a packet to the address; ret_device is that of WAY_LINK. */
static enum way way_find(const struct doctor *doctor, const char *address, char ret_device[32])
{
	const char *const argv[] = { "ip", "-o", "route", "get", address, NULL };
	cleanup_free char *text = doctor->system->run(doctor->system->arg, argv);
	const char *device = text ? strstr(text, " dev ") : NULL;

	if (!device || sscanf(device, " dev %31s", ret_device) != 1)
		return WAY_ROUTED; /* not even by this node's own routes */
	if (!strncmp(text, "local ", 6) || !strncmp(text, "anycast ", 8))
		return WAY_OWN;
	return strstr(text, " via ") ? WAY_ROUTED : WAY_LINK;
}

static bool is_nic(const struct doctor *doctor, const char *name)
{
	for (size_t i = 0; i < doctor->dp->devices.n; i++)
		if (!strcmp(doctor->dp->devices.items[i].name, name))
			return doctor->dp->devices.items[i].value.flags & LB_DEVICE_NIC;
	return false;
}

static const char *mac_format(const uint8_t mac[6], char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
	return text;
}

static void say_unasked(struct doctor_finding *finding, const char *address, const char *device)
{
	doctor_say(finding, DOCTOR_UNKNOWN, "who has %s cannot be asked on %s", address, device);
}

/* On each link to the outside: another host would take packets away. */
static void own_check(const struct doctor *doctor, const struct lb_addr *addr, const char *address,
		      struct doctor_finding *finding)
{
	uint8_t macs[HOSTS][6];
	char mac[18];

	for (size_t i = 0; i < doctor->dp->devices.n; i++) {
		const char *device = doctor->dp->devices.items[i].name;
		int n;

		if (!is_nic(doctor, device))
			continue;
		n = doctor->system->who_has(doctor->system->arg, device, addr, macs, HOSTS);
		if (n > 0)
			doctor_say(finding, DOCTOR_BAD,
				   "%s is an address of this node, and %s on %s has it too",
				   address, mac_format(macs[0], mac), device);
		else if (n < 0)
			say_unasked(finding, address, device);
	}
	doctor_say(finding, DOCTOR_OK,
		   "%s is an address of this node, and of no other on its links", address);
}

static void link_check(const struct doctor *doctor, const struct lb_addr *addr, const char *address,
		       const char *device, struct doctor_finding *finding)
{
	uint8_t macs[HOSTS][6];
	char first[18], second[18];
	int n = doctor->system->who_has(doctor->system->arg, device, addr, macs, HOSTS);

	if (n < 0)
		say_unasked(finding, address, device);
	else if (!n)
		doctor_say(finding, DOCTOR_BAD,
			   "nobody answers for %s on %s: no client on that link reaches it",
			   address, device);
	else if (n > 1)
		doctor_say(finding, DOCTOR_BAD, "two hosts answer for %s on %s: %s and %s", address,
			   device, mac_format(macs[0], first), mac_format(macs[1], second));
	else
		doctor_say(finding, DOCTOR_OK,
			   "another host, %s, answers for %s on %s: it gets the "
			   "packets",
			   mac_format(macs[0], first), address, device);
}

void doctor_announced(const struct doctor *doctor, struct doctor_finding *finding)
{
	const struct service *service = doctor->service ? doctor->service->service : NULL;
	char address[ADDR_TEXT], device[32];

	if (!service || service->type != SERVICE_LOAD_BALANCER || !doctor->dp)
		return;
	for (size_t i = 0; i < service->n_ingress; i++) {
		const struct lb_addr *addr = &service->ingress[i].addr;

		if (addr_is_zero(addr))
			continue;
		addr_format(addr, address);
		switch (way_find(doctor, address, device)) {
		case WAY_OWN:
			own_check(doctor, addr, address, finding);
			break;
		case WAY_LINK:
			link_check(doctor, addr, address, device, finding);
			break;
		case WAY_ROUTED:
			doctor_say(finding, DOCTOR_UNKNOWN,
				   "%s is on no link of this node: whether routers send it here "
				   "cannot be seen from here",
				   address);
		}
	}
}
