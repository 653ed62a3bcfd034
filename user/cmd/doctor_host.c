/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: what the kernel and others on this node do to our packets. */
#include <string.h>

#include "user/cmd/doctor.h"
#include "user/util/cleanup.h"
#include "user/util/num.h"

/* A number in a file below /proc or /sys; -1: not to be read. */
static long read_number(const struct doctor *doctor, const char *path)
{
	cleanup_free char *text = doctor->system->read(doctor->system->arg, path);
	uint64_t value;

	if (!text)
		return -1;
	text[strcspn(text, " \n\t")] = '\0';
	return num_parse(text, 0, 1u << 30, &value) ? -1 : (long)value;
}

static char *run(const struct doctor *doctor, const char *program, const char *a, const char *b)
{
	const char *const argv[] = { program, a, b, NULL };

	return doctor->system->run(doctor->system->arg, argv);
}

/* -------------------------------------------------------------------- routing -- */

void doctor_forwarding(const struct doctor *doctor, struct doctor_finding *finding)
{
	long v4 = read_number(doctor, "/proc/sys/net/ipv4/ip_forward");
	long v6 = read_number(doctor, "/proc/sys/net/ipv6/conf/all/forwarding");
	bool serves_v6 = false;

	for (size_t i = 0; doctor->dp && i < doctor->dp->actual.n_services; i++)
		serves_v6 |= !!(doctor->dp->actual.services[i].name.flags & LB_NAME_IPV6);
	if (v4 < 0)
		doctor_say(finding, DOCTOR_UNKNOWN, "net.ipv4.ip_forward cannot be read");
	else if (!v4)
		doctor_say(finding, DOCTOR_BAD,
			   "the kernel does not forward IPv4: net.ipv4.ip_forward is 0");
	if (serves_v6 && !v6)
		doctor_say(finding, DOCTOR_BAD,
			   "the kernel does not forward IPv6: "
			   "net.ipv6.conf.all.forwarding is 0");
	doctor_say(finding, DOCTOR_OK, "the kernel forwards");
}

void doctor_rp_filter(const struct doctor *doctor, struct doctor_finding *finding)
{
	long all = read_number(doctor, "/proc/sys/net/ipv4/conf/all/rp_filter");

	if (!doctor->dp || !doctor->dp->devices.n)
		return;
	for (size_t i = 0; i < doctor->dp->devices.n; i++) {
		const char *device = doctor->dp->devices.items[i].name;
		cleanup_free char *path = xasprintf("/proc/sys/net/ipv4/conf/%s/rp_filter", device);
		long own = read_number(doctor, path);

		/* The kernel takes the greater one; 2 is loose. */
		if ((own > all ? own : all) == 1)
			doctor_say(finding, DOCTOR_WARN, "%s filters by strict reverse path",
				   device);
	}
	if (all < 0)
		doctor_say(finding, DOCTOR_UNKNOWN, "rp_filter cannot be read");
	doctor_say(finding, DOCTOR_OK, "no attached device filters strictly");
}

/* The device of this role with the least MTU (outside) or the greatest (pods), or NULL. */
static const struct datapath_device *mtu_extreme(const struct doctor_datapath *dp, bool pods,
						 unsigned int *ret_mtu)
{
	const struct datapath_device *found = NULL;

	for (size_t i = 0; i < dp->devices.n && i < dp->mtus.n; i++) {
		unsigned int mtu = dp->mtus.items[i];

		if (!mtu || !!(dp->devices.items[i].value.flags & LB_DEVICE_POD) != pods ||
		    (found && (pods ? mtu <= *ret_mtu : mtu >= *ret_mtu)))
			continue;
		found = &dp->devices.items[i];
		*ret_mtu = mtu;
	}
	return found;
}

void doctor_mtu(const struct doctor *doctor, struct doctor_finding *finding)
{
	const struct datapath_device *outside, *pod;
	unsigned int narrow = 0, wide = 0;

	if (!doctor->dp)
		return;
	outside = mtu_extreme(doctor->dp, false, &narrow);
	pod = mtu_extreme(doctor->dp, true, &wide);
	if (!outside)
		doctor_say(finding, DOCTOR_UNKNOWN, "the MTU of no device can be read");
	else if (pod && wide > narrow)
		doctor_say(finding, DOCTOR_WARN, "%s has MTU %u, and %s to the outside %u",
			   pod->name, wide, outside->name, narrow);
	else
		doctor_say(finding, DOCTOR_OK, "packets of pods fit through %s (MTU %u)",
			   outside->name, narrow);
}

/* ------------------------------------------------------------------- firewall -- */

/* The first chain of nft's list with hook forward and policy drop: "table chain". */
static bool nft_drops(char *rules, char *ret_name, size_t size)
{
	char table[96] = "", chain[64] = "";

	for (char *line; (line = strsep(&rules, "\n"));) {
		(void)sscanf(line, " table %95[^{]", table);
		(void)sscanf(line, " chain %63[^ {]", chain);
		if (strstr(line, "hook forward") && strstr(line, "policy drop")) {
			snprintf(ret_name, size, "table %schain %s", table, chain);
			return true;
		}
	}
	return false;
}

void doctor_firewall(const struct doctor *doctor, struct doctor_finding *finding)
{
	cleanup_free char *nft = run(doctor, "nft", "list", "chains");
	cleanup_free char *iptables = run(doctor, "iptables-save", "-t", "filter");
	char name[192];

	if (nft && nft_drops(nft, name, sizeof(name)))
		doctor_say(finding, DOCTOR_WARN, "nft %s drops what no rule lets through", name);
	if (iptables && strstr(iptables, ":FORWARD DROP"))
		doctor_say(finding, DOCTOR_WARN,
			   "the policy of iptables' FORWARD chain is DROP: pods need a rule");
	if (!nft && !iptables)
		doctor_say(finding, DOCTOR_UNKNOWN,
			   "neither nft nor iptables-save can be run: no rules were seen");
	doctor_say(finding, DOCTOR_OK, "no firewall drops forwarded packets by its policy");
}

void doctor_kube_proxy(const struct doctor *doctor, struct doctor_finding *finding)
{
	cleanup_free char *iptables = run(doctor, "iptables-save", "-t", "nat");
	cleanup_free char *nft = run(doctor, "nft", "list", "tables");

	if (doctor->system->has_process(doctor->system->arg, "kube-proxy"))
		doctor_say(finding, DOCTOR_BAD, "kube-proxy runs on this node");
	else if (iptables && strstr(iptables, "KUBE-SERVICES"))
		doctor_say(finding, DOCTOR_BAD, "rules of kube-proxy are in iptables");
	else if (nft && strstr(nft, " kube-proxy"))
		doctor_say(finding, DOCTOR_BAD, "rules of kube-proxy are in nftables");
	doctor_say(finding, DOCTOR_OK, "no kube-proxy, and no rules of it");
}

/* ------------------------------------------------------------------------ DNS -- */

static bool is_ours(const struct doctor *doctor, const char *word)
{
	const struct dns_config *dns = &doctor->config->dns;
	struct lb_addr addr;

	if (addr_parse(word, &addr))
		return false;
	for (size_t i = 0; i < dns->addresses.n; i++)
		if (!addr_compare(&dns->addresses.items[i], &addr))
			return true;
	for (size_t i = 0; i < dns->listen.n; i++)
		if (!addr_compare(&dns->listen.items[i].addr, &addr))
			return true;
	return false;
}

/* The first nameserver that is not this cluster's; the last one that is, by ret_ours. */
static bool find_servers(const struct doctor *doctor, char *text, bool *ret_ours,
			 char ret_other[64])
{
	bool other = false;
	char word[64];

	*ret_ours = false;
	for (char *line; (line = strsep(&text, "\n"));) {
		if (sscanf(line, " nameserver %63s", word) != 1)
			continue;
		if (is_ours(doctor, word)) {
			*ret_ours = true;
		} else if (!other) {
			other = true;
			strcpy(ret_other, word);
		}
	}
	return other;
}

void doctor_dns(const struct doctor *doctor, struct doctor_finding *finding)
{
	cleanup_free char *text = doctor->system->read(doctor->system->arg, doctor->resolv_conf);
	enum doctor_level level = doctor->resolv_given ? DOCTOR_BAD : DOCTOR_WARN;
	char other[64], wanted[ADDR_TEXT] = "dns.address";
	bool ours, others;

	if (!text) {
		doctor_say(finding, DOCTOR_UNKNOWN, "%s cannot be read", doctor->resolv_conf);
		return;
	}
	if (doctor->config->dns.addresses.n)
		addr_format(&doctor->config->dns.addresses.items[0], wanted);
	others = find_servers(doctor, text, &ours, other);
	if (ours && others)
		doctor_say(finding, DOCTOR_WARN, "%s asks %s too, which knows no Services",
			   doctor->resolv_conf, other);
	else if (ours)
		doctor_say(finding, DOCTOR_OK, "%s asks %s", doctor->resolv_conf, wanted);
	else
		doctor_say(finding, level, "%s asks %s, not %s", doctor->resolv_conf,
			   others ? other : "nobody", wanted);
}
