/* SPDX-License-Identifier: Apache-2.0 */
/* A source and a server over real connections: each row is what the server is asked, and does. */
#include "tests/unit/api/world.h"

#include <signal.h>

/* Impatient, so that tests need not be patient. */
static const struct source_times impatient = {
	.look_min = 20, .look_max = 40, .list_silence = 400, .watch_silence = 400
};
struct row {
	const char *name;
	const struct source_times *times;
	struct answer script[8];
	const char *heard;
	const char *error; /* in the end; NULL: none */
};

static const struct row rows[] = {
	{ "a list and a watch",
	  &patient,
	  { VERSION,
	    OK("GET /api/v1/nodes?limit=500&resourceVersion=0 ", LIST("7", "", NODE("a", "5"))),
	    WATCH("&resourceVersion=7 ", EVENT("ADDED", NODE("b", "8"))) },
	  "+a .nodes +b ",
	  NULL },
	{ "every byte comes alone",
	  &patient,
	  { VERSION,
	    { "limit=500", 200, NULL, LIST("7", "c1", NODE("a", "5")), ENDS, 1, 0 },
	    { "continue=c1", 200, NULL, LIST("7", "", NODE("b", "5")), ENDS, 1, 0 },
	    { "watch=1", 200, NULL, EVENT("DELETED", NODE("a", "8")) BOOKMARK("9"), IS_SILENT, 1,
	      0 } },
	  "+a +b .nodes -a ",
	  NULL },
	{ "the server hangs up after each answer",
	  &patient,
	  { { "GET /version ", 200, NULL, "{}", CLOSES, 0, 0 },
	    { "limit=500", 200, NULL, LIST("7", "", NODE("a", "5")), CLOSES, 0, 0 },
	    { "watch=1", 200, NULL, EVENT("ADDED", NODE("b", "8")), CLOSES, 0, 0 },
	    WATCH("&resourceVersion=8 ", EVENT("ADDED", NODE("c", "9"))) },
	  "+a .nodes +b +c ",
	  NULL },
	{ "a watch that is reset in the middle of a line",
	  &patient,
	  { VERSION,
	    OK("limit=500", LIST("7", "", NODE("a", "5"))),
	    { "watch=1", 200, NULL, EVENT("ADDED", NODE("b", "8")) "{\"type\":\"ADD", RESETS, 7,
	      0 },
	    WATCH("&resourceVersion=8 ", EVENT("ADDED", NODE("c", "9"))) },
	  "+a .nodes +b +c ",
	  NULL },
	{ "a connection that falls silent is found, and another one made",
	  &impatient,
	  { VERSION, OK("limit=500", LIST("7", "", NODE("a", "5"))),
	    WATCH("&resourceVersion=7 ", EVENT("ADDED", NODE("b", "8"))),
	    WATCH("&resourceVersion=8 ", EVENT("ADDED", NODE("c", "9"))) },
	  "+a .nodes +b +c ",
	  NULL },
	{ "a list that never comes",
	  &impatient,
	  { VERSION,
	    { "limit=500", 0, NULL, NULL, IS_SILENT, 0, 0 },
	    OK("limit=500", LIST("7", "", NODE("a", "5"))),
	    WATCH("watch=1", BOOKMARK("8")) },
	  "+a .nodes ",
	  NULL },
	{ "410 to the watch",
	  &patient,
	  { VERSION,
	    OK("limit=500", LIST("7", "", NODE("a", "5") "," NODE("b", "5"))),
	    { "watch=1", 410, NULL, STATUS("410", "Expired", "too old"), ENDS, 0, 0 },
	    OK("nodes?resourceVersion=7 ", LIST("9", "", NODE("b", "5"))),
	    WATCH("&resourceVersion=9 ", EVENT("ADDED", NODE("c", "10"))) },
	  "+a +b .nodes -a .nodes +c ",
	  NULL },
	{ "not allowed: what and why is told",
	  &patient,
	  { VERSION,
	    { "limit=500", 403, NULL,
	      STATUS("403", "Forbidden", "nodes is forbidden: User x cannot list resource nodes"),
	      ENDS, 0, 0 } },
	  "",
	  "status 403 Forbidden: nodes is forbidden: User x cannot list resource nodes" },
	{ "a page of a proxy",
	  &patient,
	  { VERSION, { "limit=500", 503, NULL, "<html>\tno\nway", ENDS, 0, 0 } },
	  "",
	  "status 503: <html> no" },
	{ "an object of ten MiB",
	  &patient,
	  { VERSION,
	    OK("limit=500", LIST("7", "", "")),
	    { "watch=1", 200, NULL, "y", IS_SILENT, 0, 10 },
	    WATCH("&resourceVersion=7 ", EVENT("ADDED", NODE("a", "9"))) },
	  ".nodes +a ",
	  NULL },
	{ "a list of version that is not JSON",
	  &patient,
	  { OK("GET /version ", "garbage"), OK("limit=500", LIST("7", "", "")),
	    WATCH("watch=1", EVENT("ADDED", NODE("a", "9"))) },
	  ".nodes +a ",
	  NULL },
	{ "a server that streams lists",
	  &patient,
	  { OK("GET /version ", "{\"gitVersion\":\"v1.36.0\",\"minor\":\"36+\"}"),
	    OK("resourceVersion=&sendInitialEvents=true",
	       EVENT("ADDED", NODE("a", "5")) INITIAL_END("7")
		       EVENT("ERROR", STATUS("410", "Gone", "old"))),
	    WATCH("resourceVersion=7&sendInitialEvents=true",
		  EVENT("ADDED", NODE("b", "5")) INITIAL_END("9")) },
	  "+a .nodes +b -a .nodes ",
	  NULL },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world world;

		world_open(&world, rows[i].script);
		world_start(&world, rows[i].times);
		world_run(&world, rows[i].heard, rows[i].error);
		world_check(&world, rows[i].name, rows[i].heard, rows[i].error);
		world_close(&world);
	}
}

/* ------------------------------------------------------------------- times -- */

static void test_retry_after(void **state)
{
	static const struct answer script[] = {
		VERSION,
		{ "limit=500", 429, "Retry-After: 2\r\n", STATUS("429", "TooManyRequests", "later"),
		  ENDS, 0, 0 },
		OK("limit=500", LIST("7", "", NODE("a", "5"))),
		WATCH("watch=1", ""),
		{ 0 },
	};
	int64_t began = clock_ms();
	struct world world;

	(void)state;
	world_open(&world, script);
	world_start(&world, &patient);
	world_run(&world, "+a .nodes ", false);
	world_check(&world, "retry", "+a .nodes ", NULL);
	assert_in_range(clock_ms() - began, 2000, 10000);
	world_close(&world);
}

/* A server that was away for long is found again as soon as one that was away for short. */
static void test_comes_back(void **state)
{
	static const struct answer script[] = {
		VERSION,
		OK("limit=500", LIST("7", "", NODE("a", "5"))),
		{ "watch=1", 200, NULL, "{", RESETS, 0, 0 },
		VERSION,
		WATCH("&resourceVersion=7 ", EVENT("ADDED", NODE("b", "8"))),
		{ 0 },
	};
	struct world world;
	int64_t back;

	(void)state;
	world_open(&world, script);
	world_start(&world, &patient);
	for (unsigned int i = 0; i < 500 && world.server.at < 3; i++)
		loop_run(world.base, 10);
	evconnlistener_free(world.server.listener);
	world.server.listener = NULL;
	for (size_t i = 0; i < ARRAY_LEN(world.server.clients); i++)
		server_hang_up(&world.server, i, true);
	loop_run(world.base, 2500);
	assert_non_null(strstr(source_report(world.source, 0).state->error, "connect"));
	assert_string_equal(notes_text(&world.notes), "+a .nodes ");
	server_listen(&world.server, world.server.port);
	back = clock_ms();
	world_run(&world, "+a .nodes +b ", false);
	world_check(&world, "back", "+a .nodes +b ", NULL);
	assert_in_range(clock_ms() - back, 0, 2000);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),

		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_comes_back),

	};

	environment_clean();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
