/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/origin.h"

#include <errno.h>
#include <jansson.h>
#include <unistd.h>

#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

static char *origin_path(const struct paths *paths)
{
	return xasprintf("%s/origin.json", paths->run);
}

static char *text_copy(const json_t *json, const char *key)
{
	const char *text = tree_text(json, key);

	return text ? xstrdup(text) : NULL;
}

void origin_done(struct origin *origin)
{
	free(origin->server);
	free(origin->kubeconfig);
	free(origin->context);
	*origin = (struct origin){ 0 };
}

void origin_read(const struct paths *paths, struct origin *ret_origin)
{
	cleanup_free char *path = origin_path(paths);
	cleanup_json json_t *json = json_load_file(path, 0, NULL);

	*ret_origin = (struct origin){
		.server = text_copy(json, "server"),
		.kubeconfig = text_copy(json, "kubeconfig"),
		.context = text_copy(json, "context"),
	};
}

int origin_write(const struct paths *paths, const struct kubeconfig *kubeconfig, struct err *err)
{
	cleanup_free char *path = origin_path(paths), *new = xasprintf("%s.new", path);
	cleanup_json json_t *json = NULL;

	if (!kubeconfig) {
		if (unlink(path) && errno != ENOENT)
			return err_sys(err, -errno, "%s", path);
		return 0;
	}
	json = json_pack("{s:s, s:s*, s:s*}", "server", kubeconfig->server, "kubeconfig",
			 kubeconfig->file, "context", kubeconfig->context);
	if (json_dump_file(json, new, JSON_INDENT(2)) || rename(new, path))
		return err_sys(err, errno ? -errno : -EIO, "%s", path);
	return 0;
}

int origin_kubeconfig(const struct origin *origin, struct kubeconfig *ret_kubeconfig,
		      struct err *err)
{
	if (origin->kubeconfig)
		return kubeconfig_load(origin->kubeconfig, origin->context, ret_kubeconfig, err);
	return kubeconfig_in_cluster(SERVICE_ACCOUNT_DIR, ret_kubeconfig, err);
}
