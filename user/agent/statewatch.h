/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells when the state directory changes: inotify on it and everything below, and on what
 * leads to it, since it may not exist yet, be a symbolic link, or be replaced.
 *
 * It may miss a change (a watch limit, a link behind a link): the periodic reconcile sees it.
 */
#ifndef AGENT_STATEWATCH_H
#define AGENT_STATEWATCH_H

#include <event2/event.h>
#include <stdbool.h>

#include "user/util/err.h"

struct statewatch;

/* changed(arg) is called from the loop. Nothing is watched before statewatch_refresh. */
LB_CHECKED int statewatch_open(struct event_base *base, const char *dir, void (*changed)(void *arg),
			       void *arg, struct statewatch **ret, struct err *err);
void statewatch_close(struct statewatch *watch);

/*
 * Watches directories that appeared since, and forgets changes not told yet. To be called just
 * before the state is read: what is written meanwhile is then either read or reported. anew:
 * looks at every directory again, whatever was told.
 */
LB_CHECKED int statewatch_refresh(struct statewatch *watch, bool anew, struct err *err);

#endif
