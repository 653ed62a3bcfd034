/* SPDX-License-Identifier: Apache-2.0 */
#include "user/probe/curl.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "user/probe/run.h"
#include "user/util/cleanup.h"
#include "user/util/multi.h"
#include "user/util/vec.h"

#define HEAD_MAX (64 * 1024) /* of headers; who sends more floods */
#define READ_SIZE 1024	     /* libcurl has such a buffer for each transfer */
#define BODY_FIRST 256
#define POOL_MAX 64 /* handles kept for the next transfers: making them is dear */

struct curl_loop {
	struct multi multi;
	CURL *pool[POOL_MAX];
	size_t n_pool;
};

struct transfer {
	struct curl_loop *loop;
	CURL *easy;
	bool running;
	bool special; /* its handle has options of its own, and is not used again */
	char *url;
	struct curl_slist *headers;
	void (*done)(void *arg, const struct transfer_result *result);
	void *arg;
	char *body;
	size_t body_size, body_room, head_size;
	bool cut; /* broken off by us, when there was enough of it */
	const char *want;
	char *wanted;
};

/* ---------------------------------------------------------------- the loop -- */

static void transfer_done(CURL *easy, CURLcode code);

struct curl_loop *curl_loop_open(struct event_base *base)
{
	struct curl_loop *loop = xcalloc(1, sizeof(*loop));

	multi_open(&loop->multi, base, transfer_done);
	/* Two probes of one address are two probes. */
	curl_multi_setopt(loop->multi.curl, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	return loop;
}

void curl_loop_close(struct curl_loop *loop)
{
	if (!loop)
		return;
	while (loop->n_pool)
		curl_easy_cleanup(loop->pool[--loop->n_pool]);
	multi_close(&loop->multi);
	free(loop);
}

/* ------------------------------------------------------------ one transfer -- */

/* Most answers are short: those that are not get room for all that is kept, once. */
static void body_grow(struct transfer *transfer, size_t size)
{
	size_t room = size < BODY_FIRST ? BODY_FIRST : RUN_BODY + 1;
	char *body;

	if (size < transfer->body_room)
		return;
	body = xmalloc(room);
	if (transfer->body_size)
		memcpy(body, transfer->body, transfer->body_size);
	free(transfer->body);
	transfer->body = body;
	transfer->body_room = room;
}

static size_t body_take(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *transfer = arg;
	size_t room = RUN_BODY - transfer->body_size, taken = n * size < room ? n * size : room;

	body_grow(transfer, transfer->body_size + taken);
	memcpy(transfer->body + transfer->body_size, data, taken);
	transfer->body_size += taken;
	transfer->body[transfer->body_size] = '\0';
	if (transfer->body_size < RUN_BODY)
		return n * size;
	transfer->cut = true; /* anything but the whole ends the transfer */
	return CURL_WRITEFUNC_ERROR;
}

static size_t head_take(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *transfer = arg;
	size_t length = n * size, name = transfer->want ? strlen(transfer->want) : 0;

	transfer->head_size += length;
	if (transfer->head_size > HEAD_MAX)
		return CURL_WRITEFUNC_ERROR;
	if (name && length > name && data[name] == ':' &&
	    !strncasecmp(data, transfer->want, name)) {
		for (name++; name < length && data[name] == ' ';)
			name++;
		while (length > name && strchr("\r\n", data[length - 1]))
			length--;
		free(transfer->wanted);
		transfer->wanted = strndup(data + name, length - name);
	}
	return n * size;
}

/* What all transfers have in common. */
static CURL *easy_new(void)
{
	CURL *easy = curl_easy_init();

	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_take);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, head_take);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)READ_SIZE);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Removing a transfer must not wait for a name server. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	/* Who starts it also stops it. */
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 3600000L);
	return easy;
}

static void easy_options(struct transfer *transfer)
{
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_URL, transfer->url);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
}

struct transfer *transfer_new(struct curl_loop *loop, const char *url,
			      void (*done)(void *arg, const struct transfer_result *result),
			      void *arg)
{
	struct transfer *transfer = xcalloc(1, sizeof(*transfer));

	*transfer = (struct transfer){
		.loop = loop,
		.easy = loop->n_pool ? loop->pool[--loop->n_pool] : easy_new(),
		.url = xstrdup(url),
		.done = done,
		.arg = arg,
	};
	easy_options(transfer);
	return transfer;
}

void transfer_header(struct transfer *transfer, const char *line)
{
	transfer->headers = curl_slist_append(transfer->headers, line);
}

void transfer_connect_only(struct transfer *transfer)
{
	transfer->special = true;
	curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_ONLY, 1L);
}

void transfer_post_h2(struct transfer *transfer, const void *data, size_t size)
{
	CURL *easy = transfer->easy;

	transfer->special = true;
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)size);
	curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, data);
}

void transfer_want(struct transfer *transfer, const char *name)
{
	transfer->want = name;
}

void transfer_start(struct transfer *transfer)
{
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
	transfer->running = true;
	curl_multi_add_handle(transfer->loop->multi.curl, transfer->easy);
}

static void transfer_pause(struct transfer *transfer)
{
	if (transfer->running)
		curl_multi_remove_handle(transfer->loop->multi.curl, transfer->easy);
	transfer->running = false;
}

void transfer_restart(struct transfer *transfer, const char *url)
{
	char *copy = xstrdup(url);

	free(transfer->url);
	transfer->url = copy;
	transfer->body_size = transfer->head_size = 0;
	transfer->cut = false;
	curl_easy_setopt(transfer->easy, CURLOPT_URL, transfer->url);
	transfer_start(transfer);
}

void transfer_free(struct transfer *transfer)
{
	struct curl_loop *loop;

	if (!transfer)
		return;
	loop = transfer->loop;
	transfer_pause(transfer);
	if (loop->n_pool < POOL_MAX && !transfer->special) {
		loop->pool[loop->n_pool++] = transfer->easy;
	} else {
		curl_easy_cleanup(transfer->easy);
	}
	curl_slist_free_all(transfer->headers);
	free(transfer->url);
	free(transfer->body);
	free(transfer->wanted);
	free(transfer);
}

/* ----------------------------------------------------------------- the end -- */

static void failure_text(const struct transfer *transfer, CURLcode code, char *text)
{
	long number = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
	if (code == CURLE_COULDNT_CONNECT && number)
		snprintf(text, RUN_TEXT, "connect: %s", strerror((int)number));
	else if ((code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR) && number)
		snprintf(text, RUN_TEXT, "%s: %s", code == CURLE_RECV_ERROR ? "read" : "write",
			 strerror((int)number));
	else if (code == CURLE_GOT_NOTHING)
		snprintf(text, RUN_TEXT, "EOF");
	else if (transfer->head_size > HEAD_MAX)
		snprintf(text, RUN_TEXT, "server response headers exceeded %d bytes", HEAD_MAX);
	else
		snprintf(text, RUN_TEXT, "%s", curl_easy_strerror(code));
}

static void transfer_end(struct transfer *transfer, CURLcode code)
{
	struct transfer_result result = {
		.failed = code != CURLE_OK && !(code == CURLE_WRITE_ERROR && transfer->cut),
		.body = transfer->body ? transfer->body : "",
		.body_size = transfer->body_size,
		.header = transfer->wanted,
	};
	char text[RUN_TEXT] = "";
	char *redirect = NULL;

	if (result.failed)
		failure_text(transfer, code, text);
	result.text = text;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &result.status);
	curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &redirect);
	result.redirect = redirect;
	transfer_pause(transfer);
	transfer->done(transfer->arg, &result);
}

static void transfer_done(CURL *easy, CURLcode code)
{
	struct transfer *transfer = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
	transfer_end(transfer, code);
}

static char *url_host(const char *text)
{
	CURLU *url = curl_url();
	char *host = NULL, *copy = NULL;

	if (!curl_url_set(url, CURLUPART_URL, text, 0) &&
	    !curl_url_get(url, CURLUPART_HOST, &host, 0))
		copy = xstrdup(host);
	curl_free(host);
	curl_url_cleanup(url);
	return copy;
}

bool transfer_same_host(const char *a, const char *b)
{
	cleanup_free char *x = url_host(a), *y = url_host(b);

	return x && y && !strcasecmp(x, y);
}
