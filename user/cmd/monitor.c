/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "user/cmd/output.h"
#include "user/cmd/show.h"
#include "user/datapath/observer.h"
#include "user/util/cleanup.h"
#include "user/util/num.h"

#define OUTPUTS "json"
#define PER_SECOND 1000
#define POLL_MS 200

static const struct option monitor_options[] = {
	{ "type", 0, "drop|reject|flow", "events of this kind (default: drop and reject); repeat" },
	{ "service", 0, "NS/NAME:PORT", "of this service only" },
	{ "client", 0, "ADDRESS|NETWORK", "of these clients only" },
	{ "reason", 0, "REASON",
	  "for this reason only (lbctl show stats has their names); repeat" },
	{ "rate", 0, "N", "at most so many events a second of each CPU (default: 1000)" },
	{ "output", 'o', OUTPUTS, "one JSON object a line" },
	{ 0 },
};

static const struct {
	const char *label, *text;
} reasons[LB_REASON_COUNT] = {
#define REASON_ROW(name, label, text, hint) [LB_REASON_##name] = { label, text },
	LB_REASONS(REASON_ROW)
#undef REASON_ROW
};

static const struct {
	const char *name;
	uint32_t kind;
} kinds[] = { { "drop", LB_EVENT_DROP }, { "reject", LB_EVENT_REJECT }, { "flow", LB_EVENT_FLOW } };

static const char *const hooks[] = {
	[LB_EVENT_XDP] = "xdp",
	[LB_EVENT_TC] = "tc",
	[LB_EVENT_SOCKET] = "socket",
};

struct monitor {
	bool json;
	int64_t wall; /* CLOCK_REALTIME - CLOCK_MONOTONIC, ns */
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

/* --------------------------------------------------------------------- filter -- */

static int kinds_parse(const struct cli *cli, struct lb_monitor *filter, struct err *err)
{
	const char *name;
	size_t at = 0;

	while ((name = cli_next(cli, "type", &at))) {
		size_t i = 0;

		while (i < ARRAY_LEN(kinds) && strcmp(kinds[i].name, name) != 0)
			i++;
		if (i == ARRAY_LEN(kinds))
			return err_set(err, -EINVAL, "--type: \"%s\" is not drop, reject or flow",
				       name);
		filter->kinds |= kinds[i].kind;
	}
	if (!filter->kinds)
		filter->kinds = LB_EVENT_DROP | LB_EVENT_REJECT;
	return 0;
}

static int reasons_parse(const struct cli *cli, struct lb_monitor *filter, struct err *err)
{
	const char *name;
	size_t at = 0;

	while ((name = cli_next(cli, "reason", &at))) {
		uint32_t i = 0;

		while (i < LB_REASON_COUNT && strcmp(reasons[i].label, name) != 0)
			i++;
		if (i == LB_REASON_COUNT)
			return err_set(err, -EINVAL, "--reason: there is no reason \"%s\"", name);
		filter->reasons |= 1u << i;
	}
	if (!filter->reasons)
		filter->reasons = UINT32_MAX;
	return 0;
}

static int filter_parse(const struct cli *cli, struct lb_monitor *filter, struct err *err)
{
	const char *text = cli_option(cli, "client");
	uint64_t rate = PER_SECOND;
	struct prefix prefix;
	int r = kinds_parse(cli, filter, err);

	r = r ?: reasons_parse(cli, filter, err);
	if (r)
		return r;
	if (text) {
		bool network = strchr(text, '/');
		cleanup_free char *whole = xasprintf("%s%s", text,
						     network		 ? ""
						     : strchr(text, ':') ? "/128"
									 : "/32");

		if (prefix_parse(whole, &prefix))
			return err_set(err, -EINVAL, "--client: \"%s\" is no address or network",
				       text);
		filter->client = prefix_to_lb(&prefix);
	}
	text = cli_option(cli, "rate");
	if (text && num_parse(text, 1, 1000000, &rate))
		return err_set(err, -EINVAL, "--rate: \"%s\" is not between 1 and 1000000", text);
	filter->per_second = (uint32_t)rate;
	return 0;
}

/* The addresses and ports of the service: the kernel compares with these. */
static int frontends_find(const struct cli *cli, struct lb_monitor *filter, struct err *err)
{
	struct show show = { .cli = cli };
	struct datapath *dp;
	struct actual actual;
	size_t n = 0;
	int r = datapath_open(&cli->paths, &dp, err);

	if (r || !cli_option(cli, "service")) {
		if (!r)
			datapath_close(dp);
		return r;
	}
	r = datapath_snapshot(dp, &actual, err);
	datapath_close(dp);
	if (r)
		return r;
	for (size_t i = 0; i < actual.n_frontends; i++) {
		const struct actual_frontend *frontend = &actual.frontends[i];
		const struct lb_name *name = show_name_find(&actual, frontend->value.service);

		if (!name || !frontend->key.port || !show_wants_service(&show, name))
			continue;
		if (n < LB_MONITOR_FRONTENDS)
			filter->frontend[n] = frontend->key;
		n++;
	}
	actual_done(&actual);
	if (!n)
		return err_set(err, -ENOENT, "no service %s in the datapath",
			       cli_option(cli, "service"));
	if (n > LB_MONITOR_FRONTENDS)
		return err_set(err, -E2BIG,
			       "%s has %zu addresses and ports, more than %d: add :PORT",
			       cli_option(cli, "service"), n, LB_MONITOR_FRONTENDS);
	filter->frontends = (uint32_t)n;
	return 0;
}

/* --------------------------------------------------------------------- events -- */

static const char *kind_text(uint32_t kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "?";
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

static void event_print(void *arg, const struct lb_event *event)
{
	const struct monitor *monitor = arg;
	uint32_t reason = event->reason < LB_REASON_COUNT ? event->reason : LB_REASON_INTERNAL;
	char at[40], client[ADDR_PORT_TEXT] = "socket", frontend[ADDR_PORT_TEXT],
		     backend[ADDR_PORT_TEXT], device[IF_NAMESIZE] = "-";

	time_format(monitor, event->ns, at);
	if (!addr_is_zero(&event->client))
		addr_port_format(&event->client, event->client_port, client);
	addr_port_format(&event->frontend, event->frontend_port, frontend);
	if (event->ifindex && !if_indextoname(event->ifindex, device))
		snprintf(device, sizeof(device), "%u", event->ifindex);
	printf("%s %-6s %-6s %-8s %s %s > %s", at, kind_text(event->kind),
	       event->hook < ARRAY_LEN(hooks) ? hooks[event->hook] : "?", device,
	       show_protocol(event->proto), client, frontend);
	if (event->kind == LB_EVENT_FLOW)
		printf(" to %s\n", addr_port_format(&event->backend, event->backend_port, backend));
	else
		printf(": %s: %s\n", reasons[reason].label, reasons[reason].text);
}

static void event_json(void *arg, const struct lb_event *event)
{
	uint32_t reason = event->reason < LB_REASON_COUNT ? event->reason : LB_REASON_INTERNAL;
	const struct monitor *monitor = arg;
	char device[IF_NAMESIZE];
	json_t *json = json_pack(
		"{s:f, s:s, s:s, s:s?, s:s, s:o, s:o, s:o, s:s, s:i}", "time",
		(double)((int64_t)event->ns + monitor->wall) / 1e9, "type", kind_text(event->kind),
		"hook", event->hook < ARRAY_LEN(hooks) ? hooks[event->hook] : "?", "device",
		event->ifindex ? if_indextoname(event->ifindex, device) : NULL, "protocol",
		show_protocol(event->proto), "client",
		show_addr_port(&event->client, event->client_port), "frontend",
		show_addr_port(&event->frontend, event->frontend_port), "backend",
		show_addr_port(&event->backend, event->backend_port), "reason",
		reasons[reason].label, "bytes", (int)event->bytes);

	json_dumpf(json, stdout, JSON_COMPACT);
	fputc('\n', stdout);
	json_decref(json);
}

static void lost_tell(const struct monitor *monitor, uint64_t lost)
{
	if (!lost)
		return;
	if (monitor->json)
		printf("{\"lost\":%llu}\n", (unsigned long long)lost);
	else
		printf("(%llu more events were left out: too many a second)\n",
		       (unsigned long long)lost);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int look(const struct cli *cli, const struct lb_monitor *filter, bool json, struct err *err)
{
	struct monitor monitor = { .json = json };
	struct sigaction action = { .sa_handler = on_signal };
	struct observer *observer;
	int r = observer_open(&cli->paths, filter, &observer, err);

	if (r)
		return r;
	monitor.wall = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	while (!ended && !r && !ferror(stdout)) {
		r = observer_poll(observer, POLL_MS, json ? event_json : event_print, &monitor,
				  err);
		r = r == -EINTR ? 0 : r;
		lost_tell(&monitor, observer_lost(observer));
		fflush(stdout);
	}
	observer_close(observer);
	return r;
}

static int monitor_run(struct cli *cli)
{
	struct lb_monitor filter = { 0 };
	enum output output;
	struct err err;

	if (output_parse(cli, OUTPUTS, &output, &err) || filter_parse(cli, &filter, &err))
		return cli_usage(cli, "%s", err.text);
	if (frontends_find(cli, &filter, &err) || look(cli, &filter, output == OUTPUT_JSON, &err))
		return cli_fail(&err);
	return CLI_OK;
}

const struct command cmd_monitor = {
	.name = "monitor",
	.args = "",
	.summary = "Watch what is dropped, refused and begun, and why",
	.details = "Events come from the programs themselves, of packets that no other tool sees.\n"
		   "The filter is applied in the kernel. Nobody looking costs nothing.\n"
		   "\n"
		   "  lbctl monitor\n"
		   "  lbctl monitor --type flow --service default/kubia:80\n"
		   "  lbctl monitor --reason source_range --client 192.0.2.0/24 -o json",
	.options = monitor_options,
	.run = monitor_run,
};
