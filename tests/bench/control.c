/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/control.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/datapath/datapath.h"
#include "user/k8s/decode.h"
#include "user/util/cleanup.h"
#include "user/util/spawn.h"
#include "user/util/vec.h"

#define DEVICE "bench0"

void control_must(int result, const char *what, const struct err *err)
{
	if (!result)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, err ? err->text : strerror(errno));
	exit(1);
}

static void command(char *const argv[])
{
	struct err err;
	int status;

	control_must(spawn_wait(argv, &status, &err), argv[0], &err);
	if (status)
		exit(1);
}

static void report_nothing(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

void control_open(struct control *control)
{
	struct err err;

	*control = (struct control){ .root = "/tmp/lbctl-bench-XXXXXX" };
	control_must(unshare(CLONE_NEWNET), "unshare", NULL);
	control_must(mkdtemp(control->root) ? 0 : -1, "mkdtemp", NULL);
	paths_init(&control->paths, control->root, NULL);
	control_must(config_load(control->paths.config, false, &control->config, &err), "config",
		     &err);
	command((char *[]){ "ip", "link", "set", "lo", "up", NULL });
	command((char *[]){ "ip", "link", "add", DEVICE, "type", "veth", "peer", "bench1", NULL });
	command((char *[]){ "ip", "addr", "add", "192.0.2.1/24", "dev", DEVICE, NULL });
	command((char *[]){ "ip", "link", "set", DEVICE, "up", NULL });
}

void control_close(struct control *control)
{
	command((char *[]){ "rm", "-rf", "--one-file-system", control->root, NULL });
	config_done(&control->config);
	paths_done(&control->paths);
}

void control_begin(struct control *control)
{
	static const char *const devices[] = { DEVICE };
	const struct attach_options options = {
		.devices = devices, .n_devices = 1, .mode = ATTACH_TC, .cgroup = "none"
	};
	struct err err;

	control_must(datapath_attach(&control->paths, &control->config, &options, report_nothing,
				     NULL, &err),
		     "attach", &err);
	reconcile_init(&control->reconcile, &control->paths, &control->config, &reconcile_io_node,
		       0);
}

void control_feed(struct control *control, size_t services, size_t endpoints)
{
	struct reconcile *reconcile = &control->reconcile;

	reconcile_feed(reconcile, 1u << K8S_SERVICE | 1u << K8S_ENDPOINT_SLICE);
	for (size_t i = 0; i < services; i++) {
		reconcile_put(reconcile, control_service(i));
		reconcile_put(reconcile, control_slice(i, endpoints, 0));
	}
	reconcile_listed(reconcile, K8S_SERVICE);
	reconcile_listed(reconcile, K8S_ENDPOINT_SLICE);
}

void control_end(struct control *control)
{
	struct err err;

	reconcile_done(&control->reconcile);
	control_must(datapath_detach(&control->paths, NULL, 0, &err), "detach", &err);
}

size_t control_run(struct control *control)
{
	struct sync_result result;
	size_t operations;
	struct err err;

	control_must(reconcile_run(&control->reconcile, &result, &err), "run", &err);
	operations = result.operations;
	sync_result_done(&result);
	return operations;
}

/* ---------------------------------------------------------------- objects -- */

/* Takes over json. */
static struct object *object_of(json_t *json)
{
	cleanup_json json_t *owned = json;
	struct object *object;
	struct err err;

	control_must(json ? 0 : -1, "json", NULL);
	control_must(object_decode(owned, "default", &object, NULL, &err), "object", &err);
	return object;
}

struct object *control_service(size_t number)
{
	char name[32], address[32];

	snprintf(name, sizeof(name), "service-%06zu", number);
	snprintf(address, sizeof(address), "10.%zu.%zu.%zu", 96 + (number >> 16), number >> 8 & 255,
		 number & 255);
	return object_of(json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:{s:s, s:[s], s:{s:s}, "
				   "s:[{s:i, s:i}]}}",
				   "apiVersion", "v1", "kind", "Service", "metadata", "name", name,
				   "namespace", "default", "creationTimestamp",
				   "2026-01-01T00:00:00Z", "spec", "clusterIP", address,
				   "clusterIPs", address, "selector", "app", name, "ports", "port",
				   80, "targetPort", 8080));
}

static json_t *endpoint_json(size_t number, size_t index, size_t turn)
{
	char address[32], pod[48];
	/* 10.128.0.0/9; each turn is another address. */
	size_t place = number * 16 + index + (turn << 20);

	snprintf(address, sizeof(address), "10.%zu.%zu.%zu", 128 + (place >> 16 & 127),
		 place >> 8 & 255, place & 255);
	snprintf(pod, sizeof(pod), "service-%06zu-%zu-%zu", number, index, turn);
	return json_pack("{s:[s], s:{s:b, s:b, s:b}, s:s, s:{s:s, s:s, s:s}}", "addresses", address,
			 "conditions", "ready", 1, "serving", 1, "terminating", 0, "nodeName",
			 "node-2", "targetRef", "kind", "Pod", "name", pod, "namespace", "default");
}

struct object *control_slice(size_t number, size_t endpoints, size_t turn)
{
	json_t *list = json_array();
	char service[32], name[40];

	snprintf(service, sizeof(service), "service-%06zu", number);
	snprintf(name, sizeof(name), "service-%06zu-x7f2k", number);
	for (size_t i = 0; i < endpoints; i++)
		json_array_append_new(list,
				      endpoint_json(number, i, i + 1 == endpoints ? turn : 0));
	return object_of(json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:s, s:[{s:s, s:i, s:s}], "
				   "s:o}",
				   "apiVersion", "discovery.k8s.io/v1", "kind", "EndpointSlice",
				   "metadata", "name", name, "namespace", "default", "labels",
				   "kubernetes.io/service-name", service, "addressType", "IPv4",
				   "ports", "name", "", "port", 8080, "protocol", "TCP",
				   "endpoints", list));
}

struct object *control_pod(size_t number, size_t index)
{
	char name[48], app[32], address[32];
	size_t place = number * 16 + index;

	snprintf(name, sizeof(name), "service-%06zu-%zu", number, index);
	snprintf(app, sizeof(app), "service-%06zu", number);
	snprintf(address, sizeof(address), "10.%zu.%zu.%zu", 128 + (place >> 16 & 127),
		 place >> 8 & 255, place & 255);
	return object_of(json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{s:s, s:[{s:s}]}, "
				   "s:{s:s, s:s}}",
				   "apiVersion", "v1", "kind", "Pod", "metadata", "name", name,
				   "namespace", "default", "labels", "app", app, "spec", "nodeName",
				   "node-2", "containers", "name", "c", "status", "podIP", address,
				   "phase", "Running"));
}
