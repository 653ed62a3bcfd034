/* SPDX-License-Identifier: Apache-2.0 */
/* What became of a request, in our words. */
#include <string.h>

#include "user/api/client_parts.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"

#define TEXT_SHOWN 200 /* of an answer that is no Status: a proxy's page */
#define RETRY_MAX 300  /* seconds: whoever asks for more is not believed */

static enum api_outcome outcome_of(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_OPERATION_TIMEDOUT: /* only connecting has a time of its own */
		return API_UNREACHABLE;
	default:
		return API_BROKEN;
	}
}

static void failure_tell(struct call *call, CURLcode code)
{
	if (call->stopped)
		call->text = call->why;
	else
		err_set(&call->text, 0, "%s: %s", call->client->kubeconfig.server,
			*call->curl_text ? call->curl_text : curl_easy_strerror(code));
}

/* The first line of a text that nobody knows, as far as it can be printed. */
static void page_tell(struct call *call, long status)
{
	char line[TEXT_SHOWN + 1];
	size_t n = 0;

	while (n < call->body_size && n < TEXT_SHOWN && call->body[n] != '\n' && call->body[n]) {
		unsigned char c = (unsigned char)call->body[n];

		line[n++] = (char)(c < ' ' || c == 0x7f ? ' ' : c);
	}
	line[n] = '\0';
	err_set(&call->text, 0, "status %ld%s%s", status, n ? ": " : "", line);
}

/* The API server says what it means in a Status. */
static void refusal_tell(struct call *call, long status)
{
	cleanup_json json_t *json = json_loadb(call->body, call->body_size, 0, NULL);
	const char *kind = tree_text(json, "kind"), *reason = tree_text(json, "reason");
	const char *message = tree_text(json, "message");

	if (!kind || strcmp(kind, "Status") != 0) {
		page_tell(call, status);
		return;
	}
	snprintf(call->reason, sizeof(call->reason), "%s", reason ? reason : "");
	err_set(&call->text, 0, "status %ld%s%s: %s", status, reason ? " " : "",
		reason ? reason : "", message ? message : "(no message)");
}

static int64_t retry_after(const struct call *call)
{
	curl_off_t seconds = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &seconds);
	return (seconds < RETRY_MAX ? seconds : RETRY_MAX) * 1000;
}

void call_result(struct call *call, CURLcode code, struct api_result *ret_result)
{
	struct api_result result = { .outcome = API_DONE, .reason = call->reason, .body = "" };

	call->text.text[0] = call->reason[0] = '\0';
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &result.status);
	if (code && (!result.status || result.status / 100 == 2)) {
		result.outcome = outcome_of(code);
		failure_tell(call, code);
	} else if (result.status / 100 != 2) {
		result.outcome = API_REFUSED;
		result.retry_after = retry_after(call);
		refusal_tell(call, result.status);
	}
	if (call->body) {
		result.body = call->body;
		result.size = call->body_size;
	}
	result.text = call->text.text;
	*ret_result = result;
}
