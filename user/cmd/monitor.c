/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lb/reasons.h"
#include "user/cmd/monitor.h"
#include "user/cmd/output.h"
#include "user/cmd/show.h"
#include "user/datapath/observer.h"
#include "user/util/cleanup.h"
#include "user/util/num.h"

#define OUTPUTS "json"
#define TYPES "drop|reject|flow|affinity|neighbour|dns"
#define PER_SECOND 1000
#define POLL_MS 200

static const struct option monitor_options[] = {
	{ "type", 0, TYPES, "events of this type (default: drop and reject); repeat" },
	{ "service", 0, "NS/NAME:PORT", "of this service only" },
	{ "client", 0, "ADDRESS|NETWORK", "of these clients only" },
	{ "reason", 0, "REASON",
	  "for this reason only (lbctl show stats has their names); repeat" },
	{ "rate", 0, "N", "at most so many events a second of each CPU (default: 1000)" },
	{ "pcap", 0, "FILE", "write packets, not events; -: to stdout" },
	{ "output", 'o', OUTPUTS, "one JSON object a line" },
	{ 0 },
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

/* --------------------------------------------------------------------- filter -- */

/* Packets are those of known flows too, unless a type was asked for. */
static int kinds_parse(const struct cli *cli, struct lb_monitor *filter, struct err *err)
{
	bool packets = cli_option(cli, "pcap");
	const char *name;
	size_t at = 0;

	while ((name = cli_next(cli, "type", &at))) {
		uint32_t kind = monitor_kind_parse(name);

		if (!kind || (kind == LB_EVENT_KNOWN && !packets))
			return err_set(err, -EINVAL, "--type: \"%s\" is not one of " TYPES, name);
		filter->kinds |= kind;
	}
	if (!filter->kinds)
		filter->kinds = packets ? LB_EVENT_PACKETS - 1 : LB_EVENT_DROP | LB_EVENT_REJECT;
	if (packets)
		filter->kinds |= LB_EVENT_PACKETS;
	return 0;
}

static int reasons_parse(const struct cli *cli, struct lb_monitor *filter, struct err *err)
{
	const char *name;
	size_t at = 0;

	while ((name = cli_next(cli, "reason", &at))) {
		uint32_t reason = monitor_reason_parse(name);

		if (reason == LB_REASON_COUNT)
			return err_set(err, -EINVAL, "--reason: there is no reason \"%s\"", name);
		filter->reasons |= 1u << reason;
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

/* -------------------------------------------------------------------- looking -- */

static void lost_tell(FILE *out, bool json, uint64_t lost)
{
	if (!lost)
		return;
	if (json)
		fprintf(out, "{\"lost\":%llu}\n", (unsigned long long)lost);
	else
		fprintf(out, "(%llu more were left out: too many a second)\n",
			(unsigned long long)lost);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t wall_offset(void)
{
	return clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
}

static void signals_catch(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int look(const struct cli *cli, const struct lb_monitor *filter, bool json, struct err *err)
{
	struct monitor monitor = { .kinds = filter->kinds, .wall = wall_offset() };
	const struct observer_visitor visitor = {
		.event = json ? monitor_print_json : monitor_print_text,
		.arg = &monitor,
	};
	struct observer *observer;
	int r = observer_open(&cli->paths, filter, &observer, err);

	if (r)
		return r;
	signals_catch();
	while (!ended && !r && !ferror(stdout)) {
		r = observer_poll(observer, POLL_MS, &visitor, err);
		r = r == -EINTR ? 0 : r;
		lost_tell(stdout, json, observer_lost(observer));
		fflush(stdout);
	}
	observer_close(observer);
	return r;
}

static int packets_look(const struct cli *cli, const struct lb_monitor *filter, FILE *out,
			struct err *err)
{
	struct monitor_pcap pcap;
	const struct observer_visitor visitor = { .packet = monitor_pcap_packet, .arg = &pcap };
	struct observer *observer;
	uint64_t lost = 0;
	int r = observer_open(&cli->paths, filter, &observer, err);

	if (r)
		return r;
	monitor_pcap_begin(&pcap, out, wall_offset());
	signals_catch();
	while (!ended && !r && !ferror(out)) {
		fflush(out);
		r = observer_poll(observer, POLL_MS, &visitor, err);
		r = r == -EINTR ? 0 : r;
		lost += observer_lost(observer);
	}
	observer_close(observer);
	fprintf(stderr, "%zu packets\n", pcap.written);
	lost_tell(stderr, false, lost);
	monitor_pcap_done(&pcap);
	return r;
}

/* What is in packets is nobody else's business. */
static int packets_write(const struct cli *cli, const struct lb_monitor *filter, struct err *err)
{
	const char *path = cli_option(cli, "pcap");
	FILE *out = stdout;
	int fd, r;

	if (strcmp(path, "-") != 0) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		out = fd < 0 ? NULL : fdopen(fd, "w");
		if (!out)
			return err_sys(err, -errno, "cannot write %s", path);
	}
	r = packets_look(cli, filter, out, err);
	if (out == stdout) /* whoever read it has seen enough */
		return r;
	return fclose(out) && !r ? err_sys(err, -errno, "cannot write %s", path) : r;
}

static int monitor_run(struct cli *cli)
{
	struct lb_monitor filter = { 0 };
	enum output output;
	struct err err;
	int r;

	if (output_parse(cli, OUTPUTS, &output, &err) || filter_parse(cli, &filter, &err))
		return cli_usage(cli, "%s", err.text);
	if (cli_option(cli, "pcap") && output != OUTPUT_PLAIN)
		return cli_usage(cli, "--pcap writes packets, -o %s events: one at a time",
				 cli_option(cli, "output"));
	r = frontends_find(cli, &filter, &err);
	if (!r && cli_option(cli, "pcap"))
		r = packets_write(cli, &filter, &err);
	else if (!r)
		r = look(cli, &filter, output == OUTPUT_JSON, &err);
	return r ? cli_fail(&err) : CLI_OK;
}

const struct command cmd_monitor = {
	.name = "monitor",
	.args = "",
	.summary = "Watch what is dropped, refused and begun, and why",
	.details = "Events come from the programs themselves, of packets that no other tool sees.\n"
		   "The filter is applied in the kernel. Nobody looking costs nothing.\n"
		   "\n"
		   "--pcap writes the packets themselves for Wireshark, as they came and as they\n"
		   "left, with what was done and why as a comment. Without --type those of known\n"
		   "flows are among them. The file is for its owner alone.\n"
		   "\n"
		   "  lbctl monitor\n"
		   "  lbctl monitor --pcap /tmp/kubia.pcapng --service default/kubia\n"
		   "  lbctl monitor --pcap - --type drop | tshark -r - -T fields -e frame.comment\n"
		   "  lbctl monitor --type flow --service default/kubia:80\n"
		   "  lbctl monitor --reason source_range --client 192.0.2.0/24 -o json",
	.options = monitor_options,
	.run = monitor_run,
};
