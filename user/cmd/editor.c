/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/editor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/k8s/file.h"
#include "user/util/cleanup.h"
#include "user/util/spawn.h"
#include "user/util/vec.h"

int editor_open(struct editor *ret_editor, struct err *err)
{
	const char *dir = getenv("TMPDIR");
	char *path = xasprintf("%s/lbctl-edit-XXXXXX.yaml", dir && *dir ? dir : "/tmp");
	int fd = mkstemps(path, strlen(".yaml"));

	if (fd < 0) {
		int code = err_sys(err, -errno, "%s", path);

		free(path);
		return code;
	}
	close(fd);
	ret_editor->path = path;
	return 0;
}

void editor_close(struct editor *editor, bool keep)
{
	if (!keep)
		unlink(editor->path);
	free(editor->path);
	editor->path = NULL;
}

static const char *editor_command(void)
{
	static const char *const variables[] = { "KUBE_EDITOR", "VISUAL", "EDITOR" };

	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		const char *value = getenv(variables[i]);

		if (value && value[strspn(value, " ")])
			return value;
	}
	return "vi";
}

/* The editor's words are split at blanks; there is no shell in between. */
static int start_editor(const char *path, struct err *err)
{
	cleanup_free char *command = xstrdup(editor_command());
	VEC(char *) argv = { 0 };
	char *state = NULL;
	int status, code;

	for (char *word = strtok_r(command, " \t", &state); word;
	     word = strtok_r(NULL, " \t", &state))
		vec_push(&argv, word);
	vec_push(&argv, (char *)path);
	vec_push(&argv, NULL);
	code = spawn_wait(argv.items, &status, err);
	if (code)
		err_wrap(err, code, "cannot run the editor");
	else if (status)
		code = err_set(err, -ECANCELED,
			       "there was a problem with the editor \"%s\": exit %d", argv.items[0],
			       status);
	vec_free(&argv);
	return code;
}

static int write_file(const char *path, const char *text, struct err *err)
{
	FILE *file = fopen(path, "we");
	bool failed;

	if (!file)
		return err_sys(err, -errno, "%s", path);
	failed = fputs(text, file) < 0;
	failed |= fclose(file) != 0;
	return failed ? err_sys(err, -errno, "%s", path) : 0;
}

int editor_run(const struct editor *editor, const char *text, char **ret_saved, struct err *err)
{
	cleanup_free char *saved = NULL;
	size_t size;
	int code = write_file(editor->path, text, err);

	if (!code)
		code = start_editor(editor->path, err);
	/* Editors that save by renaming leave another file under this name: read by name. */
	if (!code)
		code = file_read(editor->path, &saved, &size, err);
	if (code)
		return code;
	if (strlen(saved) != size)
		return err_set(err, -EINVAL, "%s: has zero bytes", editor->path);
	*ret_saved = TAKE_PTR(saved);
	return 0;
}

void editor_strip_comments(char *text)
{
	char *to = text;

	while (*text) {
		size_t length = strcspn(text, "\n");

		length += text[length] == '\n';
		if (*text != '#') {
			memmove(to, text, length);
			to += length;
		}
		text += length;
	}
	*to = '\0';
}
