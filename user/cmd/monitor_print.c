/* SPDX-License-Identifier: Apache-2.0 */
/* One line an event: as text, or as a JSON object. */
#include <net/if.h>
#include <string.h>
#include <time.h>

#include "lb/reasons.h"
#include "user/cmd/monitor.h"
#include "user/cmd/show.h"
#include "user/util/cleanup.h"

static const struct {
	const char *label, *text;
} reasons[LB_REASON_COUNT] = {
#define REASON_ROW(name, label, text, hint) [LB_REASON_##name] = { label, text },
	LB_REASONS(REASON_ROW)
#undef REASON_ROW
};

/* An event that is several things at once has the name of the first that was asked for. */
static const struct {
	const char *name, *story;
	uint32_t kind;
} kinds[] = {
	{ "flow", "new flow", LB_EVENT_FLOW },
	{ "drop", "dropped", LB_EVENT_DROP },
	{ "reject", "refused", LB_EVENT_REJECT },
	{ "affinity", "affinity", LB_EVENT_AFFINITY },
	{ "neighbour", "neighbour unknown", LB_EVENT_NEIGHBOUR },
	{ "dns", "answered", LB_EVENT_NAME },
	{ "known", "known flow", LB_EVENT_KNOWN },
};

static const char *const hooks[] = {
	[LB_EVENT_XDP] = "xdp",
	[LB_EVENT_TC] = "tc",
	[LB_EVENT_SOCKET] = "socket",
};

static const char *const fates[LB_AFFINITY_FATES] = {
	[LB_AFFINITY_KEPT] = "kept",
	[LB_AFFINITY_NEW] = "new",
	[LB_AFFINITY_EXPIRED] = "expired",
	[LB_AFFINITY_MOVED] = "moved",
};

uint32_t monitor_kind_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return kinds[i].kind;
	return 0;
}

uint32_t monitor_reason_parse(const char *label)
{
	uint32_t i = 0;

	while (i < LB_REASON_COUNT && strcmp(reasons[i].label, label) != 0)
		i++;
	return i;
}

static const char *kind_text(const struct monitor *monitor, uint32_t kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].kind & kind & monitor->kinds)
			return kinds[i].name;
	return "?";
}

static uint32_t reason_known(uint32_t reason)
{
	return reason < LB_REASON_COUNT ? reason : LB_REASON_INTERNAL;
}

static const char *hook_text(uint32_t hook)
{
	return hook < ARRAY_LEN(hooks) ? hooks[hook] : "?";
}

/* NULL: the service has no affinity. */
static const char *fate_text(uint32_t fate)
{
	return fate < LB_AFFINITY_FATES ? fates[fate] : NULL;
}

void monitor_story(uint32_t happened, uint32_t reason, char *text, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_LEN(kinds) && used < size; i++)
		if (kinds[i].kind & happened)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
						 kinds[i].story);
	if (used < size && reason != LB_REASON_FORWARDED)
		snprintf(text + used, size - used, ": %s: %s", reasons[reason_known(reason)].label,
			 reasons[reason_known(reason)].text);
}

static void time_format(const struct monitor *monitor, uint64_t ns, char text[40])
{
	int64_t at = (int64_t)ns + monitor->wall;
	time_t seconds = (time_t)(at / 1000000000);
	size_t used;
	struct tm tm;

	localtime_r(&seconds, &tm);
	used = strftime(text, 40, "%T", &tm);
	snprintf(text + used, 40 - used, ".%06d", (int)(at % 1000000000 / 1000));
}

static void print_outcome(const struct lb_event *event)
{
	uint32_t reason = reason_known(event->reason);
	const char *fate = fate_text(event->affinity);
	char backend[ADDR_PORT_TEXT];

	if (!(event->kind & LB_EVENT_FLOW)) {
		printf(": %s: %s\n", reasons[reason].label, reasons[reason].text);
		return;
	}
	printf(" to %s%s%s%s\n", addr_port_format(&event->backend, event->backend_port, backend),
	       fate ? ", affinity: " : "", fate ? fate : "",
	       event->kind & LB_EVENT_NEIGHBOUR ? ", neighbour unknown" : "");
}

void monitor_print_text(void *arg, const struct lb_event *event)
{
	const struct monitor *monitor = arg;
	char at[40], client[ADDR_PORT_TEXT] = "socket", frontend[ADDR_PORT_TEXT],
		     device[IF_NAMESIZE] = "-";

	time_format(monitor, event->ns, at);
	if (!addr_is_zero(&event->client))
		addr_port_format(&event->client, event->client_port, client);
	addr_port_format(&event->frontend, event->frontend_port, frontend);
	if (event->ifindex && !if_indextoname(event->ifindex, device))
		snprintf(device, sizeof(device), "%u", event->ifindex);
	printf("%s %-9s %-6s %-8s %s %s > %s", at, kind_text(monitor, event->kind),
	       hook_text(event->hook), device, show_protocol(event->proto), client, frontend);
	print_outcome(event);
}

void monitor_print_json(void *arg, const struct lb_event *event)
{
	const struct monitor *monitor = arg;
	char device[IF_NAMESIZE];
	json_t *json =
		json_pack("{s:f, s:s, s:s, s:s?, s:s, s:o, s:o, s:o, s:s, s:s?, s:b, s:i}", "time",
			  (double)((int64_t)event->ns + monitor->wall) / 1e9, "type",
			  kind_text(monitor, event->kind), "hook", hook_text(event->hook), "device",
			  event->ifindex ? if_indextoname(event->ifindex, device) : NULL,
			  "protocol", show_protocol(event->proto), "client",
			  show_addr_port(&event->client, event->client_port), "frontend",
			  show_addr_port(&event->frontend, event->frontend_port), "backend",
			  show_addr_port(&event->backend, event->backend_port), "reason",
			  reasons[reason_known(event->reason)].label, "affinity",
			  fate_text(event->affinity), "neighbourUnknown",
			  !!(event->kind & LB_EVENT_NEIGHBOUR), "bytes", (int)event->bytes);

	json_dumpf(json, stdout, JSON_COMPACT);
	fputc('\n', stdout);
	json_decref(json);
}
