/* SPDX-License-Identifier: Apache-2.0 */
/* IngressClasses: which Ingresses are ours, and what holds for all of them. */
#include <string.h>

#include "user/ingress/rules_parts.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

static bool class_is_ours(const struct object *class)
{
	const char *controller = tree_text(class->json, "spec.controller");

	return controller && !strcmp(controller, INGRESS_CONTROLLER);
}

/* Without a class: where some class is the default one its controller decides. */
static bool default_is_ours(const struct store *store)
{
	struct store_view classes = store_list(store, K8S_INGRESS_CLASS, NULL);
	bool any = false;

	for (size_t i = 0; i < classes.n; i++) {
		const char *text = object_annotation(classes.items[i],
						     "ingressclass.kubernetes.io/is-default-class");

		if (!text || strcmp(text, "true") != 0)
			continue;
		if (class_is_ours(classes.items[i]))
			return true;
		any = true;
	}
	return !any;
}

bool rules_is_ours(const struct store *store, const struct object *ingress)
{
	const char *name = ingress->ingress->class;
	const struct object *class;

	if (!name)
		return default_is_ours(store);
	class = store_find(store, K8S_INGRESS_CLASS, "", name);
	return class ? class_is_ours(class) : !strcmp(name, INGRESS_CLASS);
}

/*
 * Who may speak the PROXY protocol. It comes before anybody knows which host is asked for, so it
 * cannot be an Ingress's: who may write one in a namespace of his own could then tell all others
 * any client's address. An IngressClass is the whole cluster's.
 */
void trusted_collect(struct ingress_rules *rules, const struct store *store)
{
	struct store_view classes = store_list(store, K8S_INGRESS_CLASS, NULL);

	for (size_t i = 0; i < classes.n; i++) {
		const char *text = object_annotation(classes.items[i], OPTIONS_PROXY_FROM);
		struct prefix_list list = { 0 };
		const char *wrong;

		if (!text || !class_is_ours(classes.items[i]))
			continue;
		wrong = options_prefixes(text, &list);
		if (wrong)
			rules_problem(rules, classes.items[i], INGRESS_ANNOTATION,
				      "annotation " OPTIONS_PROXY_FROM ": %s; nobody is believed",
				      wrong);
		for (size_t k = 0; !wrong && k < list.n; k++)
			vec_push(&rules->trusted, list.items[k]);
		vec_free(&list);
	}
}
