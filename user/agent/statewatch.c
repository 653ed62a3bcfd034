/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/statewatch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define WATCH_DEPTH 8 /* state/<plural>/<namespace>, and room for people's own folders */
#define WATCH_TREE                                                                               \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | \
	 IN_MOVE_SELF | IN_ONLYDIR)
#define WATCH_WAY                                                                              \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | \
	 IN_ONLYDIR)

struct statewatch {
	char *dir;
	int fd;
	struct event *event;
	void (*changed)(void *arg);
	void *arg;
	bool stale;	/* directories came or went */
	int way;	/* watch of the nearest directory above the state, -1: none */
	char *way_name; /* the entry of it that leads to the state */
};

/* ------------------------------------------------------------- watching -- */

static int tree_watch(struct statewatch *watch, const char *dir, int depth, struct err *err)
{
	const struct dirent *entry;
	DIR *stream;
	int rc = 0;

	if (inotify_add_watch(watch->fd, dir, WATCH_TREE) < 0) {
		/* Gone again, which the watch above it reports. */
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		return err_sys(err, -errno, "watch %s", dir);
	}
	stream = opendir(dir);
	if (!stream)
		return errno == ENOENT ? 0 : err_sys(err, -errno, "%s", dir);
	while (!rc && depth > 0 && (entry = readdir(stream))) {
		cleanup_free char *path = NULL;

		if (entry->d_name[0] == '.' ||
		    (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
			continue;
		path = xasprintf("%s/%s", dir, entry->d_name);
		rc = tree_watch(watch, path, depth - 1, err);
	}
	closedir(stream);
	return rc;
}

/* The longest part of path that is an existing directory; cuts path to it, returns the rest. */
static char *path_split(char *path)
{
	char *name = NULL;
	struct stat st;

	do {
		char *slash = strrchr(path, '/');

		if (!slash)
			return NULL;
		name = slash + 1;
		*slash = '\0';
	} while (*path && stat(path, &st));
	return name;
}

/*
 * Watches the directory that holds the state's entry, or, while that does not exist, the
 * nearest one above it. Looks again after each watch: the next step may have been made in
 * between, unnoticed.
 */
static int way_watch(struct statewatch *watch, struct err *err)
{
	cleanup_free char *last = NULL;

	for (;;) {
		cleanup_free char *path = xstrdup(watch->dir);
		const char *name = path_split(path);
		int wd;

		if (!name || (last && strcmp(last, path) == 0))
			return 0;
		wd = inotify_add_watch(watch->fd, *path ? path : "/", WATCH_WAY);
		if (wd < 0 && errno != ENOENT)
			return err_sys(err, -errno, "watch %s", *path ? path : "/");
		if (watch->way >= 0 && watch->way != wd)
			inotify_rm_watch(watch->fd, watch->way);
		watch->way = wd;
		free(watch->way_name);
		watch->way_name = xstrdup(name);
		free(last);
		last = TAKE_PTR(path);
	}
}

/* --------------------------------------------------------------- events -- */

static bool name_is_manifest(const char *name)
{
	static const char *const endings[] = { ".yaml", ".yml", ".json" };
	size_t length = strlen(name);

	if (*name == '.') /* an editor's or a writer's own */
		return false;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		size_t n = strlen(endings[i]);

		if (length > n && strcmp(name + length - n, endings[i]) == 0)
			return true;
	}
	return false;
}

/* Returns whether the state may have changed. */
static bool event_take(struct statewatch *watch, const struct inotify_event *event)
{
	const char *name = event->len ? event->name : "";

	if (event->mask & IN_IGNORED) { /* the kernel's word that a watch is no more */
		if (event->wd == watch->way)
			watch->way = -1;
		return false;
	}
	if (event->wd == watch->way && event->len && strcmp(name, watch->way_name) != 0)
		return false;
	if (event->wd == watch->way || !event->len || event->mask & (IN_ISDIR | IN_Q_OVERFLOW)) {
		watch->stale = true;
		return true;
	}
	/* A file that was created is not written yet: its closing follows, or its renaming. */
	if (event->mask & IN_CREATE)
		return false;
	return name_is_manifest(name);
}

static bool events_take(struct statewatch *watch)
{
	_Alignas(struct inotify_event) char buffer[16 * (sizeof(struct inotify_event) + NAME_MAX)];
	bool changed = false;
	ssize_t n;

	while ((n = read(watch->fd, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + n;) {
			const struct inotify_event *event = (const void *)at;

			changed |= event_take(watch, event);
			at += sizeof(*event) + event->len;
		}
	}
	return changed;
}

static void events_due(evutil_socket_t fd, short what, void *arg)
{
	struct statewatch *watch = arg;

	(void)fd;
	(void)what;
	if (events_take(watch))
		watch->changed(watch->arg);
}

int statewatch_refresh(struct statewatch *watch, bool anew, struct err *err)
{
	int rc;

	/* What has been told so far is about to be read. */
	events_take(watch);
	if (!watch->stale && !anew)
		return 0;
	rc = way_watch(watch, err);
	if (!rc)
		rc = tree_watch(watch, watch->dir, WATCH_DEPTH, err);
	if (!rc)
		watch->stale = false;
	return rc;
}

/* ------------------------------------------------------------ life cycle -- */

int statewatch_open(struct event_base *base, const char *dir, void (*changed)(void *arg), void *arg,
		    struct statewatch **ret, struct err *err)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct statewatch *watch;

	if (fd < 0)
		return err_sys(err, -errno, "inotify");
	watch = xcalloc(1, sizeof(*watch));
	*watch = (struct statewatch){
		.dir = xstrdup(dir),
		.fd = fd,
		.changed = changed,
		.arg = arg,
		.stale = true,
		.way = -1,
	};
	watch->event = event_new(base, fd, EV_READ | EV_PERSIST, events_due, watch);
	event_add(watch->event, NULL);
	*ret = watch;
	return 0;
}

void statewatch_close(struct statewatch *watch)
{
	if (!watch)
		return;
	event_free(watch->event);
	close(watch->fd);
	free(watch->way_name);
	free(watch->dir);
	free(watch);
}
