/* SPDX-License-Identifier: Apache-2.0 */
/* How a request to an API server ended. */
#ifndef API_RESULT_H
#define API_RESULT_H

#include <stddef.h>
#include <stdint.h>

enum api_outcome {
	API_DONE,	 /* the whole answer, with a status of 2xx */
	API_REFUSED,	 /* another status */
	API_BROKEN,	 /* it broke off, or makes no sense */
	API_SILENT,	 /* nothing more came: the connection may be dead, or there was nothing */
	API_UNREACHABLE, /* there was no connection, or nobody at its end */
	API_NOBODY,	 /* who we are could not be found out: no token, no certificate */
};

struct api_result {
	enum api_outcome outcome;
	long status;	     /* of HTTP; 0: there was none */
	const char *reason;  /* of the Status that came with a refusal: "Expired"; or "" */
	const char *text;    /* for people, when it did not go well; or "" */
	int64_t retry_after; /* milliseconds that the server asked for; 0: it did not */
	int64_t took;	     /* milliseconds from the request to its end */
	const char *body;    /* of an answer that was kept, terminated; or "" */
	size_t size;
};

#endif
