/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of load-balancer statuses against a small API server in the same loop: it keeps one
 * Lease as the real one would, and notes what is patched. The watch is played by hand.
 */
#include "tests/unit/model/world.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include "user/agent/lb_status.h"
#include "user/util/clock.h"

#define LEASES "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"

struct rig {
	struct event_base *base;
	struct evhttp *http;
	struct client *client;
	struct config config;
	struct store *store;
	struct lb_status *status;
	json_t *lease;
	int version;	   /* of the Lease */
	int refuse;	   /* HTTP status of the next patch, 0: taken */
	int requests;	   /* of the Lease */
	char patches[512]; /* "name:address " each */
};

/* --------------------------------------------------------------------- the server -- */

static json_t *request_json(struct evhttp_request *request)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(request);
	size_t size = evbuffer_get_length(in);

	return json_loadb((const char *)evbuffer_pullup(in, -1), size, 0, NULL);
}

static void answer(struct evhttp_request *request, int status, const json_t *json)
{
	struct evbuffer *out = evbuffer_new();
	cleanup_free char *text = json ? json_dumps(json, 0) : xstrdup("{}");

	evbuffer_add(out, text, strlen(text));
	evhttp_send_reply(request, status, "said", out);
	evbuffer_free(out);
}

static void lease_keep(struct rig *rig, json_t *lease)
{
	cleanup_free char *version = xasprintf("%d", ++rig->version);

	tree_set(lease, "metadata.resourceVersion", json_string(version));
	json_decref(rig->lease);
	rig->lease = lease;
}

static void lease_asked(struct rig *rig, struct evhttp_request *request)
{
	enum evhttp_cmd_type method = evhttp_request_get_command(request);
	cleanup_json json_t *body = method == EVHTTP_REQ_GET ? NULL : request_json(request);
	const char *theirs = tree_text(body, "metadata.resourceVersion");

	rig->requests++;
	if (method != EVHTTP_REQ_POST && !rig->lease) {
		answer(request, 404, NULL);
	} else if (method == EVHTTP_REQ_GET) {
		answer(request, 200, rig->lease);
	} else if (method == EVHTTP_REQ_PUT &&
		   strcmp(theirs, tree_text(rig->lease, "metadata.resourceVersion")) != 0) {
		answer(request, 409, NULL);
	} else {
		lease_keep(rig, json_incref(body));
		answer(request, method == EVHTTP_REQ_POST ? 201 : 200, rig->lease);
	}
}

static void status_patched(struct rig *rig, struct evhttp_request *request, const char *path)
{
	cleanup_json json_t *body = request_json(request);
	json_t *ingress = tree_get(body, "status.loadBalancer.ingress");
	const char *ip = tree_text(json_array_get(ingress, 0), "ip");
	size_t used = strlen(rig->patches);
	int status = rig->refuse ? rig->refuse : 200;
	const char *type =
		evhttp_find_header(evhttp_request_get_input_headers(request), "Content-Type");

	assert_string_equal(type, "application/merge-patch+json");
	/* …/services/NAME/status */
	path += strlen("/api/v1/namespaces/default/services/");
	snprintf(rig->patches + used, sizeof(rig->patches) - used, "%.*s:%s ",
		 (int)strcspn(path, "/"), path, ip ? ip : "none");
	rig->refuse = 0;
	answer(request, status, NULL);
}

static void asked(struct evhttp_request *request, void *arg)
{
	const char *path = evhttp_request_get_uri(request);

	if (!strncmp(path, LEASES, strlen(LEASES)))
		lease_asked(arg, request);
	else
		status_patched(arg, request, path);
}

/* ------------------------------------------------------------------------- the rig -- */

static void rig_open(struct rig *rig, const char *pools, const char *stored)
{
	struct kubeconfig kubeconfig = { 0 };
	struct evhttp_bound_socket *bound;
	struct sockaddr_in addr;
	socklen_t size = sizeof(addr);

	*rig = (struct rig){ .base = event_base_new(), .store = world_new(stored) };
	rig->config = world_config("10.96.0.0/12", pools);
	rig->config.node_name = xstrdup("node1");
	rig->http = evhttp_new(rig->base);
	evhttp_set_allowed_methods(rig->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
						      EVHTTP_REQ_PATCH);
	evhttp_set_gencb(rig->http, asked, rig);
	bound = evhttp_bind_socket_with_handle(rig->http, "127.0.0.1", 0);
	getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&addr, &size);
	kubeconfig.source = xstrdup("test");
	kubeconfig.server = xasprintf("http://127.0.0.1:%u", ntohs(addr.sin_port));
	rig->client = client_open(rig->base, &kubeconfig);
	rig->status = lb_status_open(rig->base, rig->client, &rig->config);
}

static void rig_close(struct rig *rig)
{
	lb_status_close(rig->status);
	client_close(rig->client);
	evhttp_free(rig->http);
	event_base_free(rig->base);
	store_free(rig->store);
	json_decref(rig->lease);
	free(rig->config.node_name);
	world_config_done(&rig->config);
}

static void rig_run(struct rig *rig, int ms)
{
	int64_t end = clock_ms() + ms;

	while (clock_ms() < end) {
		struct timeval slice = { .tv_usec = 5000 };

		event_base_loopexit(rig->base, &slice);
		event_base_dispatch(rig->base);
	}
}

/* A Service of ours, as the watch brings it. */
static void service_comes(struct rig *rig, const char *name, int version, const char *ip)
{
	cleanup_free char *yaml =
		xasprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s, uid: u, "
			  "resourceVersion: '%d'}\n"
			  "spec: {type: LoadBalancer, loadBalancerClass: lbctl.io/lb, " PORTS "}\n"
			  "status: {loadBalancer: {ingress: [%s%s%s]}}\n",
			  name, version, ip ? "{ip: " : "", ip ? ip : "", ip ? "}" : "");

	world_add(rig->store, yaml);
	lb_status_update(rig->status, rig->store, &rig->config);
}

/* Waits for it, and then a while for what must not come. */
static void patches_are(struct rig *rig, const char *expected)
{
	int64_t end = clock_ms() + 10000;

	while (strcmp(rig->patches, expected) != 0 && clock_ms() < end)
		rig_run(rig, 10);
	rig_run(rig, 100);
	assert_string_equal(rig->patches, expected);
}

/* ------------------------------------------------------------------------ the tests -- */

#define POOL "203.0.113.0/30"

static void test_written_once(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, POOL, "");
	service_comes(&rig, "a", 5, NULL);
	patches_are(&rig, "a:203.0.113.0 ");
	/* Another one comes before the watch has the first: it waits, else it got the same. */
	service_comes(&rig, "b", 6, NULL);
	patches_are(&rig, "a:203.0.113.0 ");
	service_comes(&rig, "a", 7, "203.0.113.0");
	patches_are(&rig, "a:203.0.113.0 b:203.0.113.2 ");
	service_comes(&rig, "b", 8, "203.0.113.2");
	patches_are(&rig, "a:203.0.113.0 b:203.0.113.2 ");
	rig_close(&rig);
}

/* Refused because the Service has changed: only what it is now can be written for. */
static void test_conflict(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, POOL, "");
	rig.refuse = 409;
	service_comes(&rig, "a", 5, NULL);
	patches_are(&rig, "a:203.0.113.0 ");
	service_comes(&rig, "a", 6, NULL);
	patches_are(&rig, "a:203.0.113.0 a:203.0.113.0 ");
	rig_close(&rig);
}

static void test_tried_again(void **state)
{
	struct rig rig;
	cleanup_json json_t *json = NULL;

	(void)state;
	rig_open(&rig, POOL, "");
	rig.refuse = 403;
	service_comes(&rig, "a", 5, NULL);
	patches_are(&rig, "a:203.0.113.0 ");
	json = lb_status_json(rig.status);
	assert_non_null(strstr(tree_text(json, "error"), "service default/a: its status cannot be "
							 "written"));
	assert_true(json_is_true(tree_get(json, "held")));
	patches_are(&rig, "a:203.0.113.0 a:203.0.113.0 ");
	rig_close(&rig);
}

static void test_no_candidate(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, NULL, "");
	service_comes(&rig, "a", 5, NULL);
	patches_are(&rig, "");
	assert_int_equal(rig.requests, 0);
	rig_close(&rig);
}

static void test_held_by_another(void **state)
{
	struct rig rig;
	json_t *lease = json_object();

	(void)state;
	rig_open(&rig, POOL, "");
	tree_set(lease, "spec.holderIdentity", json_string("node2_0"));
	tree_set(lease, "spec.leaseDurationSeconds", json_integer(15));
	lease_keep(&rig, lease);
	service_comes(&rig, "a", 5, NULL);
	patches_are(&rig, "");
	assert_int_equal(rig.requests, 1);
	rig_close(&rig);
}

static void test_given_up(void **state)
{
	struct rig rig;
	struct lb_status *status;

	(void)state;
	rig_open(&rig, POOL, "");
	rig_run(&rig, 200);
	assert_int_equal(strncmp(tree_text(rig.lease, "spec.holderIdentity"), "node1_", 6), 0);
	status = rig.status;
	rig.status = NULL;
	lb_status_close(status);
	assert_string_equal(tree_text(rig.lease, "spec.holderIdentity"), "");
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_once),	cmocka_unit_test(test_conflict),
		cmocka_unit_test(test_tried_again),	cmocka_unit_test(test_no_candidate),
		cmocka_unit_test(test_held_by_another), cmocka_unit_test(test_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
