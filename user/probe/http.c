/* SPDX-License-Identifier: Apache-2.0 */
/* httpGet. */
#include "user/probe/http.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "user/probe/curl.h"
#include "user/probe/plain.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define HTTP_HOPS 10 /* Go's client follows so many redirects */

/* One of them: plain as long as it is enough. */
struct http {
	struct plain *plain;
	struct transfer *transfer;
	char *url;
	unsigned int hops;
};

/* ------------------------------------------------------------- the request -- */

char *http_url(const struct run *run)
{
	const struct probe *probe = run->probe;
	char where[RUN_TEXT];

	return xasprintf("http%s://%s%s%s", probe->https ? "s" : "", run_where(run, where),
			 probe->path[0] == '/' ? "" : "/", probe->path);
}

/* "x-custom" → "X-Custom", as Go's textproto writes it. */
static void header_canonicalize(char *name)
{
	bool start = true;

	for (; *name && *name != ':' && *name != ';'; name++) {
		*name = (char)(start ? toupper((unsigned char)*name)
				     : tolower((unsigned char)*name));
		start = *name == '-';
	}
}

static bool has_header(const struct probe *probe, const char *name)
{
	for (size_t i = 0; i < probe->n_headers; i++) {
		if (!strcasecmp(probe->headers[i].name, name))
			return true;
	}
	return false;
}

/* An empty one that has a default is left out, any other is sent empty. */
static char *header_line(const struct probe_header *header)
{
	bool has_default =
		!strcasecmp(header->name, "Accept") || !strcasecmp(header->name, "User-Agent");
	char *line;

	if (*header->value)
		line = xasprintf("%s: %s", header->name, header->value);
	else
		line = xasprintf("%s%s", header->name, has_default ? ":" : ";");
	header_canonicalize(line);
	return line;
}

char **http_headers(const struct probe *probe, size_t *ret_n)
{
	VEC(char *) lines = { 0 };

	if (!has_header(probe, "User-Agent"))
		vec_push(&lines, xstrdup("User-Agent: " RUN_USER_AGENT));
	if (!has_header(probe, "Accept"))
		vec_push(&lines, xstrdup("Accept: */*"));
	for (size_t i = 0; i < probe->n_headers; i++)
		vec_push(&lines, header_line(&probe->headers[i]));
	vec_push(&lines, xstrdup("Connection: close"));
	*ret_n = lines.n;
	return lines.items;
}

/* -------------------------------------------------------------- the answer -- */

bool http_redirects(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

enum outcome http_outcome(long status, char text[RUN_TEXT])
{
	*text = '\0';
	if (status >= 200 && status < 300)
		return OUTCOME_SUCCESS;
	if (status >= 300 && status < 400) {
		snprintf(text, RUN_TEXT, "Probe terminated redirects, status code: %ld", status);
		return OUTCOME_WARNING;
	}
	snprintf(text, RUN_TEXT, "HTTP probe failed with statuscode: %ld", status);
	return OUTCOME_FAILURE;
}

static void http_free(struct run *run)
{
	struct http *http = run->state;

	run->state = NULL;
	plain_free(http->plain);
	transfer_free(http->transfer);
	free(http->url);
	free(http);
}

static void http_fail(struct run *run, const char *why)
{
	const struct http *http = run->state;
	char text[RUN_TEXT];

	snprintf(text, sizeof(text), "Get \"%.200s\": %s", http->url, why);
	http_free(run);
	run->done(run, OUTCOME_FAILURE, text);
}

static void http_answered(void *arg, const struct transfer_result *result)
{
	struct run *run = arg;
	struct http *http = run->state;
	enum outcome outcome;
	char text[RUN_TEXT];

	if (result->failed) {
		http_fail(run, result->text);
		return;
	}
	if (http_redirects(result->status) && result->redirect &&
	    transfer_same_host(http->url, result->redirect)) {
		if (http->hops++ == HTTP_HOPS)
			http_fail(run, "stopped after 10 redirects");
		else
			transfer_restart(http->transfer, result->redirect);
		return;
	}
	outcome = http_outcome(result->status, text);
	http_free(run);
	run->done(run, outcome, text);
}

static void curl_start(struct run *run)
{
	struct http *http = run->state;
	size_t n_lines;
	char **lines = http_headers(run->probe, &n_lines);

	http->transfer = transfer_new(run->runners->curl, http->url, http_answered, run);
	for (size_t i = 0; i < n_lines; i++) {
		transfer_header(http->transfer, lines[i]);
		free(lines[i]);
	}
	free(lines);
	transfer_start(http->transfer);
}

static void plain_answered(void *arg, const struct plain_result *result)
{
	struct run *run = arg;
	struct http *http = run->state;
	enum outcome outcome;
	char text[RUN_TEXT];

	if (result->failed) {
		http_fail(run, result->failed);
		return;
	}
	/* There is more to it: libcurl asks again, and goes where it is sent. */
	if (http_redirects(result->status) || result->status < 200) {
		plain_free(http->plain);
		http->plain = NULL;
		curl_start(run);
		return;
	}
	outcome = http_outcome(result->status, text);
	http_free(run);
	run->done(run, outcome, text);
}

char *http_request(const struct run *run)
{
	const struct probe *probe = run->probe;
	size_t n_lines, size;
	char **lines = http_headers(probe, &n_lines);
	char *text = NULL, where[RUN_TEXT];
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "GET %s%s HTTP/1.1\r\n", probe->path[0] == '/' ? "" : "/", probe->path);
	if (!has_header(probe, "Host"))
		fprintf(out, "Host: %s\r\n", run_where(run, where));
	for (size_t i = 0; i < n_lines; i++) {
		size_t end = strlen(lines[i]) - 1;

		/* As libcurl takes them: "Name;" is empty, "Name:" is none. */
		if (lines[i][end] == ';' && !strchr(lines[i], ':'))
			fprintf(out, "%.*s:\r\n", (int)end, lines[i]);
		else if (lines[i][end] != ':' || strchr(lines[i], ' '))
			fprintf(out, "%s\r\n", lines[i]);
		free(lines[i]);
	}
	free(lines);
	fputs("\r\n", out);
	fclose(out);
	return text;
}

/* A fragment is not for the server, and TLS and names are not for us. */
static bool plain_is_enough(const struct run *run, struct lb_addr *ret_addr)
{
	return !run->probe->https && run_addr(run, ret_addr) && !strchr(run->probe->path, '#');
}

static void http_start(struct run *run)
{
	struct http *http = xcalloc(1, sizeof(*http));
	struct lb_addr addr;

	run->state = http;
	http->url = http_url(run);
	if (plain_is_enough(run, &addr))
		http->plain = plain_start(run->runners->base, &addr, run->probe->port,
					  http_request(run), plain_answered, run);
	else
		curl_start(run);
}

static void http_stop(struct run *run, char *text)
{
	const struct http *http = run->state;

	snprintf(text, RUN_TEXT, "Get \"%.200s\": context deadline exceeded", http->url);
	http_free(run);
}

const struct runner runner_http = { http_start, http_stop };
