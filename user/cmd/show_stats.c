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

static bool reason_is_good(enum lb_reason reason)
{
	return reason == LB_REASON_NOT_OURS || reason == LB_REASON_FORWARDED ||
	       reason == LB_REASON_UNSUPPORTED;
}

static int reason_rows(struct show *show, bool only_bad, json_t *rows, struct err *err)
{
	const struct actual none = { 0 };
	struct datapath_stats stats;
	int r = datapath_read_stats(show->dp, &none, &stats, err);

	if (r)
		return r;
	for (int i = 0; i < LB_REASON_COUNT; i++) {
		if (only_bad && (reason_is_good((enum lb_reason)i) || !stats.reasons[i].packets))
			continue;
		json_array_append_new(rows, json_pack("{s:s, s:I, s:I, s:s, s:s}", "reason",
						      reasons[i].label, "packets",
						      (json_int_t)stats.reasons[i].packets, "bytes",
						      (json_int_t)stats.reasons[i].bytes, "text",
						      reasons[i].text, "hint", reasons[i].hint));
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
