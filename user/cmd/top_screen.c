/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/top.h"

#include <stdbool.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define HEAD_LINES 3 /* title, blank, columns */
#define BAR_MOST 40
#define PLAIN_WIDTH 120 /* where no terminal has one */
#define LINE_MOST 512

static const char *const sort_keys[TOP_SORTS] = {
	[TOP_PACKETS] = "packetsPerSecond",
	[TOP_BYTES] = "bytesPerSecond",
	[TOP_CONNECTIONS] = "connectionsPerSecond",
	[TOP_DROPS] = "dropsPerSecond",
	[TOP_NAME] = "name",
};

static const char *const sort_texts[TOP_SORTS] = {
	[TOP_PACKETS] = "packets", [TOP_BYTES] = "bytes", [TOP_CONNECTIONS] = "connections",
	[TOP_DROPS] = "drops",	   [TOP_NAME] = "name",
};

static json_int_t number(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

static const char *text(const json_t *row, const char *key)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value ? value : "-";
}

/* ------------------------------------------------------------------- order -- */

static int name_order(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "namespace", "name", "address" };
	int order = 0;

	for (size_t i = 0; i < ARRAY_LEN(keys) && !order; i++)
		order = strcmp(text(a, keys[i]), text(b, keys[i]));
	return order ? order : (int)(number(a, "port") - number(b, "port"));
}

/* The busiest first; names decide where nothing else does, so that rows keep their places. */
static int row_order(const void *a, const void *b, void *arg)
{
	const json_t *x = *(const json_t *const *)a, *y = *(const json_t *const *)b;
	enum top_sort sort = *(const enum top_sort *)arg;
	json_int_t m = number(x, sort_keys[sort]), n = number(y, sort_keys[sort]);

	if (sort != TOP_NAME && m != n)
		return m > n ? -1 : 1;
	return name_order(x, y);
}

const json_t **top_sorted(const struct top_view *view, size_t *ret_n)
{
	size_t n = json_array_size(view->rows);
	const json_t **rows = xcalloc(n + 1, sizeof(*rows));
	enum top_sort sort = view->sort;

	for (size_t i = 0; i < n; i++)
		rows[i] = json_array_get(view->rows, i);
	qsort_r(rows, n, sizeof(*rows), row_order, &sort);
	*ret_n = n;
	return rows;
}

/* -------------------------------------------------------------------- lines -- */

/* "1234", "12.3k", "4.5M": five characters at most */
static const char *short_number(json_int_t value, char out[16])
{
	static const char units[] = "kMGTPE";
	double rest = (double)value;
	int unit = -1;

	while (rest >= 9999.5 && units[unit + 1]) {
		rest /= 1000;
		unit++;
	}
	if (unit < 0)
		snprintf(out, 16, "%lld", (long long)value);
	else
		snprintf(out, 16, rest < 99.95 ? "%.1f%c" : "%.0f%c", rest, units[unit]);
	return out;
}

static void put_line(FILE *out, const struct top_view *view, const char *line, bool marked)
{
	int width = view->width > 0 && view->width < LINE_MOST ? view->width : LINE_MOST - 1;

	fprintf(out, "%s%.*s%s\n", marked ? "\033[7m" : "", width, line, marked ? "\033[0m" : "");
}

static json_int_t total(const json_t *rows, const char *key)
{
	json_int_t sum = 0;
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row)
		sum += number(row, key);
	return sum;
}

static void put_title(FILE *out, const struct top_view *view)
{
	char line[LINE_MOST], packets[16], bytes[16], connections[16], drops[16];

	snprintf(line, sizeof(line),
		 "%s  a second: %s packets, %s bytes, %s connections, %s dropped  sorted by %s",
		 view->backends ? view->backends : view->node,
		 short_number(total(view->rows, "packetsPerSecond"), packets),
		 short_number(total(view->rows, "bytesPerSecond"), bytes),
		 short_number(total(view->rows, "connectionsPerSecond"), connections),
		 short_number(view->drops, drops), sort_texts[view->sort]);
	put_line(out, view, line, false);
	put_line(out, view,
		 view->height
			 ? "q quit  s S sort  up/down select  enter or right: backends  left: back"
			 : "",
		 false);
}

static const char *share_key(const struct top_view *view)
{
	return sort_keys[view->sort == TOP_NAME ? TOP_PACKETS : view->sort];
}

/* The part of all that a row has, by what is sorted for (packets, when by name). */
static void put_row(FILE *out, const struct top_view *view, const json_t *row, json_int_t all,
		    int name_width, bool marked)
{
	json_int_t part = number(row, share_key(view));
	int percent = all ? (int)(part * 100 / all) : 0, room, used;
	char line[LINE_MOST], name[256], packets[16], bytes[16], connections[16], drops[16] = "";

	if (view->backends)
		snprintf(name, sizeof(name), "%s %s", text(row, "address"), text(row, "state"));
	else
		snprintf(name, sizeof(name), "%s/%s:%lld", text(row, "namespace"),
			 text(row, "name"), (long long)number(row, "port"));
	if (!view->backends) /* what is refused has no backend */
		short_number(number(row, "dropsPerSecond"), drops);
	used = snprintf(line, sizeof(line), "%-*.*s %8s %8s %8s %7s %4d%% ", name_width, name_width,
			name, short_number(number(row, "connectionsPerSecond"), connections),
			short_number(number(row, "packetsPerSecond"), packets),
			short_number(number(row, "bytesPerSecond"), bytes), drops, percent);
	room = (view->width > 0 ? view->width : PLAIN_WIDTH) - used;
	room = room > BAR_MOST ? BAR_MOST : room;
	for (int i = 0; i < room && i * 100 < percent * room && used < LINE_MOST - 1; i++)
		line[used++] = '#';
	line[used] = '\0';
	put_line(out, view, line, marked);
}

void top_draw(FILE *out, const struct top_view *view)
{
	int name_width = (view->width > 0 ? view->width : PLAIN_WIDTH) / 2 - 14;
	size_t n, first = 0, shown;
	cleanup_free const json_t **rows = top_sorted(view, &n);
	json_int_t all = total(view->rows, share_key(view));
	char line[LINE_MOST];

	if (view->height && view->height <= HEAD_LINES)
		return;
	name_width = name_width > 60 ? 60 : name_width < 24 ? 24 : name_width;
	shown = view->height ? (size_t)(view->height - HEAD_LINES) : n;
	if (view->selected >= shown)
		first = view->selected - shown + 1;
	put_title(out, view);
	snprintf(line, sizeof(line), "%-*s %8s %8s %8s %7s %5s", name_width,
		 view->backends ? "BACKEND" : "SERVICE", "CONN/S", "PACKET/S", "BYTE/S",
		 view->backends ? "" : "DROP/S", "SHARE");
	put_line(out, view, line, false);
	for (size_t i = first; i < n && i - first < shown; i++)
		put_row(out, view, rows[i], all, name_width, view->height && i == view->selected);
}
