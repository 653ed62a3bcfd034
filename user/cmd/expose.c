/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "user/cmd/change.h"
#include "user/cmd/resource.h"
#include "user/cmd/selector.h"
#include "user/k8s/decode.h"
#include "user/util/cleanup.h"
#include "user/util/num.h"
#include "user/util/tree.h"

#define OUTPUTS "name|json|yaml"

static const struct option expose_options[] = {
	{ "port", 0, "PORT[,PORT...]", "port of the Service (default: those of the object)" },
	{ "target-port", 0, "PORT|NAME", "port of the pods (default: the same)" },
	{ "name", 0, "NAME", "name of the Service (default: that of the object)" },
	{ "type", 0, "TYPE", "ClusterIP, NodePort, LoadBalancer or ExternalName" },
	{ "selector", 0, "KEY=VALUE,...", "labels of the pods (default: from the object)" },
	{ "labels", 'l', "KEY=VALUE,...", "labels of the Service (default: those of the object)" },
	{ "protocol", 0, "PROTOCOL", "TCP, UDP or SCTP (default: the object's, else TCP)" },
	{ "cluster-ip", 0, "ADDRESS", "cluster IP, or None for a headless Service" },
	{ "external-ip", 0, "ADDRESS", "an address that is routed to the nodes" },
	{ "load-balancer-ip", 0, "ADDRESS", "address to ask of the load balancer" },
	{ "session-affinity", 0, "None|ClientIP", "whether a client stays with its pod" },
	DRY_RUN_OPTION,
	{ "output", 'o', OUTPUTS, "print the Service instead of what happened" },
	{ 0 },
};

/* "a=b,c=d" → {"a": "b", "c": "d"} */
static int parse_labels(const char *option, const char *text, json_t **ret_labels, struct err *err)
{
	cleanup_json json_t *labels = json_object();
	struct selector selector;
	int code = selector_parse(text, &selector, err);

	if (code)
		return err_wrap(err, code, "--%s", option);
	for (size_t i = 0; i < selector.n; i++) {
		const struct selector_term *term = &selector.items[i];

		if (term->operator!= SELECTOR_IN || term->n != 1)
			code = err_set(err, -EINVAL, "--%s: \"%s\": only KEY=VALUE is possible",
				       option, text);
		else
			json_object_set_new(labels, term->key, json_string(term->values[0]));
	}
	selector_done(&selector);
	if (!code)
		*ret_labels = TAKE_PTR(labels);
	return code;
}

/* What an object tells about the Service to be made; members NULL where it tells nothing. */
struct template
{
	const char *name;
	json_t *selector, *labels, *ports; /* owned */
};

static void template_done(struct template *template)
{
	json_decref(template->selector);
	json_decref(template->labels);
	json_decref(template->ports);
}

static json_t *pod_ports(const struct object *pod)
{
	json_t *ports = json_array();
	json_t *containers = tree_get(pod->json, "spec.containers"), *container, *port;
	size_t i, j;

	json_array_foreach (containers, i, container)
		json_array_foreach (tree_get(container, "ports"), j, port)
			json_array_append_new(
				ports, json_pack("{s:O, s:O*}", "port",
						 json_object_get(port, "containerPort"), "protocol",
						 json_object_get(port, "protocol")));
	return ports;
}

static json_t *service_ports(const struct object *service)
{
	json_t *ports = json_deep_copy(tree_get(service->json, "spec.ports"));
	json_t *port;
	size_t i;

	/* A node port belongs to one Service. */
	json_array_foreach (ports, i, port)
		json_object_del(port, "nodePort");
	return ports;
}

static int template_read(const struct object *object, struct template *ret, struct err *err)
{
	const json_t *labels = tree_get(object->json, "metadata.labels");
	const json_t *selector = labels;

	if (object->kind == K8S_SERVICE)
		selector = tree_get(object->json, "spec.selector");
	else if (object->kind != K8S_POD)
		return err_set(err, -EINVAL, "cannot expose a %s", k8s_kinds[object->kind].kind);
	*ret = (struct template){
		.name = object->name,
		.selector = json_deep_copy(selector),
		.labels = json_deep_copy(labels),
		.ports = object->kind == K8S_POD ? pod_ports(object) : service_ports(object),
	};
	return 0;
}

/* ---------------------------------------------------------------- ports -- */

/* Replaces the ports by those of --port. */
static int set_port_numbers(const char *text, json_t **ports, struct err *err)
{
	cleanup_json json_t *list = json_array();
	cleanup_free char *copy = xstrdup(text);
	char *state = NULL;

	for (const char *word = strtok_r(copy, ",", &state); word;
	     word = strtok_r(NULL, ",", &state)) {
		uint64_t port;

		if (num_parse(word, 1, 65535, &port))
			return err_set(err, -EINVAL, "--port: \"%s\" is not a port", word);
		json_array_append_new(list, json_pack("{s:I}", "port", (json_int_t)port));
	}
	json_decref(*ports);
	*ports = TAKE_PTR(list);
	return 0;
}

static json_t *target_value(const char *text)
{
	uint64_t number;

	return num_parse(text, 0, UINT16_MAX, &number) ? json_string(text)
						       : json_integer((json_int_t)number);
}

static int complete_ports(const struct cli *cli, struct template *template, struct err *err)
{
	const char *numbers = cli_option(cli, "port");
	const char *target = cli_option(cli, "target-port");
	const char *protocol = cli_option(cli, "protocol");
	json_t *port;
	size_t i;
	int code = numbers ? set_port_numbers(numbers, &template->ports, err) : 0;

	if (code)
		return code;
	if (!json_array_size(template->ports))
		return err_set(err, -EINVAL, "couldn't find port via --port flag or introspection");
	json_array_foreach (template->ports, i, port) {
		if (json_array_size(template->ports) > 1 && !json_object_get(port, "name"))
			json_object_set_new(port, "name", json_sprintf("port-%zu", i + 1));
		if (target)
			json_object_set_new(port, "targetPort", target_value(target));
		else if (!json_object_get(port, "targetPort"))
			json_object_set(port, "targetPort", json_object_get(port, "port"));
		if (protocol)
			json_object_set_new(port, "protocol", json_string(protocol));
		else if (!json_object_get(port, "protocol"))
			json_object_set_new(port, "protocol", json_string("TCP"));
	}
	return 0;
}

/* -------------------------------------------------------------- service -- */

static int replace_labels(const struct cli *cli, const char *option, json_t **labels,
			  struct err *err)
{
	const char *text = cli_option(cli, option);
	json_t *given = NULL;
	int code;

	if (!text)
		return 0;
	code = parse_labels(option, text, &given, err);
	if (code)
		return code;
	json_decref(*labels);
	*labels = given;
	return 0;
}

static int complete_template(const struct cli *cli, struct template *template, struct err *err)
{
	int code = replace_labels(cli, "selector", &template->selector, err);

	if (!code)
		code = replace_labels(cli, "labels", &template->labels, err);
	if (code)
		return code;
	if (cli_option(cli, "name"))
		template->name = cli_option(cli, "name");
	if (!json_object_size(template->selector))
		return err_set(err, -EINVAL,
			       "couldn't retrieve selectors via --selector flag or introspection");
	if (!template->name)
		return err_set(err, -EINVAL, "--name is needed");
	return complete_ports(cli, template, err);
}

/* Options that are fields of the same meaning. */
static const struct field {
	const char *option, *path;
	bool list;
} fields[] = {
	{ "type", "spec.type", false },
	{ "cluster-ip", "spec.clusterIP", false },
	{ "external-ip", "spec.externalIPs", true },
	{ "load-balancer-ip", "spec.loadBalancerIP", false },
	{ "session-affinity", "spec.sessionAffinity", false },
};

static int make_service(const struct cli *cli, const struct template *template,
			struct object **ret_service, struct err *err)
{
	cleanup_json json_t *json = json_pack(
		"{s:s, s:s, s:{s:s, s:s, s:O*}, s:{s:O, s:O}}", "apiVersion", "v1", "kind",
		"Service", "metadata", "name", template->name, "namespace", cli->ns, "labels",
		template->labels, "spec", "ports", template->ports, "selector", template->selector);

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const char *value = cli_option(cli, fields[i].option);

		if (value)
			tree_set(json, fields[i].path,
				 fields[i].list ? json_pack("[s]", value) : json_string(value));
	}
	return object_decode(json, cli->ns, ret_service, NULL, err);
}

static int expose_template(struct changes *changes, struct template *template,
			   const struct change_report *report)
{
	struct object *service;
	struct err err;
	int code = complete_template(changes->cli, template, &err);

	if (!code)
		code = make_service(changes->cli, template, &service, &err);
	if (code)
		return cli_fail(&err);
	code = changes_create(changes, service, &err);
	object_free(service);
	if (code == -EEXIST)
		return cli_server_error("AlreadyExists", "%s", err.text);
	return code ? cli_fail(&err) : changes_finish(changes, report);
}

static int expose_ref(struct changes *changes, const struct resource_ref *ref,
		      const struct change_report *report)
{
	struct template template = { 0 };
	struct err err;
	int exit_code;

	if (ref) {
		const struct object *object = store_find(
			changes->store, ref->kind,
			k8s_kinds[ref->kind].namespaced ? changes->cli->ns : "", ref->name);

		if (!object)
			return resource_not_found(ref->kind, ref->name);
		if (template_read(object, &template, &err))
			return cli_fail(&err);
	}
	exit_code = expose_template(changes, &template, report);
	template_done(&template);
	return exit_code;
}

static int expose_run(struct cli *cli)
{
	struct change_report report = { .verb = "exposed" };
	struct resource_refs refs = { 0 };
	struct changes changes;
	struct err err;
	int code;

	if (output_parse(cli, OUTPUTS, &report.output, &err) ||
	    dry_run_parse(cli, &report.dry_run, &err))
		return cli_usage(cli, "%s", err.text);
	if (!cli->n_args && !cli_option(cli, "selector"))
		return cli_usage(cli, "needs an object, or --selector and --name");
	code = cli->n_args ? resource_refs_parse(cli->args, cli->n_args, &refs, &err) : 0;
	if (code)
		return resource_refs_fail(cli, code, &err);
	if (refs.n > 1 || (refs.n && !refs.items[0].name)) {
		code = cli_usage(cli, "one object is needed, as KIND NAME or KIND/NAME");
	} else if (changes_begin(cli, report.dry_run == DRY_RUN_NONE, &changes, &err)) {
		code = cli_fail(&err);
	} else {
		code = expose_ref(&changes, refs.n ? &refs.items[0] : NULL, &report);
		changes_done(&changes);
	}
	resource_refs_done(&refs);
	return code;
}

const struct command cmd_expose = {
	.name = "expose",
	.args = "[KIND NAME | KIND/NAME]",
	.summary = "Make a Service for a pod, for another Service's pods, or for a selector",
	.details =
		"Selector, labels and ports come from the object where no option gives them: a "
		"pod's\n"
		"labels choose the pods, a Service's selector is used again.\n"
		"\n"
		"Examples:\n"
		"  lbctl expose pod kubia-1 --name kubia --port 80 --target-port 8080\n"
		"  lbctl expose svc kubia --name kubia-outside --type NodePort\n"
		"  lbctl expose --selector app=kubia --name kubia --port 80 --target-port http\n",
	.options = expose_options,
	.max_args = 2,
	.run = expose_run,
};
