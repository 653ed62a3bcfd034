/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot save: this node's objects and configuration, in one file. */
#include "user/cmd/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "user/cmd/resource.h"
#include "user/datapath/datapath.h"
#include "user/k8s/file.h"
#include "user/k8s/record.h"
#include "user/k8s/yaml.h"
#include "user/probe/events.h"
#include "user/probe/memory.h"
#include "user/util/cleanup.h"

/* ------------------------------------------------------------ configuration -- */

/* The file as a tree, without what was not written there. */
static int configuration_read(const struct cli *cli, json_t **ret_json, struct err *err)
{
	cleanup_free char *text = NULL;
	struct yaml_stream *stream;
	json_t *json = NULL;
	size_t size;
	int r = file_read(cli->paths.config, &text, &size, err);

	if (r == -ENOENT)
		size = 0;
	else if (r)
		return r;
	if (size) {
		r = yaml_parse(cli->paths.config, text, size, &stream, err);
		if (r)
			return r;
		if (yaml_documents(stream))
			json = json_deep_copy(yaml_document(stream, 0));
		yaml_stream_free(stream);
	}
	*ret_json = json_is_object(json) ? json
					 : json_pack("{s:s, s:s}", "apiVersion", "lbctl.io/v1",
						     "kind", "Configuration");
	return 0;
}

static void address_add(json_t *list, const struct lb_addr *addr)
{
	char text[ADDR_TEXT];

	if (!addr_is_zero(addr))
		json_array_append_new(list, json_string(addr_format(addr, text)));
}

/* Where node ports answer: elsewhere there are other devices. */
static json_t *device_addresses(const struct cli *cli)
{
	struct datapath_devices devices = { 0 };
	json_t *list = json_array();
	struct datapath *dp;
	struct err silence;

	if (datapath_open(&cli->paths, &dp, &silence))
		return list;
	if (!datapath_read_devices(dp, &devices, &silence))
		for (size_t i = 0; i < devices.n; i++) {
			if (!(devices.items[i].value.flags & LB_DEVICE_NIC))
				continue;
			address_add(list, &devices.items[i].value.addr4);
			address_add(list, &devices.items[i].value.addr6);
		}
	vec_free(&devices);
	datapath_close(dp);
	return list;
}

/* With the node's own name and addresses, which are this machine's where they are not written. */
static void configuration_complete(const struct cli *cli, json_t *json)
{
	json_t *addresses;

	json_object_set_new(json, "nodeName", json_string(cli->config.node_name));
	if (json_object_get(json, "nodeAddresses"))
		return;
	addresses = device_addresses(cli);
	if (json_array_size(addresses))
		json_object_set(json, "nodeAddresses", addresses);
	json_decref(addresses);
}

/* -------------------------------------------------------------------- saving -- */

struct journal_copy {
	FILE *out;
	const char *name;
};

static void journal_visit(void *arg, const json_t *line)
{
	const struct journal_copy *copy = arg;

	record_journal(copy->out, copy->name, line);
}

static void journals_save(const struct cli *cli, FILE *out)
{
	static const char *const names[] = { MEMORY_FILE, EVENTS_FILE };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct journal_copy copy = { .out = out, .name = names[i] };

		journal_read(cli->paths.run, names[i], journal_visit, &copy);
	}
}

static size_t objects_save(const struct store *store, FILE *out)
{
	size_t n = 0;

	for (enum k8s_kind kind = 0; kind < K8S_KINDS; kind++) {
		struct store_view view = store_list(store, kind, NULL);

		for (size_t i = 0; i < view.n; i++)
			record_object(out, view.items[i]);
		n += view.n;
	}
	return n;
}

/* Names of hosts and networks are in it: for its owner alone, also where a file was before. */
static FILE *file_create(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *out = fd < 0 || fchmod(fd, 0600) ? NULL : fdopen(fd, "w");

	if (out)
		return out;
	(void)err_sys(err, -errno, "cannot write %s", path);
	if (fd >= 0)
		close(fd);
	return NULL;
}

int snapshot_begin(const struct cli *cli, const char *path, bool cluster, FILE **ret_out,
		   struct err *err)
{
	cleanup_json json_t *configuration = NULL;
	FILE *out;
	int r = configuration_read(cli, &configuration, err);

	if (r)
		return r;
	configuration_complete(cli, configuration);
	out = file_create(path, err);
	if (!out)
		return -EIO;
	record_begin(out, configuration, cluster, time(NULL));
	*ret_out = out;
	return 0;
}

static int save(const struct cli *cli, const char *path, struct err *err)
{
	struct store *store;
	FILE *out;
	size_t n = 0;
	int r = resource_store_load(cli, &store, err);

	if (r)
		return r;
	r = snapshot_begin(cli, path, store_is_cluster(store), &out, err);
	if (!r) {
		n = objects_save(store, out);
		journals_save(cli, out);
	}
	store_free(store);
	if (r)
		return r;
	if (ferror(out) | fclose(out))
		return err_sys(err, -EIO, "cannot write %s", path);
	printf("%zu objects of %s saved; what Secrets hold is not among them\n", n,
	       cli->config.node_name);
	return 0;
}

static int snapshot_run(struct cli *cli)
{
	struct err err;

	if (strcmp(cli->args[0], "save") != 0)
		return cli_usage(cli, "what can be done with a snapshot: save FILE");
	return save(cli, cli->args[1], &err) ? cli_fail(&err) : CLI_OK;
}

const struct command cmd_snapshot = {
	.name = "snapshot",
	.args = "save FILE",
	.summary = "Keep this node's objects in a file, to look for a fault elsewhere",
	.details = "The file has the configuration, all objects, and what probes found, one JSON\n"
		   "object a line, for `lbctl replay`. What Secrets hold, the environment of pods\n"
		   "and headers of probes are left out. Its owner alone may read it.\n"
		   "\n"
		   "  lbctl snapshot save node1.jsonl\n"
		   "  lbctl replay node1.jsonl --root /tmp/node1",
	.min_args = 2,
	.max_args = 2,
	.run = snapshot_run,
};
