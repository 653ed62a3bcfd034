/* SPDX-License-Identifier: Apache-2.0 */
#include "user/api/client.h"

#include <errno.h>
#include <string.h>

#include "user/api/client_parts.h"
#include "user/util/cleanup.h"
#include "user/util/clock.h"
#include "user/util/vec.h"

static void timer_set(struct call *call, int64_t ms)
{
	struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	evtimer_add(call->timer, &wait);
}

/* ---------------------------------------------------------------- one call -- */

static size_t body_take(char *data, size_t size, size_t n, void *arg)
{
	struct call *call = arg;
	long status = 0;

	size *= n;
	call->heard = clock_ms();
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (call->data && status / 100 == 2) {
		call->stopped = call->data(call->arg, data, size, &call->why);
		return call->stopped ? CURL_WRITEFUNC_ERROR : size;
	}
	if (call->body_size + size > CALL_BODY) {
		call->stopped = err_set(&call->why, -EMSGSIZE, "an answer of more than %u MiB",
					CALL_BODY >> 20);
		return CURL_WRITEFUNC_ERROR;
	}
	fwrite(data, 1, size, call->body_file);
	call->body_size += size;
	return size;
}

static size_t head_take(char *data, size_t size, size_t n, void *arg)
{
	struct call *call = arg;

	(void)data;
	call->heard = clock_ms();
	return size * n;
}

static void call_pause(struct call *call)
{
	if (call->running)
		curl_multi_remove_handle(call->client->multi.curl, call->easy);
	call->running = false;
}

static void call_clear(struct call *call)
{
	if (call->body_file)
		fclose(call->body_file);
	free(call->body);
	call->body_file = open_memstream(&call->body, &call->body_size);
	call->body_size = 0;
	call->stopped = 0;
	call->curl_text[0] = '\0';
}

static void call_end(struct call *call, struct api_result *result)
{
	evtimer_del(call->timer);
	call_pause(call);
	call->waiting = false;
	result->took = clock_ms() - call->began;
	call->done(call->arg, result);
}

static void call_fail(struct call *call, enum api_outcome outcome, const char *text)
{
	struct api_result result = { .outcome = outcome, .reason = "", .text = text, .body = "" };

	call_end(call, &result);
}

/* Who we are is known now, or never will be. */
static void call_send(struct call *call, const struct credential_view *view)
{
	call->waiting = false;
	call_clear(call);
	call_identify(call, view);
	call->heard = clock_ms();
	timer_set(call, call->silence);
	call->running = true;
	curl_multi_add_handle(call->client->multi.curl, call->easy);
}

static void call_go(struct call *call)
{
	struct credential_view view;
	struct err err;
	int rc = credential_get(call->client->credential, &view, &err);

	call->waiting = rc == -EAGAIN;
	if (!rc)
		call_send(call, &view);
	else if (rc != -EAGAIN)
		call_fail(call, API_NOBODY, err.text);
}

/* It has just been asked for, or has been silent for too long. */
static void call_timer(evutil_socket_t fd, short what, void *arg)
{
	struct call *call = arg;
	int64_t silent = clock_ms() - call->heard;
	char text[80];

	(void)fd;
	(void)what;
	if (!call->running) {
		call_go(call);
	} else if (silent < call->silence) {
		timer_set(call, call->silence - silent);
	} else {
		snprintf(text, sizeof(text), "nothing was heard for %d seconds",
			 (int)(silent / 1000));
		call_fail(call, API_SILENT, text);
	}
}

static void transfer_done(CURL *easy, CURLcode code)
{
	struct api_result result;
	struct call *call = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
	fflush(call->body_file);
	call_result(call, code, &result);
	/* Nothing of this answer has been taken for one. */
	if (result.status == 401 && !call->repeated &&
	    credential_reject(call->client->credential)) {
		call->repeated = true;
		call_pause(call);
		timer_set(call, 0);
	} else {
		call_end(call, &result);
	}
}

struct call *call_start(struct client *client, const struct call_options *options)
{
	struct call *call = xcalloc(1, sizeof(*call));

	*call = (struct call){
		.client = client,
		.began = clock_ms(),
		.silence = options->silence ? options->silence : CALL_SILENCE,
		.data = options->data,
		.done = options->done,
		.arg = options->arg,
		.next = client->calls,
	};
	call->easy = curl_easy_init();
	call->timer = evtimer_new(client->multi.base, call_timer, call);
	client->calls = call;
	call_prepare(call, options);
	curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, body_take);
	curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(call->easy, CURLOPT_HEADERFUNCTION, head_take);
	curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
	timer_set(call, 0);
	return call;
}

void call_free(struct call *call)
{
	struct call **at;

	if (!call)
		return;
	for (at = &call->client->calls; *at != call;)
		at = &(*at)->next;
	*at = call->next;
	call_pause(call);
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	curl_slist_free_all(call->connect_to);
	event_free(call->timer);
	if (call->body_file)
		fclose(call->body_file);
	free(call->body);
	free(call->url);
	free(call);
}

/* -------------------------------------------------------------- the client -- */

/* All who wait get the same answer: each asking anew would run the program once for each. */
static void credential_changed(void *arg)
{
	struct client *client = arg;
	struct credential_view view;
	struct err err;
	int rc = credential_get(client->credential, &view, &err);

	if (rc == -EAGAIN)
		return;
	for (struct call *call = client->calls, *next; call; call = next) {
		next = call->next;
		if (!call->waiting)
			continue;
		if (rc)
			call_fail(call, API_NOBODY, err.text);
		else
			call_send(call, &view);
	}
}

struct client *client_open(struct event_base *base, struct kubeconfig *kubeconfig)
{
	struct client *client = xcalloc(1, sizeof(*client));

	client->kubeconfig = *kubeconfig;
	*kubeconfig = (struct kubeconfig){ 0 };
	multi_open(&client->multi, base, transfer_done);
	curl_multi_setopt(client->multi.curl, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	client->credential = credential_new(base, &client->kubeconfig, credential_changed, client);
	return client;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	multi_close(&client->multi);
	credential_free(client->credential);
	kubeconfig_done(&client->kubeconfig);
	free(client);
}

const char *client_server(const struct client *client)
{
	return client->kubeconfig.server;
}

const char *client_source(const struct client *client)
{
	return client->kubeconfig.source;
}
