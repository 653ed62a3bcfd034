/* SPDX-License-Identifier: Apache-2.0 */
/* Probes over the network, against servers of every kind of bad behaviour. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/probe/target.h"
#include "user/probe/grpc.h"
#include "user/probe/http.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define STATUS(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\n\r\n"
#define LENGTH(n) "Content-Length: " n "\r\n\r\n"
#define TIMEOUT_MS 400
#define STOPPED (OUTCOME_FAILURE + 1) /* its time was up */

/* ---------------------------------------------------------------- one run -- */

struct trial {
	struct run run; /* the first member */
	struct event_base *base;
	int outcome;
	char text[RUN_TEXT];
};

static void trial_done(struct run *run, enum outcome outcome, const char *text)
{
	struct trial *trial = (struct trial *)run;

	assert_int_equal(trial->outcome, -1);
	trial->outcome = (int)outcome;
	snprintf(trial->text, sizeof(trial->text), "%s", text);
	event_base_loopbreak(trial->base);
}

static void trial_late(evutil_socket_t fd, short what, void *arg)
{
	struct trial *trial = arg;

	(void)fd;
	(void)what;
	trial->outcome = STOPPED;
	run_stop(&trial->run, trial->text);
	event_base_loopbreak(trial->base);
}

static void trial_run(struct trial *trial, const struct probe *probe)
{
	struct timeval timeout = { 0, TIMEOUT_MS * 1000 };
	struct runners runners;
	struct event *timer;

	trial->base = event_base_new();
	trial->outcome = -1;
	runners_open(&runners, trial->base);
	trial->run = (struct run){ .runners = &runners, .probe = probe, .done = trial_done };
	assert_int_equal(addr_parse("127.0.0.1", &trial->run.addr), 0);
	timer = evtimer_new(trial->base, trial_late, trial);
	evtimer_add(timer, &timeout);
	run_start(&trial->run);
	if (trial->outcome < 0)
		event_base_dispatch(trial->base);
	event_free(timer);
	runners_close(&runners);
	event_base_free(trial->base);
}

/* ------------------------------------------------------------- the targets -- */

static const struct run_row {
	const char *name;
	enum probe_action action;
	enum target_kind kind;
	const char *answer;
	int want;
	const char *text; /* part of what is said */
} run_rows[] = {
	{ "199", PROBE_HTTP, TARGET_ANSWER, STATUS("199 Odd"), OUTCOME_FAILURE, "" },
	{ "200", PROBE_HTTP, TARGET_ANSWER, STATUS("200 OK"), OUTCOME_SUCCESS, "" },
	{ "204", PROBE_HTTP, TARGET_ANSWER, STATUS("204 No Content"), OUTCOME_SUCCESS, "" },
	{ "299", PROBE_HTTP, TARGET_ANSWER, STATUS("299 Odd"), OUTCOME_SUCCESS, "" },
	{ "304", PROBE_HTTP, TARGET_ANSWER, STATUS("304 Not Modified"), OUTCOME_WARNING, "304" },
	{ "399", PROBE_HTTP, TARGET_ANSWER, STATUS("399 Odd"), OUTCOME_WARNING, "399" },
	{ "400", PROBE_HTTP, TARGET_ANSWER, STATUS("400 Bad"), OUTCOME_FAILURE,
	  "HTTP probe failed with statuscode: 400" },
	{ "404", PROBE_HTTP, TARGET_ANSWER, STATUS("404 Not Found"), OUTCOME_FAILURE,
	  "statuscode: 404" },
	{ "500", PROBE_HTTP, TARGET_ANSWER, STATUS("500 Oops"), OUTCOME_FAILURE,
	  "statuscode: 500" },
	{ "redirect elsewhere is a warning", PROBE_HTTP, TARGET_ANSWER,
	  "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.77/\r\nContent-Length: 0\r\n\r\n",
	  OUTCOME_WARNING, "Probe terminated redirects" },
	{ "redirect to itself, for ever", PROBE_HTTP, TARGET_ANSWER,
	  "HTTP/1.1 301 Moved\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n", OUTCOME_FAILURE,
	  "stopped after 10 redirects" },
	{ "redirect to a file", PROBE_HTTP, TARGET_ANSWER,
	  "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
	  OUTCOME_WARNING, "302" },
	{ "redirect without a place", PROBE_HTTP, TARGET_ANSWER, STATUS("302 Found"),
	  OUTCOME_WARNING, "302" },
	{ "a short body", PROBE_HTTP, TARGET_ANSWER, OK_HEAD LENGTH("2") "ok", OUTCOME_SUCCESS,
	  "" },
	{ "a body that breaks off", PROBE_HTTP, TARGET_ANSWER, OK_HEAD LENGTH("20") "ok",
	  OUTCOME_FAILURE, "" },
	{ "chunks", PROBE_HTTP, TARGET_ANSWER,
	  OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", OUTCOME_SUCCESS, "" },
	{ "chunks without an end", PROBE_HTTP, TARGET_ANSWER,
	  OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", OUTCOME_FAILURE, "EOF" },
	{ "a body that ends with the connection", PROBE_HTTP, TARGET_ANSWER, OK_HEAD "\r\nok",
	  OUTCOME_SUCCESS, "" },
	{ "whole, and the connection stays", PROBE_HTTP, TARGET_HANG, OK_HEAD LENGTH("2") "ok",
	  OUTCOME_SUCCESS, "" },
	{ "100 first", PROBE_HTTP, TARGET_ANSWER, "HTTP/1.1 100 Continue\r\n\r\n" STATUS("200 OK"),
	  OUTCOME_SUCCESS, "" },
	{ "half a head", PROBE_HTTP, TARGET_ANSWER, OK_HEAD "X: y\r\n", OUTCOME_FAILURE, "EOF" },
	{ "a length that is none", PROBE_HTTP, TARGET_ANSWER, OK_HEAD LENGTH("-1"), OUTCOME_FAILURE,
	  "malformed" },
	{ "nothing", PROBE_HTTP, TARGET_ANSWER, "", OUTCOME_FAILURE, "EOF" },
	{ "no HTTP", PROBE_HTTP, TARGET_ANSWER, "SSH-2.0-OpenSSH\r\n\r\n", OUTCOME_FAILURE,
	  "Get " },
	{ "hangs", PROBE_HTTP, TARGET_HANG, NULL, STOPPED, "context deadline exceeded" },
	{ "hangs after its head", PROBE_HTTP, TARGET_HANG, OK_HEAD LENGTH("2"), STOPPED,
	  "context deadline exceeded" },
	{ "drips", PROBE_HTTP, TARGET_DRIP, OK_HEAD "\r\n", STOPPED, "context deadline exceeded" },
	{ "drips a head", PROBE_HTTP, TARGET_DRIP, OK_HEAD "X: ", STOPPED, "context deadline" },
	{ "floods", PROBE_HTTP, TARGET_FLOOD, OK_HEAD "\r\n", OUTCOME_SUCCESS, "" },
	{ "floods a failure", PROBE_HTTP, TARGET_FLOOD, "HTTP/1.1 503 No\r\n\r\n", OUTCOME_FAILURE,
	  "statuscode: 503" },
	{ "floods a head", PROBE_HTTP, TARGET_FLOOD, OK_HEAD "X: ", OUTCOME_FAILURE, "" },
	{ "resets", PROBE_HTTP, TARGET_RESET, NULL, OUTCOME_FAILURE, "" },
	{ "its queue is full", PROBE_HTTP, TARGET_FULL, NULL, STOPPED, "context deadline" },
	{ "TCP", PROBE_TCP, TARGET_HANG, NULL, OUTCOME_SUCCESS, "" },
	{ "TCP, its queue is full", PROBE_TCP, TARGET_FULL, NULL, STOPPED, "i/o timeout" },
	{ "gRPC: serving", PROBE_GRPC, TARGET_GRPC, "\1", OUTCOME_SUCCESS, "" },
	{ "gRPC: not serving", PROBE_GRPC, TARGET_GRPC, "\2", OUTCOME_FAILURE, "\"NOT_SERVING\"" },
	{ "gRPC: unknown", PROBE_GRPC, TARGET_GRPC, "", OUTCOME_FAILURE, "\"UNKNOWN\"" },
	{ "gRPC: not implemented", PROBE_GRPC, TARGET_GRPC_ERROR, "12", OUTCOME_FAILURE,
	  "does not implement" },
	{ "gRPC: no such service", PROBE_GRPC, TARGET_GRPC_ERROR, "5", OUTCOME_FAILURE,
	  "unknown service" },
	{ "gRPC: where there is HTTP/1", PROBE_GRPC, TARGET_ANSWER, STATUS("200 OK"),
	  OUTCOME_FAILURE, "" },
	{ "gRPC: hangs", PROBE_GRPC, TARGET_HANG, NULL, STOPPED, "did not complete within 1s" },
	{ "gRPC: resets", PROBE_GRPC, TARGET_RESET, NULL, OUTCOME_FAILURE, "" },
};

static struct probe probe_of(enum probe_action action, uint16_t port)
{
	return (struct probe){
		.action = action, .port = port, .path = "/", .service = "", .timeout = 1
	};
}

static void check_run(void **state)
{
	const struct run_row *row = *state;
	struct target_server server = { .kind = row->kind, .text = row->answer };
	struct trial trial = { .text = "" };
	struct probe probe;

	target_start(&server);
	probe = probe_of(row->action, server.port);
	trial_run(&trial, &probe);
	target_stop(&server);
	if (trial.outcome != row->want)
		fail_msg("%s: %d (%s), not %d", row->name, trial.outcome, trial.text, row->want);
	if (!strstr(trial.text, row->text))
		fail_msg("%s: says \"%s\"", row->name, trial.text);
}

/* Nobody listens there any more. */
static void check_refused(void **state)
{
	static const enum probe_action actions[] = { PROBE_HTTP, PROBE_TCP, PROBE_GRPC };
	struct target_server server = { .kind = TARGET_HANG };

	(void)state;
	target_start(&server);
	target_stop(&server);
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		struct probe probe = probe_of(actions[i], server.port);
		struct trial trial = { .text = "" };

		trial_run(&trial, &probe);
		assert_int_equal(trial.outcome, OUTCOME_FAILURE);
		assert_non_null(strstr(trial.text, "refused"));
	}
}

/* By a name instead of an address. */
static void check_named(void **state)
{
	static const enum probe_action actions[] = { PROBE_HTTP, PROBE_TCP };
	struct target_server server = { .kind = TARGET_ANSWER, .text = STATUS("200 OK") };

	(void)state;
	target_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		struct probe probe = probe_of(actions[i], server.port);
		struct trial trial = { .text = "" };

		probe.host = "localhost";
		trial_run(&trial, &probe);
		if (trial.outcome != OUTCOME_SUCCESS)
			fail_msg("%s", trial.text);
	}
	target_stop(&server);
}

static void check_port_missing(void **state)
{
	struct probe probe = { .action = PROBE_HTTP, .path = "/", .port_name = "web" };
	struct trial trial = { .text = "" };

	(void)state;
	trial_run(&trial, &probe);
	assert_int_equal(trial.outcome, OUTCOME_FAILURE);
	assert_non_null(strstr(trial.text, "couldn't find port"));
}

/* ------------------------------------------------------------ the requests -- */

static const struct header_row {
	const char *name;
	struct probe_header headers[3];
	const char *want; /* the lines, joined by | */
} header_rows[] = {
	{ "the defaults", { { 0 } }, "User-Agent: kube-probe/1.34|Accept: */*|Connection: close" },
	{ "names are made canonical",
	  { { "x-my-header", "v" } },
	  "User-Agent: kube-probe/1.34|Accept: */*|X-My-Header: v|Connection: close" },
	{ "Host",
	  { { "Host", "example.com" } },
	  "User-Agent: kube-probe/1.34|Accept: */*|Host: example.com|Connection: close" },
	{ "others than the defaults",
	  { { "user-agent", "me" }, { "ACCEPT", "text/plain" } },
	  "User-Agent: me|Accept: text/plain|Connection: close" },
	{ "an empty Accept is none",
	  { { "Accept", "" } },
	  "User-Agent: kube-probe/1.34|Accept:|Connection: close" },
	{ "an empty one is sent",
	  { { "X-Empty", "" } },
	  "User-Agent: kube-probe/1.34|Accept: */*|X-Empty;|Connection: close" },
	{ "one twice",
	  { { "X-A", "1" }, { "X-A", "2" } },
	  "User-Agent: kube-probe/1.34|Accept: */*|X-A: 1|X-A: 2|Connection: close" },
};

static void check_headers(void **state)
{
	const struct header_row *row = *state;
	struct probe probe = { .headers = (struct probe_header *)row->headers };
	char got[512] = "";
	char **lines;
	size_t n;

	while (probe.n_headers < 3 && row->headers[probe.n_headers].name)
		probe.n_headers++;
	lines = http_headers(&probe, &n);
	for (size_t i = 0; i < n; i++) {
		strcat(got, i ? "|" : "");
		strcat(got, lines[i]);
		free(lines[i]);
	}
	free(lines);
	assert_string_equal(got, row->want);
}

static void check_request(void **state)
{
	static struct probe_header headers[] = { { "x-empty", "" },
						 { "Accept", "" },
						 { "x-a", "1" } };
	struct probe probe = { .port = 80, .path = "a?b", .headers = headers, .n_headers = 3 };
	struct run run = { .probe = &probe };
	cleanup_free char *request = NULL;

	(void)state;
	assert_int_equal(addr_parse("fd00::1", &run.addr), 0);
	request = http_request(&run);
	assert_string_equal(request, "GET /a?b HTTP/1.1\r\nHost: [fd00::1]:80\r\n"
				     "User-Agent: kube-probe/1.34\r\nX-Empty:\r\nX-A: 1\r\n"
				     "Connection: close\r\n\r\n");
}

static const struct url_row {
	const char *name, *addr, *host, *path;
	bool https;
	const char *want;
} url_rows[] = {
	{ "plain", "10.0.0.1", NULL, "/", false, "http://10.0.0.1:80/" },
	{ "IPv6", "fd00::1", NULL, "/", false, "http://[fd00::1]:80/" },
	{ "TLS", "10.0.0.1", NULL, "/", true, "https://10.0.0.1:80/" },
	{ "another host", "10.0.0.1", "example.com", "/", false, "http://example.com:80/" },
	{ "another address", "10.0.0.1", "10.9.9.9", "/x", false, "http://10.9.9.9:80/x" },
	{ "a query", "10.0.0.1", NULL, "/a?b=c", false, "http://10.0.0.1:80/a?b=c" },
	{ "a path without a slash", "10.0.0.1", NULL, "a", false, "http://10.0.0.1:80/a" },
};

static void check_url(void **state)
{
	const struct url_row *row = *state;
	struct probe probe = {
		.port = 80, .host = row->host, .path = row->path, .https = row->https
	};
	struct run run = { .probe = &probe };
	cleanup_free char *url = NULL;

	assert_int_equal(addr_parse(row->addr, &run.addr), 0);
	url = http_url(&run);
	assert_string_equal(url, row->want);
}

static const struct grpc_row {
	const char *name, *body;
	size_t size;
	const char *status;
	enum outcome want;
} grpc_rows[] = {
	{ "serving", "\0\0\0\0\2\x08\1", 7, "0", OUTCOME_SUCCESS },
	{ "not serving", "\0\0\0\0\2\x08\2", 7, "0", OUTCOME_FAILURE },
	{ "an empty message is unknown", "\0\0\0\0\0", 5, "0", OUTCOME_FAILURE },
	{ "other fields are skipped", "\0\0\0\0\7\x12\3abc\x08\1", 12, "0", OUTCOME_SUCCESS },
	{ "the later value counts", "\0\0\0\0\4\x08\2\x08\1", 9, "0", OUTCOME_SUCCESS },
	{ "no trailer", "\0\0\0\0\2\x08\1", 7, NULL, OUTCOME_FAILURE },
	{ "an error beside a message", "\0\0\0\0\2\x08\1", 7, "13", OUTCOME_FAILURE },
	{ "nothing", "", 0, "0", OUTCOME_FAILURE },
	{ "cut off", "\0\0\0\0\2\x08", 6, "0", OUTCOME_FAILURE },
	{ "compressed", "\1\0\0\0\2\x08\1", 7, "0", OUTCOME_FAILURE },
	{ "a field that is longer than the message", "\0\0\0\0\2\x12\x7f", 7, "0",
	  OUTCOME_FAILURE },
	{ "a number without an end", "\0\0\0\0\2\x08\xff", 7, "0", OUTCOME_FAILURE },
};

static void check_grpc(void **state)
{
	const struct grpc_row *row = *state;
	char text[RUN_TEXT];

	assert_int_equal(grpc_outcome(row->body, row->size, row->status, "x", text), row->want);
	assert_int_equal(*text == '\0', row->want == OUTCOME_SUCCESS);
}

static void check_grpc_request(void **state)
{
	cleanup_free unsigned char *none = NULL, *named = NULL;
	size_t size;

	(void)state;
	none = grpc_request("", &size);
	assert_int_equal(size, 5);
	assert_memory_equal(none, "\0\0\0\0\0", 5);
	named = grpc_request("abc", &size);
	assert_int_equal(size, 10);
	assert_memory_equal(named, "\0\0\0\0\5\x0a\3abc", 10);
}

#define ADD(rows, check)                                              \
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)                  \
		tests[n++] = (struct CMUnitTest)                      \
		{                                                     \
			.name = (rows)[i].name, .test_func = (check), \
			.initial_state = (void *)&(rows)[i]           \
		}

int main(void)
{
	struct CMUnitTest tests[96];
	size_t n = 0;

	ADD(run_rows, check_run);
	ADD(header_rows, check_headers);
	ADD(url_rows, check_url);
	ADD(grpc_rows, check_grpc);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(check_refused);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(check_named);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(check_request);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(check_port_missing);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(check_grpc_request);
	return _cmocka_run_group_tests("runs", tests, n, NULL, NULL);
}
