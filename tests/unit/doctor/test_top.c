/* SPDX-License-Identifier: Apache-2.0 */
/* The screen of `lbctl top` for given counters, sizes and keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "user/cmd/top.h"
#include "user/util/cleanup.h"

static json_t *row(const char *name, int packets, int bytes, int connections)
{
	return json_pack("{s:s, s:s, s:i, s:i, s:i, s:i}", "namespace", "default", "name", name,
			 "port", 80, "packetsPerSecond", packets, "bytesPerSecond", bytes,
			 "connectionsPerSecond", connections);
}

static json_t *three(void)
{
	json_t *rows = json_array();

	json_array_append_new(rows, row("calm", 0, 0, 0));
	json_array_append_new(rows, row("big", 300, 90000000, 1));
	json_array_append_new(rows, row("busy", 900, 1000, 9));
	return rows;
}

static char *draw(const struct top_view *view)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	top_draw(out, view);
	fclose(out);
	return text;
}

static const struct order_row {
	const char *name;
	enum top_sort sort;
	const char *first, *second;
} orders[] = {
	{ "packets", TOP_PACKETS, "busy", "big" },
	{ "bytes", TOP_BYTES, "big", "busy" },
	{ "connections", TOP_CONNECTIONS, "busy", "big" },
	{ "name", TOP_NAME, "big", "busy" },
};

static void test_order(void **state)
{
	cleanup_json json_t *rows = three();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct top_view view = { .rows = rows, .sort = orders[i].sort, .node = "n" };
		size_t n;
		cleanup_free const json_t **sorted = top_sorted(&view, &n);
		const char *first = json_string_value(json_object_get(sorted[0], "name"));
		const char *second = json_string_value(json_object_get(sorted[1], "name"));

		assert_int_equal(n, 3);
		if (strcmp(first, orders[i].first) != 0 || strcmp(second, orders[i].second) != 0)
			fail_msg("%s: %s, %s", orders[i].name, first, second);
	}
}

static void test_plain(void **state)
{
	cleanup_json json_t *rows = three();
	struct top_view view = { .rows = rows, .node = "node1", .drops = 7 };
	cleanup_free char *text = draw(&view);

	(void)state;
	assert_non_null(strstr(text, "node1  a second: 1200 packets, 90.0M bytes, 10 connections, "
				     "7 dropped"));
	assert_non_null(strstr(text, "default/busy:80"));
	assert_non_null(strstr(text, " 75% ########################\n"));
	assert_non_null(strstr(text, " 25% ########\n"));
	assert_non_null(strstr(text, " 0% \n"));
	assert_null(strchr(text, '\033')); /* nothing that only a terminal understands */
}

/* Whatever the size, no line is wider, and there are no more than fit. */
static void test_sizes(void **state)
{
	cleanup_json json_t *rows = three();

	(void)state;
	for (int height = 1; height < 12; height++) {
		for (int width = 1; width < 140; width += 7) {
			struct top_view view = {
				.rows = rows, .node = "node1", .width = width, .height = height
			};
			cleanup_free char *text = draw(&view);
			char *rest = text, *line;
			int lines = 0;

			while ((line = strsep(&rest, "\n")) && (*line || rest)) {
				size_t marks = *line == '\033' ? strlen("\033[7m\033[0m") : 0;

				lines++;
				assert_true(strlen(line) - marks <= (size_t)width);
			}
			assert_true(lines <= height);
		}
	}
}

/* The marked row is on the screen, however far down it is. */
static void test_scroll(void **state)
{
	cleanup_json json_t *rows = json_array();

	(void)state;
	for (int i = 0; i < 50; i++) {
		char name[16];

		snprintf(name, sizeof(name), "svc-%02d", i);
		json_array_append_new(rows, row(name, 0, 0, 0));
	}
	for (size_t selected = 0; selected < 50; selected++) {
		struct top_view view = {
			.rows = rows, .node = "n", .width = 80, .height = 10, .selected = selected
		};
		cleanup_free char *text = draw(&view), *wanted = NULL;

		assert_true(asprintf(&wanted, "\033[7mdefault/svc-%02zu:80", selected) > 0);
		if (!strstr(text, wanted))
			fail_msg("row %zu is not marked: %s", selected, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_scroll),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
