/* SPDX-License-Identifier: Apache-2.0 */
/* The kubelet's rules for HTTP probes, apart from the transfer. Pure. */
#ifndef PROBE_HTTP_H
#define PROBE_HTTP_H

#include "user/probe/run.h"

/* "http://10.0.0.1:8080/ready?x", to be freed. */
char *http_url(const struct run *run);

/* Header lines for libcurl, each to be freed, *ret_n of them, as is the array. */
char **http_headers(const struct probe *probe, size_t *ret_n);

/* The request of a plain GET, to be freed. */
char *http_request(const struct run *run);

/* What an answer that leads nowhere else means. */
enum outcome http_outcome(long status, char text[RUN_TEXT]);

/* Does the status send the client elsewhere? */
bool http_redirects(long status);

#endif
