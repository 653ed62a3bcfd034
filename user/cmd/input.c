/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/input.h"

#include <errno.h>
#include <string.h>

static int check_namespaces(const struct cli *cli, const struct object_list *list, struct err *err)
{
	for (size_t i = 0; cli->ns_given && i < list->n; i++) {
		const struct object *object = list->items[i];

		if (*object->ns && strcmp(object->ns, cli->ns) != 0)
			return err_set(err, -EINVAL,
				       "the namespace from the provided object \"%s\" does not "
				       "match the namespace \"%s\". You must pass '--namespace=%s' "
				       "to perform this operation.",
				       object->ns, cli->ns, object->ns);
	}
	return 0;
}

int input_read(const struct cli *cli, struct object_list *ret_list, struct err *err)
{
	struct object_list list = { 0 };
	const char *path;
	int code = 0;
	size_t i = 0;

	while (!code && (path = cli_next(cli, "filename", &i)))
		code = manifest_read(path, cli->ns, &list, err);
	if (!code)
		code = check_namespaces(cli, &list, err);
	if (!code && !list.n)
		code = err_set(err, -EINVAL, "no objects passed to %s", cli->command->name);
	if (code) {
		object_list_free(&list);
		return code;
	}
	*ret_list = list;
	return 0;
}
