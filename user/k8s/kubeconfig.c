/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/kubeconfig.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "user/k8s/document.h"
#include "user/k8s/file.h"
#include "user/k8s/kubeconfig_parts.h"
#include "user/util/base64.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

struct source {
	const char *file;
	const char *folder;
	const char *context; /* NULL: the file's current one */
	struct kubeconfig *kubeconfig;
};

char *kubeconfig_text(const struct field *map, const char *key)
{
	struct field field = field_get(map, key);
	const char *text = field_string(&field);

	return text ? xstrdup(text) : NULL;
}

char *kubeconfig_path(const char *folder, const char *path)
{
	return *path == '/' ? xstrdup(path) : xasprintf("%s/%s", folder, path);
}

/* Values stay out of errors: some of them are secret. */
static char *pem_decode(const struct field *field, const char *text)
{
	size_t size;
	char *pem = base64_decode(text, &size);

	if (!pem)
		field_fail(field, "must be base64");
	else if (strlen(pem) != size || !strstr(pem, "-----BEGIN "))
		field_fail(field, "must be base64 of PEM (-----BEGIN …)");
	return pem;
}

void kubeconfig_read_pem(const struct field *map, const char *key, const char *folder,
			 struct kubeconfig_pem *pem)
{
	cleanup_free char *data_key = xasprintf("%s-data", key);
	struct field file = field_get(map, key);
	struct field data = field_get(map, data_key);
	const char *path = field_string(&file), *text = field_string(&data);

	if (text) {
		pem->data = pem_decode(&data, text);
	} else if (path) {
		pem->file = kubeconfig_path(folder, path);
		if (access(pem->file, R_OK))
			field_fail(&file, "%s: %s", pem->file, strerror(errno));
	}
}

/* ----------------------------------------------------------------- by name -- */

/* The member of list[i] whose name is this; an error, at what refers to it, if there is none. */
static bool named_find(const struct field *root, const char *list, const char *name,
		       const struct field *reference, struct field *ret_list,
		       struct field *ret_item)
{
	size_t n;

	*ret_list = field_get(root, list);
	n = field_items(ret_list);
	for (size_t i = 0; i < n; i++) {
		struct field item = field_at(ret_list, i);
		struct field item_name = field_get(&item, "name");
		const char *text = field_string(&item_name);

		if (text && !strcmp(text, name)) {
			*ret_item = item;
			return true;
		}
	}
	field_fail(reference, "no \"%s\" in %s", name, list);
	return false;
}

static bool server_is_url(const char *server)
{
	const char *host = !strncmp(server, "https://", 8)  ? server + 8
			   : !strncmp(server, "http://", 7) ? server + 7
							    : "";

	return *host && *host != '/';
}

static void server_read(const struct field *cluster, struct kubeconfig *kubeconfig)
{
	struct field server = field_get(cluster, "server");
	const char *text = field_string(&server);
	size_t length;

	field_required(&server);
	if (!text)
		return;
	if (!server_is_url(text))
		field_invalid(&server, "must be a URL (e.g. https://10.0.0.1:6443)");
	length = strlen(text);
	while (length && text[length - 1] == '/')
		length--;
	kubeconfig->server = strndup(text, length);
}

static void cluster_read(const struct field *cluster, const struct source *source)
{
	struct kubeconfig *kubeconfig = source->kubeconfig;
	struct field insecure = field_get(cluster, "insecure-skip-tls-verify");

	server_read(cluster, kubeconfig);
	kubeconfig_read_pem(cluster, "certificate-authority", source->folder, &kubeconfig->ca);
	kubeconfig->tls_server_name = kubeconfig_text(cluster, "tls-server-name");
	kubeconfig->proxy = kubeconfig_text(cluster, "proxy-url");
	kubeconfig->insecure = field_bool(&insecure, false);
	if (kubeconfig->insecure && (kubeconfig->ca.file || kubeconfig->ca.data))
		field_fail(&insecure, "makes no sense with a certificate-authority");
}

/* What the context refers to by name is in a list of its own, below a key of its own. */
static void reference_read(const struct field *root, const struct field *context, const char *key,
			   const char *list_name, const struct source *source,
			   void (*read)(const struct field *map, const struct source *source))
{
	struct field reference = field_get(context, key), list, item, map;
	const char *name = field_string(&reference);

	if (!name || !named_find(root, list_name, name, &reference, &list, &item))
		return;
	map = field_get(&item, key);
	field_required(&map);
	read(&map, source);
}

static void user_read(const struct field *user, const struct source *source)
{
	kubeconfig_read_user(user, source->folder, source->kubeconfig);
}

static void root_read(const struct field *root, void *arg)
{
	const struct source *source = arg;
	struct field current = field_get(root, "current-context");
	const char *name = source->context ? source->context : field_string(&current);
	struct field list, item, context, cluster;

	if (!source->context)
		field_required(&current);
	if (!name)
		return;
	if (!named_find(root, "contexts", name, source->context ? root : &current, &list, &item))
		return;
	context = field_get(&item, "context");
	cluster = field_get(&context, "cluster");
	field_required(&cluster);
	reference_read(root, &context, "cluster", "clusters", source, cluster_read);
	reference_read(root, &context, "user", "users", source, user_read);
	source->kubeconfig->source = xasprintf("%s (context %s)", source->file, name);
	source->kubeconfig->file = realpath(source->file, NULL);
	source->kubeconfig->context = xstrdup(name);
}

int kubeconfig_load(const char *file, const char *context, struct kubeconfig *ret_kubeconfig,
		    struct err *err)
{
	struct kubeconfig kubeconfig = { 0 };
	const char *slash = strrchr(file, '/');
	cleanup_free char *folder = slash ? strndup(file, (size_t)(slash - file)) : xstrdup(".");
	struct source source = { file, folder, context, &kubeconfig };
	cleanup_free char *text = NULL;
	size_t size;
	int r = file_read(file, &text, &size, err);

	if (r)
		return r;
	r = document_read(file, text, size, root_read, &source, err);
	explicit_bzero(text, size);
	if (!r && !kubeconfig.server)
		r = err_set(err, -EINVAL, "%s:1: is empty: it must have clusters and contexts",
			    file);
	if (r)
		kubeconfig_done(&kubeconfig);
	else
		*ret_kubeconfig = kubeconfig;
	return r;
}

/* -------------------------------------------------------------- in cluster -- */

int kubeconfig_in_cluster(const char *dir, struct kubeconfig *ret_kubeconfig, struct err *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	cleanup_free char *ca = xasprintf("%s/ca.crt", dir);
	cleanup_free char *token = xasprintf("%s/token", dir);
	bool v6 = host && strchr(host, ':');

	if (!host || !*host || !port || !*port)
		return err_set(err, -ENOENT,
			       "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT "
			       "are not set; --kubeconfig FILE says where the API server is");
	if (access(token, R_OK))
		return err_sys(err, -errno, "%s", token);
	if (access(ca, R_OK))
		return err_sys(err, -errno, "%s", ca);
	*ret_kubeconfig = (struct kubeconfig){
		.source = xstrdup("service account of this pod"),
		.server = xasprintf("https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port),
		.ca.file = TAKE_PTR(ca),
		.token_file = TAKE_PTR(token),
	};
	return 0;
}

static void secret_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static void exec_free(struct kubeconfig_exec *exec)
{
	if (!exec)
		return;
	for (size_t i = 0; i < exec->n_args; i++)
		free(exec->args[i]);
	for (size_t i = 0; i < exec->n_env; i++) {
		free(exec->env[i].name);
		secret_free(exec->env[i].value);
	}
	free(exec->args);
	free(exec->env);
	free(exec->api_version);
	free(exec->command);
	free(exec->install_hint);
	free(exec);
}

void kubeconfig_done(struct kubeconfig *kubeconfig)
{
	free(kubeconfig->source);
	free(kubeconfig->file);
	free(kubeconfig->context);
	free(kubeconfig->server);
	free(kubeconfig->ca.file);
	free(kubeconfig->ca.data);
	free(kubeconfig->tls_server_name);
	free(kubeconfig->proxy);
	free(kubeconfig->certificate.file);
	free(kubeconfig->certificate.data);
	free(kubeconfig->key.file);
	secret_free(kubeconfig->key.data);
	secret_free(kubeconfig->token);
	free(kubeconfig->token_file);
	exec_free(kubeconfig->exec);
	*kubeconfig = (struct kubeconfig){ 0 };
}
