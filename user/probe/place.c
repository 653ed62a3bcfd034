/* SPDX-License-Identifier: Apache-2.0 */
#include "user/probe/place.h"

#include "user/util/vec.h"

static char *annotation_copy(const struct object *pod, const char *key)
{
	const char *text = object_annotation(pod, key);

	return text && *text ? xstrdup(text) : NULL;
}

void place_init(struct place *place, const struct object *pod, const struct container *container)
{
	*place = (struct place){
		.pid = annotation_copy(pod, "lbctl.io/pid"),
		.netns = annotation_copy(pod, "lbctl.io/netns"),
		.root = annotation_copy(pod, "lbctl.io/root"),
		.user = container->run_as_user,
		.group = container->run_as_group,
	};
}

void place_done(struct place *place)
{
	free(place->pid);
	free(place->netns);
	free(place->root);
	*place = (struct place){ 0 };
}
