/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's multi interface in libevent's loop: transfers run beside everything else. */
#ifndef UTIL_MULTI_H
#define UTIL_MULTI_H

#include <curl/curl.h>
#include <event2/event.h>

struct multi {
	struct event_base *base;
	CURLM *curl; /* for further options; transfers are added and removed by their handle */
	struct event *timer;
	void (*done)(CURL *easy, CURLcode code);
};

/* done is called from the loop for each transfer that ended; it may remove the handle. */
void multi_open(struct multi *multi, struct event_base *base,
		void (*done)(CURL *easy, CURLcode code));

/* No transfer is left in it by then. */
void multi_close(struct multi *multi);

#endif
