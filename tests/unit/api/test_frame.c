/* SPDX-License-Identifier: Apache-2.0 */
/* Objects come out whole, wherever the network cut them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/api/frame.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* What was taken, each in <>. */
static int note(void *arg, const char *text, size_t size, struct err *err)
{
	(void)err;
	fprintf(arg, "<%.*s>", (int)size, text);
	return 0;
}

static char *frames(enum frame_kind kind, const char *text, size_t piece, bool *ret_torn,
		    char **ret_shell, int *ret_rc)
{
	size_t size = strlen(text), n;
	struct frame frame;
	struct err err;
	char *taken;
	FILE *out = open_memstream(&taken, &n);

	frame_init(&frame, kind, note, out);
	*ret_rc = 0;
	for (size_t at = 0; at < size && !*ret_rc; at += piece) {
		size_t length = size - at < piece ? size - at : piece;
		/* An allocation of its own: a byte too far is found. */
		cleanup_free char *copy = xmalloc(length);

		memcpy(copy, text + at, length);
		*ret_rc = frame_feed(&frame, copy, length, &err);
	}
	*ret_torn = frame_is_torn(&frame);
	*ret_shell = xcalloc(frame.shell.n + 1, 1);
	if (frame.shell.n)
		memcpy(*ret_shell, frame.shell.data, frame.shell.n);
	frame_done(&frame);
	fclose(out);
	return taken;
}

static void test_rows(void **state)
{
	static const struct {
		const char *name;
		enum frame_kind kind;
		const char *text, *taken, *shell;
		bool torn;
		int rc;
	} rows[] = {
		{ "lines", FRAME_LINES, "{\"a\":1}\n{\"b\":2}\n", "<{\"a\":1}><{\"b\":2}>", "",
		  false, 0 },
		{ "empty lines are none", FRAME_LINES, "\n\n{}\n\n", "<{}>", "", false, 0 },
		{ "a line without end", FRAME_LINES, "{}\n{\"a\"", "<{}>", "", true, 0 },
		{ "a list", FRAME_ITEMS,
		  "{\"kind\":\"XList\",\"metadata\":{\"resourceVersion\":\"7\"},"
		  "\"items\":[{\"a\":1},{\"b\":[2,{}]}]}\n",
		  "<{\"a\":1}><{\"b\":[2,{}]}>",
		  "{\"kind\":\"XList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[]}\n",
		  false, 0 },
		{ "no items", FRAME_ITEMS, "{\"items\":[],\"metadata\":{}}", "",
		  "{\"items\":[],\"metadata\":{}}", false, 0 },
		{ "items are null", FRAME_ITEMS, "{\"items\":null}", "", "{\"items\":null}", false,
		  0 },
		{ "brackets and quotes in strings", FRAME_ITEMS,
		  "{\"x\":\"[{\\\"\",\"items\":[{\"a\":\"}]\\\\\"},{\"b\":\"\\\"{\"}]}",
		  "<{\"a\":\"}]\\\\\"}><{\"b\":\"\\\"{\"}>", "{\"x\":\"[{\\\"\",\"items\":[]}",
		  false, 0 },
		{ "items of something inside", FRAME_ITEMS,
		  "{\"metadata\":{\"items\":[{\"a\":1}]},\"items\":[{}]}", "<{}>",
		  "{\"metadata\":{\"items\":[{\"a\":1}]},\"items\":[]}", false, 0 },
		{ "space everywhere", FRAME_ITEMS, " { \"items\": [ { } , { \"a\" : 1 } ] } ",
		  "<{ }><{ \"a\" : 1 }>", " { \"items\": [] } ", false, 0 },
		{ "a list that breaks off", FRAME_ITEMS, "{\"items\":[{\"a\":1},{\"b\"",
		  "<{\"a\":1}>", "{\"items\":[", true, 0 },
		{ "a list that breaks off between items", FRAME_ITEMS, "{\"items\":[{\"a\":1},",
		  "<{\"a\":1}>", "{\"items\":[", true, 0 },
		{ "items that are no objects", FRAME_ITEMS, "{\"items\":[1,2]}", "", "{\"items\":[",
		  true, -EPROTO },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t piece = 1; piece <= strlen(rows[i].text); piece++) {
			cleanup_free char *taken = NULL, *shell = NULL;
			bool torn;
			int rc;

			taken = frames(rows[i].kind, rows[i].text, piece, &torn, &shell, &rc);
			if (strcmp(taken, rows[i].taken) != 0 ||
			    strcmp(shell, rows[i].shell) != 0 || torn != rows[i].torn ||
			    rc != rows[i].rc)
				fail_msg("%s, pieces of %zu: took %s, shell %s, torn %d, rc %d",
					 rows[i].name, piece, taken, shell, torn, rc);
		}
	}
}

/* Nothing that a server sends makes the agent's memory grow without end. */
static void test_too_long(void **state)
{
	static const char *const begins[] = { "{\"a\":\"", "{\"items\":[{\"a\":\"", "{\"x\":\"" };
	static const enum frame_kind kinds[] = { FRAME_LINES, FRAME_ITEMS, FRAME_ITEMS };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
		char piece[64 << 10];
		struct frame frame;
		struct err err;
		size_t fed = 0;
		int rc;

		memset(piece, 'x', sizeof(piece));
		frame_init(&frame, kinds[i], note, stderr);
		rc = frame_feed(&frame, begins[i], strlen(begins[i]), &err);
		while (!rc && fed < 2 * (size_t)FRAME_MAX) {
			rc = frame_feed(&frame, piece, sizeof(piece), &err);
			fed += sizeof(piece);
		}
		assert_int_equal(rc, -EMSGSIZE);
		assert_string_equal(err.text, "an object of more than 8 MiB");
		frame_done(&frame);
	}
}

static int refuse(void *arg, const char *text, size_t size, struct err *err)
{
	(void)arg;
	(void)text;
	(void)size;
	return err_set(err, -ECANCELED, "no");
}

static void test_taker_refuses(void **state)
{
	struct frame frame;
	struct err err;

	(void)state;
	frame_init(&frame, FRAME_LINES, refuse, NULL);
	assert_int_equal(frame_feed(&frame, "{}\n{}\n", 6, &err), -ECANCELED);
	frame_done(&frame);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_taker_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
