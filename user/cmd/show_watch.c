/* SPDX-License-Identifier: Apache-2.0 */
/* One look, or one a second: what changed (-w), how fast it counts (--rate). */
#include <string.h>
#include <time.h>

#include "user/cmd/show.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define PERIOD_NS 1000000000ll

static const char *const counters[][2] = {
	{ "packets", "packetsPerSecond" },
	{ "bytes", "bytesPerSecond" },
	{ "connections", "connectionsPerSecond" },
	{ "drops", "dropsPerSecond" },
};

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What tells a row from all others of its kind. */
static char *row_key(const json_t *row)
{
	static const char *const parts[] = { "namespace", "name",    "port",   "protocol",
					     "id",	  "address", "reason", "device",
					     "frontends", "client",  "scope",  "backend" };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const json_t *part = json_object_get(row, parts[i]);

		/* The first frontend tells the families of one port apart. */
		show_cell(out, json_is_array(part) ? json_array_get(part, 0) : part);
		fputc('\t', out);
	}
	fclose(out);
	return text;
}

static json_t *rows_by_key(const json_t *rows)
{
	json_t *index = json_object();
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		cleanup_free char *key = row_key(row);

		json_object_set(index, key, row);
	}
	return index;
}

void show_rates_add(json_t *rows, const json_t *before, double seconds)
{
	cleanup_json json_t *index = rows_by_key(before);
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		cleanup_free char *key = row_key(row);
		const json_t *old = json_object_get(index, key);

		for (size_t c = 0; c < ARRAY_LEN(counters); c++) {
			const json_t *counter = json_object_get(row, counters[c][0]);
			json_int_t now = json_integer_value(counter);
			json_int_t then = json_integer_value(json_object_get(old, counters[c][0]));
			double rate = old && now > then ? (double)(now - then) / seconds : 0;

			if (!counter)
				continue;
			json_object_set_new(row, counters[c][1],
					    json_integer((json_int_t)(rate + 0.5)));
		}
	}
}

static void rate_field_drop(const struct show_kind *kind, const struct show *show, json_t *rows)
{
	bool data = show->output == OUTPUT_JSON || show->output == OUTPUT_YAML;
	json_t *row;
	size_t i;

	if (!kind->rate_field || !data || cli_switch(show->cli, "rate"))
		return;
	json_array_foreach (rows, i, row)
		json_object_del(row, kind->rate_field);
}

static int rows_take(const struct show_kind *kind, struct show *show, json_t **ret_rows,
		     struct err *err)
{
	json_t *rows = json_array();
	int r = kind->rows(show, rows, err);

	if (r) {
		json_decref(rows);
		return r;
	}
	show_filter_rows(show, rows);
	rate_field_drop(kind, show, rows);
	*ret_rows = rows;
	return 0;
}

/* Rows that are new or differ from before. */
static json_t *rows_changed(const json_t *rows, const json_t *before)
{
	cleanup_json json_t *index = rows_by_key(before);
	json_t *changed = json_array(), *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		cleanup_free char *key = row_key(row);

		if (!json_equal(row, json_object_get(index, key)))
			json_array_append(changed, row);
	}
	return changed;
}

/* The kind's columns, and those of rates behind them. */
static struct show_column *columns_make(const struct show_kind *kind, bool rate)
{
	VEC(struct show_column) columns = { 0 };

	for (const struct show_column *column = kind->columns; column->title; column++)
		vec_push(&columns, *column);
	for (const struct show_column *column = rate ? kind->rates : NULL; column && column->title;
	     column++)
		vec_push(&columns, *column);
	(void)vec_add(&columns);
	return columns.items;
}

static void rows_print(const struct show *show, const struct show_column *columns, json_t *rows,
		       bool header, struct table *table)
{
	if (show->output == OUTPUT_JSON || show->output == OUTPUT_YAML)
		output_json(stdout, show->output, rows);
	else if (json_array_size(rows) || !header)
		show_table(show, columns, rows, header, table);
	fflush(stdout);
}

static void pause_until(double at)
{
	double left = at - now_seconds();
	struct timespec pause;

	if (left <= 0)
		return;
	pause.tv_sec = (time_t)left;
	pause.tv_nsec = (long)((left - (double)pause.tv_sec) * 1e9);
	nanosleep(&pause, NULL);
}

/* Looks again every second; the first time with --rate only to have something to compare with. */
static int look_again(const struct show_kind *kind, struct show *show, json_t **rows,
		      const struct show_column *columns, struct table *table, struct err *err)
{
	bool watch = cli_switch(show->cli, "watch"), rate = cli_switch(show->cli, "rate");
	bool header = rate;
	double at = now_seconds();

	do {
		cleanup_json json_t *before = *rows, *changed = NULL;
		double last = at;
		int r;

		pause_until(at + (double)PERIOD_NS / 1e9);
		at = now_seconds();
		*rows = NULL;
		r = rows_take(kind, show, rows, err);
		if (r)
			return r;
		if (rate)
			show_rates_add(*rows, before, at - last);
		changed = rate ? json_incref(*rows) : rows_changed(*rows, before);
		if (json_array_size(changed))
			rows_print(show, columns, changed, header, table);
		header = header && !json_array_size(changed);
	} while (watch && !ferror(stdout));
	return 0;
}

int show_watch(const struct show_kind *kind, struct show *show, struct err *err)
{
	bool rate = cli_switch(show->cli, "rate"), watch = cli_switch(show->cli, "watch");
	cleanup_free struct show_column *columns = columns_make(kind, rate);
	cleanup_json json_t *rows = NULL;
	struct table table = TABLE_GET;
	int r = rows_take(kind, show, &rows, err);

	if (r)
		return r;
	if (!json_array_size(rows) && show->output != OUTPUT_JSON && show->output != OUTPUT_YAML)
		fprintf(stderr, "%s\n", kind->nothing);
	if (!rate)
		rows_print(show, columns, rows, true, &table);
	if (rate || watch)
		r = look_again(kind, show, &rows, columns, &table, err);
	return r;
}
