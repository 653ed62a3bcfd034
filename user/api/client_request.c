/* SPDX-License-Identifier: Apache-2.0 */
/* A request as libcurl is told of it. */
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "user/api/client_parts.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"
#include "user/util/version.h"

#define CONNECT_MS 10000L
#define KEEPALIVE_SECONDS 30L
#define KEEPALIVE_INTERVAL 10L
#define UNANSWERED_MS 30000 /* data that nobody acknowledged: the connection is dead */

static int socket_tune(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	unsigned int ms = UNANSWERED_MS;

	(void)arg;
	(void)purpose;
	(void)!setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	return CURL_SOCKOPT_OK;
}

/* A copy, since a plugin may bring another certificate while the connection is being made. */
static void blob_set(CURL *easy, CURLoption option, const char *text)
{
	struct curl_blob blob = {
		.data = (void *)text,
		.len = strlen(text),
		.flags = CURL_BLOB_COPY,
	};

	curl_easy_setopt(easy, option, &blob);
}

static void pem_set(CURL *easy, CURLoption file, CURLoption blob, const struct kubeconfig_pem *pem)
{
	if (pem->data)
		blob_set(easy, blob, pem->data);
	else if (pem->file)
		curl_easy_setopt(easy, file, pem->file);
}

/*
 * Another name in the certificate than in the URL: the URL gets that name, and the connection goes
 * where the URL went. The Host stays what it was.
 */
static char *url_renamed(struct call *call, const char *text, const char *name)
{
	CURLU *url = curl_url();
	char *host = NULL, *port = NULL, *renamed = NULL, *copy = NULL;

	if (!curl_url_set(url, CURLUPART_URL, text, 0) &&
	    !curl_url_get(url, CURLUPART_HOST, &host, 0) &&
	    !curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) &&
	    !curl_url_set(url, CURLUPART_HOST, name, 0) &&
	    !curl_url_get(url, CURLUPART_URL, &renamed, 0)) {
		cleanup_free char *to = xasprintf("::%s:%s", host, port);
		cleanup_free char *head = xasprintf("Host: %s:%s", host, port);

		copy = xstrdup(renamed);
		call->connect_to = curl_slist_append(call->connect_to, to);
		call->headers = curl_slist_append(call->headers, head);
	}
	curl_free(host);
	curl_free(port);
	curl_free(renamed);
	curl_url_cleanup(url);
	return copy ? copy : xstrdup(text);
}

static void url_set(struct call *call, const char *path)
{
	const struct kubeconfig *kubeconfig = &call->client->kubeconfig;
	cleanup_free char *url = xasprintf("%s%s", kubeconfig->server, path);
	const char *name = kubeconfig->tls_server_name;

	call->url = name ? url_renamed(call, url, name) : TAKE_PTR(url);
	curl_easy_setopt(call->easy, CURLOPT_URL, call->url);
	curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->connect_to);
}

static void tls_set(CURL *easy, const struct kubeconfig *kubeconfig)
{
	pem_set(easy, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB, &kubeconfig->ca);
	if (kubeconfig->ca.file || kubeconfig->ca.data)
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* and no other */
	if (kubeconfig->insecure) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static void connection_set(struct call *call, const struct call_options *options)
{
	const struct kubeconfig *kubeconfig = &call->client->kubeconfig;
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/* For the one connection to turn out as HTTP/2, rather than having more of them. */
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_SECONDS);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, socket_tune);
	if (options->other_connection)
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	/* Else HTTPS_PROXY and NO_PROXY of the environment count. */
	if (kubeconfig->proxy) {
		curl_easy_setopt(easy, CURLOPT_PROXY, kubeconfig->proxy);
		curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	}
	tls_set(easy, kubeconfig);
}

void call_prepare(struct call *call, const struct call_options *options)
{
	cleanup_free char *agent = xasprintf("lbctl/%s", version_text());
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_text);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, agent);
	/* Lists are long, and compress to a tenth. */
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	connection_set(call, options);
	call->headers = curl_slist_append(call->headers, "Accept: application/json");
	url_set(call, options->path);
	if (options->method)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, options->method);
	if (options->body) {
		cleanup_free char *type = xasprintf(
			"Content-Type: %s", options->type ? options->type : "application/json");

		call->headers = curl_slist_append(call->headers, type);
		/* No "Expect: 100-continue": it would be a round trip more. */
		call->headers = curl_slist_append(call->headers, "Expect:");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(options->body));
		curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, options->body);
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
}

void call_identify(struct call *call, const struct credential_view *view)
{
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_HTTPAUTH, view->token ? (long)CURLAUTH_BEARER : 0L);
	curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, view->token);
	if (view->certificate) {
		pem_set(easy, CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB, view->certificate);
		pem_set(easy, CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB, view->key);
	}
}
