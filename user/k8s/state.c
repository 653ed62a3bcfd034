/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change is written to a file whose name starts with a dot, synced, renamed over the
 * old one, and the directory synced. Of many changes all are written before the first is renamed.
 * Readers skip names with a dot, so they see the old or the new object. What a crash leaves behind
 * is swept by the next who takes the lock: nobody else can be writing then.
 */
#include "user/k8s/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/k8s/file.h"
#include "user/k8s/names.h"
#include "user/k8s/yaml.h"
#include "user/util/cleanup.h"

#define LOCK_NAME ".lock"
#define TEMP_PREFIX ".tmp-"
#define SUFFIX ".yaml"

static mode_t dir_mode(enum k8s_kind kind)
{
	return kind == K8S_SECRET ? 0700 : 0755;
}

static int sync_dir(const char *path, struct err *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd))
		return err_sys(err, -errno, "%s", path);
	return 0;
}

/* path and its parents; each new one is durable in its parent. */
static int make_dirs(const char *path, mode_t mode, struct err *err)
{
	cleanup_free char *parent = NULL;
	const char *slash = strrchr(path, '/');
	struct stat st;
	int r;

	if (!stat(path, &st))
		return S_ISDIR(st.st_mode) ? 0 : err_sys(err, -ENOTDIR, "%s", path);
	parent = slash == path ? xstrdup("/")
		 : slash       ? strndup(path, (size_t)(slash - path))
			       : xstrdup(".");
	r = make_dirs(parent, mode, err);
	if (r)
		return r;
	if (mkdir(path, mode) && errno != EEXIST)
		return err_sys(err, -errno, "%s", path);
	return sync_dir(parent, err);
}

/* The folder of a kind, or of one of its namespaces. */
static char *folder_path(const char *dir, enum k8s_kind kind, const char *ns)
{
	bool inside = k8s_kinds[kind].namespaced && ns;

	return xasprintf("%s/%s%s%s", dir, k8s_kinds[kind].plural, inside ? "/" : "",
			 inside ? ns : "");
}

/* ----------------------------------------------------------------- lock -- */

static void sweep_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL)
		if (!strncmp(entry->d_name, TEMP_PREFIX, strlen(TEMP_PREFIX)))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

/* Leftovers harm nobody, so a folder that cannot be read is no error here. */
static void sweep(const char *dir)
{
	for (enum k8s_kind kind = 0; kind < K8S_KINDS; kind++) {
		cleanup_free char *folder = folder_path(dir, kind, NULL);
		char **names = NULL;
		size_t n = 0;

		sweep_folder(folder);
		if (!k8s_kinds[kind].namespaced || dir_read(folder, NULL, &names, &n, NULL))
			continue;
		for (size_t i = 0; i < n; i++) {
			cleanup_free char *path = folder_path(dir, kind, names[i]);

			sweep_folder(path);
		}
		dir_names_free(names, n);
	}
}

int state_lock(const char *dir, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/" LOCK_NAME, dir);
	cleanup_close int fd = -EBADF;
	int r = make_dirs(dir, 0755, err);

	if (r)
		return r;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, -errno, "%s", path);
	while (flock(fd, LOCK_EX))
		if (errno != EINTR)
			return err_sys(err, -errno, "%s", path);
	sweep(dir);
	return TAKE_FD(fd);
}

/* ----------------------------------------------------------------- load -- */

/* The file must hold the object that its path names, or a later write would make two of it. */
static int check_content(const char *path, enum k8s_kind kind, const char *ns, const char *name,
			 const struct object_list *list, size_t before, struct err *err)
{
	const struct object *object = list->n == before + 1 ? list->items[before] : NULL;

	if (!object)
		return err_set(err, -EINVAL, "%s:1: must hold one object, not %zu", path,
			       list->n - before);
	if (object->kind != kind || strcmp(object->ns, ns) != 0 || strcmp(object->name, name) != 0)
		return err_set(err, -EINVAL,
			       "%s:1: holds %s \"%s\" of namespace \"%s\", which belongs elsewhere",
			       path, k8s_kinds[object->kind].singular, object->name, object->ns);
	return 0;
}

static int load_file(const char *folder, enum k8s_kind kind, const char *ns, const char *file_name,
		     bool slim, struct object_list *list, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/%s", folder, file_name);
	cleanup_free char *name = strndup(file_name, strlen(file_name) - strlen(SUFFIX));
	cleanup_free char *text = NULL;
	size_t size, before = list->n;
	int r = file_read(path, &text, &size, err);

	if (r == -ENOENT)
		return 0; /* deleted since the folder was read */
	if (!r)
		r = manifest_parse(path, text, size, *ns ? ns : "default", list, err);
	if (!r)
		r = check_content(path, kind, ns, name, list, before, err);
	/* At once, so that the next one gets its memory. */
	if (!r && slim)
		object_slim(list->items[before]);
	return r;
}

static int load_folder(const char *dir, enum k8s_kind kind, const char *ns, bool slim,
		       struct object_list *list, struct err *err)
{
	static const char *const suffixes[] = { SUFFIX, NULL };
	cleanup_free char *folder = folder_path(dir, kind, ns);
	char **names;
	size_t n;
	int r = dir_read(folder, suffixes, &names, &n, err);

	if (r)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; !r && i < n; i++)
		r = load_file(folder, kind, ns, names[i], slim, list, err);
	dir_names_free(names, n);
	return r;
}

static int load_kind(const char *dir, enum k8s_kind kind, bool slim, struct object_list *list,
		     struct err *err)
{
	cleanup_free char *folder = folder_path(dir, kind, NULL);
	char **names;
	size_t n;
	int r;

	if (!k8s_kinds[kind].namespaced)
		return load_folder(dir, kind, "", slim, list, err);
	r = dir_read(folder, NULL, &names, &n, err);
	if (r)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; !r && i < n; i++)
		r = load_folder(dir, kind, names[i], slim, list, err);
	dir_names_free(names, n);
	return r;
}

static int load_all(const char *dir, bool slim, struct object_list *list, struct err *err)
{
	struct object_list loaded = { 0 };
	int r = 0;

	for (enum k8s_kind kind = 0; !r && kind < K8S_KINDS; kind++)
		r = load_kind(dir, kind, slim, &loaded, err);
	for (size_t i = 0; !r && i < loaded.n; i++)
		vec_push(list, TAKE_PTR(loaded.items[i]));
	object_list_free(&loaded);
	return r;
}

int state_load(const char *dir, struct object_list *list, struct err *err)
{
	return load_all(dir, false, list, err);
}

int state_load_slim(const char *dir, struct object_list *list, struct err *err)
{
	return load_all(dir, true, list, err);
}

/* ---------------------------------------------------------------- write -- */

/* One after the other until here; of more, all together. */
#define SYNC_EACH 8

static int write_object(int fd, const char *path, const struct object *object, bool sync,
			struct err *err)
{
	cleanup_fclose FILE *out = fdopen(fd, "w");
	int r;

	if (!out) {
		close(fd);
		return err_sys(err, -errno, "%s", path);
	}
	if (fchmod(fd, object->kind == K8S_SECRET ? 0600 : 0644))
		return err_sys(err, -errno, "%s", path);
	r = yaml_print(out, object->json);
	if (r || fflush(out) || (sync && fsync(fd)))
		return err_sys(err, r ? r : -errno, "%s", path);
	return 0;
}

/* Beside the file that it will be; undone by unlink. */
static int temp_write(const char *folder, const struct object *object, bool sync, char **ret_temp,
		      struct err *err)
{
	cleanup_free char *temp = xasprintf("%s/" TEMP_PREFIX "XXXXXX", folder);
	int fd, r = make_dirs(folder, dir_mode(object->kind), err);

	if (r)
		return r;
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, -errno, "%s", temp);
	r = write_object(fd, temp, object, sync, err);
	if (r)
		unlink(temp);
	else
		*ret_temp = TAKE_PTR(temp);
	return r;
}

/* Everything below it, by one call: thousands of files would take minutes one by one. */
static int sync_all(const char *dir, struct err *err)
{
	cleanup_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(fd))
		return err_sys(err, -errno, "%s", dir);
	return 0;
}

/* Names come from a command line: one with a slash must not lead out of the folder. */
static bool leads_out(const struct state_change *change)
{
	return name_dns1123_subdomain(change->name) ||
	       (k8s_kinds[change->kind].namespaced && name_dns1123_label(change->ns));
}

static int temps_write(const char *dir, const struct state_change *changes, size_t n, char **temps,
		       struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < n && !r; i++) {
		cleanup_free char *folder = folder_path(dir, changes[i].kind, changes[i].ns);

		if (changes[i].object)
			r = temp_write(folder, changes[i].object, n <= SYNC_EACH, &temps[i], err);
		else if (leads_out(&changes[i]))
			r = err_set(err, -ENOENT, "no %s \"%s\"",
				    k8s_kinds[changes[i].kind].singular, changes[i].name);
	}
	return !r && n > SYNC_EACH ? sync_all(dir, err) : r;
}

/* temp NULL: the file goes. Otherwise it is used up. */
static int file_change(const char *dir, const struct state_change *change, char **temp, bool sync,
		       struct err *err)
{
	cleanup_free char *folder = folder_path(dir, change->kind, change->ns);
	cleanup_free char *path = xasprintf("%s/%s" SUFFIX, folder, change->name);

	if (*temp ? rename(*temp, path) : unlink(path))
		return err_sys(err, -errno, "%s", path);
	free(*temp);
	*temp = NULL;
	return sync ? sync_dir(folder, err) : 0;
}

int state_write(const char *dir, const struct state_change *changes, size_t n, size_t *ret_done,
		struct err *err)
{
	char **temps = xcalloc(n, sizeof(*temps));
	size_t done = 0;
	int r = temps_write(dir, changes, n, temps, err);

	for (; !r && done < n; done += !r)
		r = file_change(dir, &changes[done], &temps[done], n <= SYNC_EACH, err);
	if (!r && n > SYNC_EACH)
		r = sync_all(dir, err);
	for (size_t i = 0; i < n; i++) {
		if (temps[i])
			unlink(temps[i]);
		free(temps[i]);
	}
	free(temps);
	*ret_done = done;
	return r;
}

int state_put(const char *dir, const struct object *object, struct err *err)
{
	const struct state_change change = { object->kind, object->ns, object->name, object };
	size_t done;

	return state_write(dir, &change, 1, &done, err);
}

int state_delete(const char *dir, enum k8s_kind kind, const char *ns, const char *name,
		 struct err *err)
{
	const struct state_change change = { kind, ns, name, NULL };
	size_t done;

	return state_write(dir, &change, 1, &done, err);
}
