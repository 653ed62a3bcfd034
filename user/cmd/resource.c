/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/resource.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "user/agent/origin.h"
#include "user/api/fetch.h"
#include "user/k8s/state.h"
#include "user/model/slices.h"
#include "user/probe/memory.h"
#include "user/util/cleanup.h"

const char *resource_singular(enum k8s_kind kind, char *text)
{
	const struct k8s_kind_info *info = &k8s_kinds[kind];

	snprintf(text, RESOURCE_TEXT, "%s%s%s", info->singular, *info->group ? "." : "",
		 info->group);
	return text;
}

const char *resource_plural(enum k8s_kind kind, char *text)
{
	const struct k8s_kind_info *info = &k8s_kinds[kind];

	snprintf(text, RESOURCE_TEXT, "%s%s%s", info->plural, *info->group ? "." : "", info->group);
	return text;
}

int resource_not_found(enum k8s_kind kind, const char *name)
{
	char text[RESOURCE_TEXT];

	return cli_server_error("NotFound", "%s \"%s\" not found", resource_plural(kind, text),
				name);
}

/* ---------------------------------------------------------------- words -- */

/* "svc", "endpointslices.discovery.k8s.io"; word need not end at length. */
static enum k8s_kind kind_parse(const char *word, size_t length)
{
	char text[RESOURCE_TEXT];
	enum k8s_kind kind;
	char *dot;

	if (length >= sizeof(text))
		return K8S_KINDS;
	memcpy(text, word, length);
	text[length] = '\0';
	dot = strchr(text, '.');
	if (dot)
		*dot = '\0';
	kind = k8s_kind_find(text);
	if (kind != K8S_KINDS && dot && strcasecmp(dot + 1, k8s_kinds[kind].group) != 0)
		return K8S_KINDS;
	return kind;
}

/* Appends a ref for each kind in "svc,ep" with this name. */
static int add_kinds(struct resource_refs *refs, const char *word, size_t length, const char *name,
		     struct err *err)
{
	static const enum k8s_kind all[] = { K8S_POD, K8S_SERVICE };
	const char *end = word + length;

	if (length == 3 && !memcmp(word, "all", 3)) {
		for (size_t i = 0; i < ARRAY_LEN(all); i++)
			vec_push(refs, ((struct resource_ref){ all[i], name }));
		return 0;
	}
	for (;;) {
		const char *comma = memchr(word, ',', (size_t)(end - word));
		size_t part = (size_t)((comma ? comma : end) - word);
		enum k8s_kind kind = kind_parse(word, part);

		if (kind == K8S_KINDS)
			return err_set(err, -ENOTSUP,
				       "the server doesn't have a resource type \"%.*s\"",
				       (int)part, word);
		vec_push(refs, ((struct resource_ref){ kind, name }));
		if (!comma)
			return 0;
		word = comma + 1;
	}
}

/* "service/kubia service/bar" */
static int parse_slashed(const char *const *args, size_t n, struct resource_refs *refs,
			 struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *slash = strchr(args[i], '/');
		int code;

		if (!slash || !slash[1] || strchr(slash + 1, '/'))
			return err_set(err, -EINVAL,
				       "\"%s\": where one argument is KIND/NAME, all must be",
				       args[i]);
		code = add_kinds(refs, args[i], (size_t)(slash - args[i]), slash + 1, err);
		if (code)
			return code;
	}
	return 0;
}

/* "svc", "svc,ep", "svc kubia bar" */
static int parse_spaced(const char *const *args, size_t n, struct resource_refs *refs,
			struct err *err)
{
	for (size_t i = 1; i < n || i == 1; i++) {
		int code = add_kinds(refs, args[0], strlen(args[0]), n > 1 ? args[i] : NULL, err);

		if (code)
			return code;
		if (i < n && strchr(args[i], '/'))
			return err_set(err, -EINVAL,
				       "\"%s\": a resource type was given already, so this must be "
				       "a name",
				       args[i]);
	}
	return 0;
}

int resource_refs_parse(const char *const *args, size_t n, struct resource_refs *ret_refs,
			struct err *err)
{
	struct resource_refs refs = { 0 };
	int code;

	if (!n)
		return err_set(err, -EINVAL, "a resource type is needed, such as svc");
	if (strchr(args[0], '/'))
		code = parse_slashed(args, n, &refs, err);
	else
		code = parse_spaced(args, n, &refs, err);
	if (code) {
		resource_refs_done(&refs);
		return code;
	}
	for (size_t i = 1; i < refs.n; i++)
		refs.several_kinds |= refs.items[i].kind != refs.items[0].kind;
	*ret_refs = refs;
	return 0;
}

int resource_refs_fail(const struct cli *cli, int code, const struct err *err)
{
	return code == -ENOTSUP ? cli_fail(err) : cli_usage(cli, "%s", err->text);
}

void resource_refs_done(struct resource_refs *refs)
{
	vec_free(refs);
}

/* -------------------------------------------------------------- objects -- */

static void add_made(struct resources *resources, struct object *object, const char *name)
{
	if (name && strcmp(object->name, name) != 0) {
		object_free(object);
		return;
	}
	vec_push(&resources->made, object);
	vec_push(resources, object);
}

static void add_endpoints(struct resources *resources, const struct store *store,
			  const struct object *service, const char *name)
{
	struct object *endpoints;

	if (name && strcmp(service->name, name) != 0)
		return;
	endpoints = endpoints_of_service(store, service);
	if (endpoints)
		add_made(resources, endpoints, name);
}

static void add_slices(struct resources *resources, const struct store *store,
		       const struct object *service, const char *name)
{
	struct object_list slices = { 0 };

	slices_of_service(store, service, &slices);
	for (size_t i = 0; i < slices.n; i++)
		add_made(resources, TAKE_PTR(slices.items[i]), name);
	vec_free(&slices);
}

static int compare_objects(const void *a, const void *b)
{
	const struct object *x = *(const struct object *const *)a;
	const struct object *y = *(const struct object *const *)b;
	int order = strcmp(x->ns, y->ns);

	return order ? order : strcmp(x->name, y->name);
}

void resources_sort(struct resources *resources, size_t first)
{
	qsort(resources->items + first, resources->n - first, sizeof(*resources->items),
	      compare_objects);
}

const struct object *resources_find(const struct resources *resources, const struct object *like)
{
	const struct object **found = NULL;

	if (resources->n)
		found = bsearch(&like, resources->items, resources->n, sizeof(*resources->items),
				compare_objects);
	return found ? *found : NULL;
}

void resources_add(struct resources *resources, const struct store *store, enum k8s_kind kind,
		   const char *ns, const char *name)
{
	bool derived = kind == K8S_ENDPOINTS || kind == K8S_ENDPOINT_SLICE;
	struct store_view view = store_list(store, K8S_SERVICE, ns);
	size_t first = resources->n, made;

	for (size_t i = 0; derived && i < view.n; i++) {
		if (kind == K8S_ENDPOINTS)
			add_endpoints(resources, store, view.items[i], name);
		else
			add_slices(resources, store, view.items[i], name);
	}
	made = resources->n - first;
	if (made)
		resources_sort(resources, first);
	view = store_list(store, kind, k8s_kinds[kind].namespaced ? ns : NULL);
	for (size_t i = 0; i < view.n; i++) {
		const struct object *object = view.items[i];

		if (name && strcmp(object->name, name) != 0)
			continue;
		/* A stored one that a service has is among the made already. */
		if (!made || !bsearch(&object, resources->items + first, made,
				      sizeof(*resources->items), compare_objects))
			vec_push(resources, object);
	}
	if (made)
		resources_sort(resources, first);
}

void resources_done(struct resources *resources)
{
	for (size_t i = 0; i < resources->made.n; i++)
		object_free(resources->made.items[i]);
	vec_free(&resources->made);
	vec_free(resources);
}

/* By the agent's own rights, which are for little more than this. */
static int cluster_load(const struct origin *origin, struct store **ret_store, struct err *err)
{
	static const struct source_kind kinds[] = { { K8S_SERVICE, NULL },
						    { K8S_ENDPOINT_SLICE, NULL },
						    { K8S_NODE, NULL } };
	struct object_list list = { 0 };
	struct kubeconfig kubeconfig;
	struct store *store;
	int code = origin_kubeconfig(origin, &kubeconfig, err);

	if (!code)
		code = fetch_objects(&kubeconfig, kinds, ARRAY_LEN(kinds), &list, err);
	if (code) {
		object_list_free(&list);
		return err_wrap(err, code, "objects of %s", origin->server);
	}
	store = store_new();
	store_set_cluster(store, 1u << K8S_SERVICE | 1u << K8S_ENDPOINT_SLICE | 1u << K8S_NODE);
	store_load(store, &list);
	*ret_store = store;
	return 0;
}

static int directory_load(const struct cli *cli, struct store **ret_store, struct err *err)
{
	struct object_list list = { 0 };
	struct readiness readiness;
	struct memory memory;
	struct store *store;
	int code = state_load(cli->paths.state, &list, err);

	if (code)
		return code;
	store = store_new();
	store_load(store, &list);
	object_list_free(&list);
	memory_load(cli->paths.run, &memory);
	readiness = memory_readiness(&memory);
	readiness_of_store(store, &readiness);
	memory_done(&memory);
	*ret_store = store;
	return 0;
}

int resource_store_load(const struct cli *cli, struct store **ret_store, struct err *err)
{
	struct origin origin;
	int code;

	origin_read(&cli->paths, &origin);
	code = origin.server ? cluster_load(&origin, ret_store, err)
			     : directory_load(cli, ret_store, err);
	origin_done(&origin);
	return code;
}

int resource_kinds_check(const struct store *store, const struct resource_refs *refs,
			 struct err *err)
{
	for (size_t i = 0; i < refs->n; i++) {
		enum k8s_kind kind = refs->items[i].kind;

		if (!store_knows(store, kind))
			return err_set(err, -ENOTSUP,
				       "%s are not read from the API server: kubectl get %s",
				       k8s_kinds[kind].plural, k8s_kinds[kind].plural);
	}
	return 0;
}

int resource_origin_check(const struct cli *cli, const char *advice, struct err *err)
{
	struct origin origin;
	int code = 0;

	origin_read(&cli->paths, &origin);
	if (origin.server)
		code = err_set(err, -ENOTSUP, "the objects of this node are those of %s: %s",
			       origin.server, advice);
	origin_done(&origin);
	return code;
}
