/* SPDX-License-Identifier: Apache-2.0 */
#include "user/util/multi.h"

static void messages_read(struct multi *multi)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi->curl, &left)))
		if (message->msg == CURLMSG_DONE)
			multi->done(message->easy_handle, message->data.result);
}

static void timer_due(evutil_socket_t fd, short what, void *arg)
{
	struct multi *multi = arg;
	int running;

	(void)fd;
	(void)what;
	curl_multi_socket_action(multi->curl, CURL_SOCKET_TIMEOUT, 0, &running);
	messages_read(multi);
}

static int timer_set(CURLM *curl, long ms, void *arg)
{
	struct multi *multi = arg;
	struct timeval timeout = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	(void)curl;
	if (ms < 0)
		evtimer_del(multi->timer);
	else
		evtimer_add(multi->timer, &timeout);
	return 0;
}

static void socket_ready(evutil_socket_t fd, short what, void *arg)
{
	struct multi *multi = arg;
	int bits =
		(what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
	int running;

	curl_multi_socket_action(multi->curl, fd, bits, &running);
	messages_read(multi);
}

static int socket_set(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket)
{
	struct multi *multi = arg;
	struct event *event = socket;
	short bits = EV_PERSIST;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (event)
			event_free(event);
		curl_multi_assign(multi->curl, fd, NULL);
		return 0;
	}
	bits |= what & CURL_POLL_IN ? EV_READ : 0;
	bits |= what & CURL_POLL_OUT ? EV_WRITE : 0;
	if (event) {
		event_del(event);
		event_assign(event, multi->base, fd, bits, socket_ready, multi);
	} else {
		event = event_new(multi->base, fd, bits, socket_ready, multi);
		curl_multi_assign(multi->curl, fd, event);
	}
	event_add(event, NULL);
	return 0;
}

void multi_open(struct multi *multi, struct event_base *base,
		void (*done)(CURL *easy, CURLcode code))
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	*multi = (struct multi){ .base = base, .curl = curl_multi_init(), .done = done };
	multi->timer = evtimer_new(base, timer_due, multi);
	curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, socket_set);
	curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
	curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, timer_set);
	curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
}

void multi_close(struct multi *multi)
{
	curl_multi_cleanup(multi->curl);
	event_free(multi->timer);
	curl_global_cleanup();
}
