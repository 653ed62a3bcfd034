/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: the programs, the agent and the maps of this node. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "user/cmd/doctor.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"

#define STALE_SECONDS 120 /* the agent syncs every 30 by itself */
#define NEARLY_FULL 90	  /* percent */

/* ------------------------------------------------------------------ programs -- */

void doctor_attached(const struct doctor *doctor, struct doctor_finding *finding)
{
	size_t nics = 0, pods = 0;

	if (!doctor->dp) {
		doctor_say(finding, DOCTOR_BAD, "%s", doctor->dp_error);
		return;
	}
	for (size_t i = 0; i < doctor->dp->devices.n; i++) {
		nics += !!(doctor->dp->devices.items[i].value.flags & LB_DEVICE_NIC);
		pods += !!(doctor->dp->devices.items[i].value.flags & LB_DEVICE_POD);
	}
	if (!nics)
		doctor_say(finding, DOCTOR_BAD, "no device to the outside is attached");
	else
		doctor_say(finding, DOCTOR_OK, "%zu device%s to the outside, %zu to pods", nics,
			   nics == 1 ? "" : "s", pods);
}

void doctor_mode(const struct doctor *doctor, struct doctor_finding *finding)
{
	for (size_t i = 0; doctor->dp && i < doctor->dp->devices.n; i++) {
		const struct datapath_device *device = &doctor->dp->devices.items[i];

		if (!(device->value.flags & LB_DEVICE_NIC))
			continue;
		if (!strcmp(device->mode, "generic"))
			doctor_say(finding, DOCTOR_WARN, "%s is attached in generic mode",
				   device->name);
		else
			doctor_say(finding, DOCTOR_OK, "%s is attached in %s mode", device->name,
				   device->mode);
	}
}

void doctor_programs(const struct doctor *doctor, struct doctor_finding *finding)
{
	if (!doctor->dp)
		return;
	for (size_t i = 0; i < doctor->dp->links.n; i++) {
		const struct attached *link = &doctor->dp->links.items[i];

		if (link->state == ATTACHED_REPLACED)
			doctor_say(finding, DOCTOR_BAD,
				   "%s %s: another program is in our place, \"%s\"", link->device,
				   link->hook, link->program);
		else if (link->state == ATTACHED_GONE)
			doctor_say(finding, DOCTOR_BAD, "%s %s: our program is not there any more",
				   link->device, link->hook);
	}
	doctor_say(finding, DOCTOR_OK, "all %zu hooks have their programs", doctor->dp->links.n);
}

/* --------------------------------------------------------------------- agent -- */

static void agent_missing(const struct doctor *doctor, struct doctor_finding *finding)
{
	if (doctor->agent_code == -ETIMEDOUT)
		doctor_say(finding, DOCTOR_BAD, "the agent does not answer");
	else if (doctor->agent_code != -ENOENT)
		doctor_say(finding, DOCTOR_BAD, "the agent answers with a failure");
	else if (!access(doctor->socket, F_OK))
		doctor_say(finding, DOCTOR_BAD, "the agent died: nobody listens at %s",
			   doctor->socket);
	else
		doctor_say(finding, DOCTOR_WARN,
			   "no agent runs: commands write the maps, but nobody probes pods, "
			   "follows other nodes' changes or answers DNS");
}

static void agent_age(const struct doctor *doctor, const char *at, struct doctor_finding *finding)
{
	struct tm tm = { 0 };
	long age;

	if (!at || !strptime(at, "%Y-%m-%dT%H:%M:%SZ", &tm)) {
		doctor_say(finding, DOCTOR_WARN, "the agent has not synced yet");
		return;
	}
	age = (long)(doctor->now - timegm(&tm));
	doctor_say(finding, age > STALE_SECONDS ? DOCTOR_BAD : DOCTOR_OK,
		   "the agent (pid %lld) synced %ld seconds ago", tree_int(doctor->agent, "pid"),
		   age < 0 ? 0 : age);
}

void doctor_agent(const struct doctor *doctor, struct doctor_finding *finding)
{
	const json_t *silent, *warnings;

	if (!doctor->agent) {
		agent_missing(doctor, finding);
		return;
	}
	agent_age(doctor, tree_text(doctor->agent, "lastSync"), finding);
	if (tree_text(doctor->agent, "error"))
		doctor_say(finding, DOCTOR_BAD, "the agent cannot sync: %s",
			   tree_text(doctor->agent, "error"));
	silent = tree_get(doctor->agent, "silentBackends");
	if (json_array_size(silent))
		doctor_say(finding, DOCTOR_WARN, "no neighbour has the address of backend %s",
			   json_string_value(json_array_get(silent, 0)));
	warnings = tree_get(doctor->agent, "warnings");
	if (json_array_size(warnings))
		doctor_say(finding, DOCTOR_WARN, "the agent warns: %s",
			   json_string_value(json_array_get(warnings, 0)));
}

/* ---------------------------------------------------------------------- maps -- */

static void room_say(struct doctor_finding *finding, const char *what, size_t used, size_t room)
{
	if (!room)
		return;
	if (used >= room)
		doctor_say(finding, DOCTOR_BAD, "no room for more %s: %zu of %zu", what, used,
			   room);
	else if (used * 100 >= room * NEARLY_FULL)
		doctor_say(finding, DOCTOR_WARN, "hardly room for more %s: %zu of %zu", what, used,
			   room);
}

void doctor_maps(const struct doctor *doctor, struct doctor_finding *finding)
{
	const struct doctor_datapath *dp = doctor->dp;
	size_t backends = 0;

	if (!dp)
		return;
	for (size_t i = 0; i < dp->actual.n_backends; i++)
		backends += !!dp->actual.backends[i].value.service;
	room_say(finding, "services", dp->actual.n_services, dp->actual.max_services);
	room_say(finding, "frontends", dp->actual.n_frontends, dp->actual.max_frontends);
	room_say(finding, "backends", backends, dp->actual.max_backends);
	room_say(finding, "source ranges", dp->actual.n_ranges, dp->actual.max_ranges);
	room_say(finding, "IPv4 flows", dp->n_flows4 * 2, dp->max_flows);
	room_say(finding, "IPv6 flows", dp->n_flows6 * 2, dp->max_flows);
	doctor_say(finding, DOCTOR_OK,
		   "services, frontends, backends and flows (%zu of %zu entries) have room",
		   (dp->n_flows4 > dp->n_flows6 ? dp->n_flows4 : dp->n_flows6) * 2, dp->max_flows);
}

void doctor_snat(const struct doctor *doctor, struct doctor_finding *finding)
{
	const struct doctor_datapath *dp = doctor->dp;

	if (!dp)
		return;
	if (dp->snat_ports && dp->most_masqueraded >= dp->snat_ports)
		doctor_say(finding, DOCTOR_BAD, "all %zu ports towards one backend are taken",
			   dp->snat_ports);
	else if (dp->most_masqueraded * 100 >= dp->snat_ports * NEARLY_FULL)
		doctor_say(finding, DOCTOR_WARN, "%zu of %zu ports towards one backend are taken",
			   dp->most_masqueraded, dp->snat_ports);
	if (dp->reasons[LB_REASON_NO_PORT].packets)
		doctor_say(finding, DOCTOR_WARN, "%llu packets found no free source port",
			   (unsigned long long)dp->reasons[LB_REASON_NO_PORT].packets);
	doctor_say(finding, DOCTOR_OK, "at most %zu of %zu ports are taken towards a backend",
		   dp->most_masqueraded, dp->snat_ports);
}

void doctor_reasons(const struct doctor *doctor, struct doctor_finding *finding)
{
	static const struct {
		const char *text, *hint;
	} reasons[LB_REASON_COUNT] = {
#define REASON_ROW(name, label, text, hint) [LB_REASON_##name] = { text, hint },
		LB_REASONS(REASON_ROW)
#undef REASON_ROW
	};
	/* Those that speak of the node; no_port has a row of its own, clients cause the others. */
	static const enum lb_reason ours[] = { LB_REASON_INTERNAL, LB_REASON_NO_ROOM,
					       LB_REASON_NO_ADDRESS, LB_REASON_TTL,
					       LB_REASON_FRAGMENT };

	if (!doctor->dp)
		return;
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		unsigned long long packets = doctor->dp->reasons[ours[i]].packets;

		if (!packets || finding->text)
			continue;
		doctor_say(finding, DOCTOR_WARN, "%llu packet%s: %s", packets,
			   packets == 1 ? "" : "s", reasons[ours[i]].text);
		finding->hint = reasons[ours[i]].hint;
	}
	doctor_say(finding, DOCTOR_OK, "nothing was lost by this node's own doing");
}
