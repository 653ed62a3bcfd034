/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations with an API server, as rows: what is asked, what is answered, and what the sink
 * hears of it. Each is held several times, with the answers cut in other places.
 */
#include "tests/unit/api/sink.h"

#include <errno.h>

#define MINUTES 400000

enum wait {
	AT_ONCE,
	LATER,
};

/* One request, a part of its path that matters, and its answer. */
struct turn {
	const char *asks;
	const char *body; /* with a status of 200 */
	enum api_outcome outcome;
	long status;
	const char *reason, *text;
	int64_t took;
	enum wait wait;
};

#define DONE(asks, body)                                      \
	{                                                     \
		asks, body, API_DONE, 200, "", "", 0, AT_ONCE \
	}
#define WATCHED(asks, body)                                         \
	{                                                           \
		asks, body, API_DONE, 200, "", "", MINUTES, AT_ONCE \
	}
#define REFUSED(asks, status, reason, text, wait)                       \
	{                                                               \
		asks, NULL, API_REFUSED, status, reason, text, 10, wait \
	}
#define BROKEN(asks, body, text)                                 \
	{                                                        \
		asks, body, API_BROKEN, 200, "", text, 10, LATER \
	}

struct conversation {
	const char *name;
	bool stream;
	struct turn turns[8];
	const char *heard;
	const char *last; /* what would be asked next */
};

static const struct conversation conversations[] = {
	{ "a list, then a watch, then another from where it ended",
	  false,
	  { DONE("/api/v1/nodes?x=y&limit=500&resourceVersion=0", LIST("7", "", NODE("a", "5"))),
	    WATCHED("&resourceVersion=7", EVENT("ADDED", NODE("b", "8")) BOOKMARK("12")) },
	  "+a .nodes +b ",
	  "watch=1&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=12" },
	{ "a list in pages",
	  false,
	  { DONE("limit=500&resourceVersion=0", LIST("7", "c/1", NODE("a", "5"))),
	    DONE("limit=500&continue=c%2F1", LIST("7", "c2", NODE("b", "5"))),
	    DONE("continue=c2", LIST("7", "", NODE("c", "5"))) },
	  "+a +b +c .nodes ",
	  "&resourceVersion=7" },
	{ "modified and deleted",
	  false,
	  { DONE("", LIST("7", "", NODE("a", "5") "," NODE("b", "6"))),
	    WATCHED("watch=1", EVENT("MODIFIED", NODE("a", "8")) EVENT("DELETED", NODE("b", "9"))
				       EVENT("DELETED", NODE("never", "9"))) },
	  "+a +b .nodes +a -b ",
	  "&resourceVersion=9" },
	{ "a page's token has expired: from the beginning, from the store",
	  false,
	  { DONE("", LIST("7", "", NODE("a", "5") "," NODE("b", "6"))),
	    REFUSED("watch=1", 410, "Gone", "too old", LATER),
	    DONE("nodes?x=y&resourceVersion=7", LIST("9", "c1", NODE("a", "5"))),
	    REFUSED("continue=c1", 410, "Expired", "token", LATER),
	    DONE("nodes?x=y&limit=500", LIST("11", "", NODE("b", "6"))) },
	  "+a +b .nodes -a .nodes ",
	  "&resourceVersion=11" },
	{ "expired inside of a watch: what still exists stays",
	  false,
	  { DONE("", LIST("7", "", NODE("a", "5") "," NODE("b", "6"))),
	    BROKEN("watch=1",
		   EVENT("ADDED", NODE("c", "8"))
			   EVENT("ERROR", STATUS("410", "Expired", "too old resource version")),
		   "too old resource version"),
	    DONE("nodes?x=y&resourceVersion=8", LIST("9", "", NODE("b", "6") "," NODE("c", "9"))) },
	  "+a +b .nodes +c +c -a .nodes ",
	  "&resourceVersion=9" },
	{ "the server does not know a version that new",
	  false,
	  { DONE("", LIST("900", "", NODE("a", "5"))),
	    REFUSED("watch=1", 504, "Timeout", "Too large resource version: 900", LATER),
	    REFUSED("nodes?x=y&resourceVersion=900", 504, "Timeout",
		    "Too large resource version: 900", LATER),
	    DONE("nodes?x=y&limit=500", LIST("7", "", NODE("a", "5"))) },
	  "+a .nodes .nodes ",
	  "&resourceVersion=7" },
	{ "a list that breaks off takes nothing away",
	  false,
	  { DONE("", LIST("7", "", NODE("a", "5") "," NODE("b", "6"))),
	    REFUSED("watch=1", 410, "Gone", "too old", LATER),
	    BROKEN("nodes?", "{\"metadata\":{},\"items\":[" NODE("b", "6") ",", "reset"),
	    DONE("nodes?x=y&resourceVersion=7", LIST("9", "", NODE("a", "5"))) },
	  "+a +b .nodes -b .nodes ",
	  "&resourceVersion=9" },
	{ "a list that ends in the middle, in order",
	  false,
	  { { "", "{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[" NODE("a", "5") "]",
	      API_DONE, 200, "", "", 0, LATER },
	    DONE("limit=500&resourceVersion=0", LIST("7", "", NODE("a", "5"))) },
	  "+a .nodes ",
	  "&resourceVersion=7" },
	{ "a connection that is reset in the middle of a line",
	  false,
	  { DONE("", LIST("7", "", "")),
	    BROKEN("watch=1", EVENT("ADDED", NODE("a", "8")) "{\"type\":\"ADDED\",\"obj", "reset"),
	    WATCHED("&resourceVersion=8", EVENT("ADDED", NODE("b", "9"))) },
	  ".nodes +a +b ",
	  "&resourceVersion=9" },
	{ "lines that are no events, until everything is listed anew",
	  false,
	  { DONE("", LIST("7", "", NODE("a", "5"))),
	    BROKEN("&resourceVersion=7", "garbage\n", "an event that is not JSON"),
	    BROKEN("&resourceVersion=7", "{\"type\":\"ADDED\"}\n", "an event without"),
	    BROKEN("&resourceVersion=7", EVENT("PONDERED", NODE("b", "8")), "unknown type"),
	    DONE("nodes?x=y&resourceVersion=7", LIST("9", "", NODE("b", "8"))) },
	  "+a .nodes +b -a .nodes ",
	  "&resourceVersion=9" },
	{ "an hour without the server is no reason to list anew",
	  false,
	  { DONE("", LIST("7", "", NODE("a", "5"))),
	    { "watch=1", NULL, API_UNREACHABLE, 0, "", "refused", 1, LATER },
	    { "watch=1", NULL, API_UNREACHABLE, 0, "", "refused", 1, LATER },
	    { "watch=1", NULL, API_SILENT, 0, "", "nothing was heard", 1, AT_ONCE },
	    { "watch=1", NULL, API_UNREACHABLE, 0, "", "refused", 1, LATER } },
	  "+a .nodes ",
	  "&resourceVersion=7" },
	{ "forbidden, and later allowed",
	  false,
	  { REFUSED("limit=500", 403, "Forbidden", "cannot list", LATER),
	    REFUSED("limit=500", 403, "Forbidden", "cannot list", LATER),
	    DONE("limit=500", LIST("7", "", NODE("a", "5"))),
	    REFUSED("watch=1", 403, "Forbidden", "cannot watch", LATER) },
	  "+a .nodes ",
	  "watch=1" },
	{ "an object that cannot be read does not stop the others, nor is it gone",
	  false,
	  { DONE("", LIST("7", "",
			  NODE("a", "5") ",{\"metadata\":{\"name\":\"B_d\","
					 "\"resourceVersion\":\"5\"}}," NODE("c", "6"))),
	    WATCHED("watch=1", EVENT("MODIFIED", "{\"metadata\":{\"name\":\"a\","
						 "\"resourceVersion\":\"8\",\"labels\":7}}")),
	    REFUSED("watch=1", 410, "Gone", "too old", LATER),
	    DONE("nodes?x=y&resourceVersion=8",
		 LIST("9", "", "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"8\"}}")) },
	  "+a ! +c .nodes ! -B_d -c .nodes ",
	  "&resourceVersion=9" },
	{ "an event without a version",
	  false,
	  { DONE("", LIST("7", "", "")),
	    BROKEN("watch=1", EVENT("ADDED", "{\"metadata\":{\"name\":\"a\"}}"), "without a") },
	  ".nodes ",
	  "&resourceVersion=7" },
	{ "a watch that ends at once",
	  false,
	  { DONE("", LIST("7", "", "")),
	    { "watch=1", "", API_DONE, 200, "", "", 20, LATER },
	    { "watch=1", EVENT("ADDED", NODE("a", "8")), API_DONE, 200, "", "", 20, LATER } },
	  ".nodes +a ",
	  "&resourceVersion=8" },
	{ "a streamed list",
	  true,
	  { WATCHED("&resourceVersion=&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
		    EVENT("ADDED", NODE("a", "5")) EVENT("ADDED", NODE("b", "6")) INITIAL_END("7")
			    EVENT("ADDED", NODE("c", "8")) BOOKMARK("9")) },
	  "+a +b .nodes +c ",
	  "timeoutSeconds=300&resourceVersion=9" },
	{ "a streamed list that breaks off, and a whole one",
	  true,
	  { BROKEN("sendInitialEvents", EVENT("ADDED", NODE("a", "5")), "reset"),
	    { "sendInitialEvents", EVENT("ADDED", NODE("b", "5")), API_DONE, 200, "", "", MINUTES,
	      LATER },
	    WATCHED("resourceVersion=&sendInitialEvents",
		    EVENT("ADDED", NODE("b", "5")) INITIAL_END("7")) },
	  "+a +b -a .nodes ",
	  "&resourceVersion=7" },
	{ "a streamed list is refused: in pages then, and from then on",
	  true,
	  { REFUSED("sendInitialEvents", 422, "Invalid", "sendInitialEvents is forbidden", AT_ONCE),
	    DONE("limit=500&resourceVersion=0", LIST("7", "", NODE("a", "5"))),
	    REFUSED("watch=1", 410, "Gone", "too old", LATER) },
	  "+a .nodes ",
	  "nodes?x=y&resourceVersion=7" },
	{ "a watch that began as a streamed list expires",
	  true,
	  { BROKEN("sendInitialEvents",
		   EVENT("ADDED", NODE("a", "5")) INITIAL_END("7")
			   EVENT("ERROR", STATUS("410", "Gone", "old")),
		   "old") },
	  "+a .nodes ",
	  "resourceVersion=7&sendInitialEvents=true" },
	{ "a streamed list from a version that is gone",
	  true,
	  { WATCHED("resourceVersion=&send", EVENT("ADDED", NODE("a", "5")) INITIAL_END("7")),
	    REFUSED("watch=1", 410, "Gone", "too old", LATER),
	    REFUSED("resourceVersion=7&sendInitialEvents", 504, "Timeout",
		    "Too large resource version: 7", LATER) },
	  "+a .nodes ",
	  "resourceVersion=&sendInitialEvents=true" },
};

static void check_turn(const struct conversation *c, struct reflector *reflector,
		       const struct turn *turn, size_t piece)
{
	cleanup_free char *path = reflector_begin(reflector, 0);
	size_t size = turn->body ? strlen(turn->body) : 0;
	struct api_result result = {
		.outcome = turn->outcome,
		.status = turn->status,
		.reason = turn->reason,
		.text = turn->text,
		.took = turn->took,
		.body = "",
	};
	struct err err = { "" };
	int64_t wait;
	int rc = 0;

	if (!strstr(path, turn->asks))
		fail_msg("%s: asks %s, not …%s…", c->name, path, turn->asks);
	for (size_t at = 0; at < size && !rc; at += piece)
		rc = reflector_feed(reflector, turn->body + at,
				    size - at < piece ? size - at : piece, &err);
	if (rc && (turn->outcome != API_BROKEN || !strstr(err.text, turn->text)))
		fail_msg("%s: %s", c->name, err.text);
	wait = reflector_end(reflector, &result, 0);
	if ((wait > 0) != (turn->wait == LATER))
		fail_msg("%s: after …%s… a wait of %ld ms", c->name, turn->asks, (long)wait);
	if (wait && !reflector->state.error)
		fail_msg("%s: after …%s… no error is known", c->name, turn->asks);
}

static void check_conversation(const struct conversation *c, size_t piece)
{
	cleanup_free char *path = NULL;
	struct reflector reflector;
	struct notes notes;

	notes_open(&notes);
	reflector_init(&reflector, K8S_NODE, "x=y", &notes_sink, &notes);
	reflector_may_stream(&reflector, c->stream);
	for (size_t i = 0; i < ARRAY_LEN(c->turns) && c->turns[i].asks; i++)
		check_turn(c, &reflector, &c->turns[i], piece);
	if (strcmp(notes_text(&notes), c->heard) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", c->name, notes.text, c->heard);
	path = reflector_begin(&reflector, 0);
	if (!strstr(path, c->last))
		fail_msg("%s: asks %s in the end, not …%s…", c->name, path, c->last);
	reflector_done(&reflector);
	notes_close(&notes);
}

static void test_conversations(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 64, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(conversations); i++)
		for (size_t k = 0; k < ARRAY_LEN(pieces); k++)
			check_conversation(&conversations[i], pieces[k]);
}

/* ------------------------------------------------------------------- waits -- */

static void test_backoff(void **state)
{
	struct api_result result = {
		.outcome = API_REFUSED, .status = 503, .reason = "", .text = "no", .body = ""
	};
	int64_t last = 0;
	struct reflector reflector;
	struct notes notes;

	(void)state;
	notes_open(&notes);
	reflector_init(&reflector, K8S_NODE, NULL, &notes_sink, &notes);
	for (unsigned int i = 0; i < 10; i++) {
		int64_t low, high;

		free(reflector_begin(&reflector, 0));
		low = reflector_end(&reflector, &result, 0);
		reflector.failures--;
		high = reflector_end(&reflector, &result, (uint32_t)low);
		assert_true(low >= last && low >= 400 && high <= 30000 && high == 2 * low);
		last = low;
	}
	assert_int_equal(last, 15000);
	result.retry_after = 120000;
	assert_int_equal(reflector_end(&reflector, &result, 0), 120000);
	reflector_done(&reflector);
	notes_close(&notes);
}

/* The older API group of an older server, and the newer one after it was upgraded. */
static void test_versions(void **state)
{
	static const char *const asks[] = { "/apis/discovery.k8s.io/v1/endpointslices?",
					    "/apis/discovery.k8s.io/v1beta1/endpointslices?" };
	struct api_result missing = {
		.outcome = API_REFUSED, .status = 404, .reason = "", .text = "404", .body = ""
	};
	struct reflector reflector;
	struct notes notes;

	(void)state;
	notes_open(&notes);
	reflector_init(&reflector, K8S_ENDPOINT_SLICE, NULL, &notes_sink, &notes);
	for (size_t i = 0; i < 6; i++) {
		cleanup_free char *path = reflector_begin(&reflector, 0);

		assert_ptr_equal(strstr(path, asks[i % 2]), path);
		/* When it has neither, there is a pause. */
		assert_int_equal(reflector_end(&reflector, &missing, 0) > 0, i % 2);
		assert_int_equal(reflector.state.error != NULL, i > 0);
	}
	reflector_done(&reflector);
	notes_close(&notes);
}

/* --------------------------------------------------------------- recordings -- */

/* What a 1.36 server sent, with sendInitialEvents. */
static const struct recording {
	const char *file;
	enum k8s_kind kind;
	const char *heard;
	const char *last;
} recordings[] = {
	{ "services", K8S_SERVICE, "+kubernetes .services +web +web-lb -web-lb ", "311" },
	{ "nodes", K8S_NODE, ".nodes +n1 +n1 +n1 +n1 ", "263" },
	{ "endpointslices", K8S_ENDPOINT_SLICE,
	  ".endpointslices +web-r925f +web-lb-cvjqf +web-lb-j8hmd +web-r925f +web-lb-cvjqf "
	  "+web-lb-j8hmd +web-lb-cvjqf +web-lb-j8hmd +web-r925f +web-r925f +web-lb-cvjqf "
	  "+web-lb-j8hmd +web-lb-j8hmd +web-r925f +web-lb-cvjqf +web-r925f -web-lb-cvjqf "
	  "-web-lb-j8hmd ",
	  "316" },
};

static void check_recording(const struct recording *recording, size_t piece)
{
	cleanup_free char *path = xasprintf("tests/data/watch/%s.watch", recording->file);
	cleanup_fclose FILE *file = fopen(path, "r");
	cleanup_free char *data = xmalloc(piece);
	struct reflector reflector;
	struct notes notes;
	struct err err;
	size_t n;

	assert_non_null(file);
	notes_open(&notes);
	reflector_init(&reflector, recording->kind, NULL, &notes_sink, &notes);
	reflector.step = REFLECTOR_STREAM;
	free(reflector_begin(&reflector, 0));
	while ((n = fread(data, 1, piece, file)) > 0)
		if (reflector_feed(&reflector, data, n, &err))
			fail_msg("%s: %s", recording->file, err.text);
	assert_string_equal(notes_text(&notes), recording->heard);
	assert_string_equal(reflector.rv, recording->last);
	reflector_done(&reflector);
	notes_close(&notes);
}

static void test_recordings(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(recordings); i++)
		for (size_t piece = 1; piece < 65536; piece *= 3)
			check_recording(&recordings[i], piece);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversations),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_recordings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
