/* SPDX-License-Identifier: Apache-2.0 */
/* show stats, show drops: what packets met, by reason */
#include "lb/reasons.h"
#include "user/cmd/show.h"
#include "user/util/cleanup.h"

static const struct {
	const char *label, *text, *hint;
} reasons[LB_REASON_COUNT] = {
#define REASON_ROW(name, label, text, hint) [LB_REASON_##name] = { label, text, hint },
	LB_REASONS(REASON_ROW)
#undef REASON_ROW
};

/*
 * The programs count an established packet once, for its backend; what was forwarded is
 * the sum over backends, and over services for those that are no more.
 */
static void count_forwarded(const struct actual *actual, struct datapath_stats *stats)
{
	struct lb_reason_stats *sum = &stats->reasons[LB_REASON_FORWARDED];

	for (size_t i = 0; i < actual->n_services; i++) {
		sum->packets += stats->services[i].packets;
		sum->bytes += stats->services[i].bytes;
	}
	for (size_t i = 0; i < actual->n_backends; i++) {
		if (actual->backends[i].value.service) /* else it is in its service already */
			continue;
		sum->packets += stats->backends[i].packets;
		sum->bytes += stats->backends[i].bytes;
	}
}

static void append_reason(json_t *rows, enum lb_reason reason, const struct lb_reason_stats *stats)
{
	json_array_append_new(rows, json_pack("{s:s, s:I, s:I, s:s, s:s}", "reason",
					      reasons[reason].label, "packets",
					      (json_int_t)stats->packets, "bytes",
					      (json_int_t)stats->bytes, "text",
					      reasons[reason].text, "hint", reasons[reason].hint));
}

static int reason_rows(struct show *show, bool only_bad, json_t *rows, struct err *err)
{
	struct datapath_stats stats;
	struct actual actual;
	int r = datapath_snapshot(show->dp, &actual, err);

	if (r)
		return r;
	r = datapath_read_stats(show->dp, &actual, &stats, err);
	if (!r)
		count_forwarded(&actual, &stats);
	actual_done(&actual);
	if (r)
		return r;
	for (int i = 0; i < LB_REASON_COUNT; i++) {
		bool bad = datapath_reason_is_bad((enum lb_reason)i);

		if (only_bad ? stats.reasons[i].packets && bad
			     : stats.reasons[i].packets || i == LB_REASON_FORWARDED)
			append_reason(rows, (enum lb_reason)i, &stats.reasons[i]);
	}
	datapath_stats_done(&stats);
	return 0;
}

static int stats_rows(struct show *show, json_t *rows, struct err *err)
{
	return reason_rows(show, false, rows, err);
}

static int drops_rows(struct show *show, json_t *rows, struct err *err)
{
	return reason_rows(show, true, rows, err);
}

static const struct show_column stats_columns[] = {
	{ "REASON", "reason", false },
	{ "PACKETS", "packets", false },
	{ "BYTES", "bytes", false },
	{ "MEANING", "text", false },
	{ 0 },
};

static const struct show_column drops_columns[] = {
	{ "REASON", "reason", false }, { "PACKETS", "packets", false }, { "BYTES", "bytes", false },
	{ "MEANING", "text", false },  { "HINT", "hint", false },	{ 0 },
};

const struct show_kind show_stats = {
	.name = "stats",
	.columns = stats_columns,
	.rows = stats_rows,
};

const struct show_kind show_drops = {
	.name = "drops",
	.columns = drops_columns,
	.nothing = "Nothing was dropped or refused.",
	.rows = drops_rows,
};
