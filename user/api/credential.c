/* SPDX-License-Identifier: Apache-2.0 */
#include "user/api/credential.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "user/api/plugin.h"
#include "user/k8s/file.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define TOKEN_SECONDS 60  /* a file is read again after that, as client-go does */
#define EXPIRY_SECONDS 10 /* a request takes its time */

struct credential {
	struct event_base *base;
	const struct kubeconfig *kubeconfig;
	void (*changed)(void *arg);
	void *arg;
	char *token;	       /* of the file */
	time_t read;	       /* when, by the monotonic clock; 0: again */
	struct plugin *plugin; /* NULL: none runs */
	bool answered;	       /* and the answer counts */
	struct plugin_answer answer;
	int failure; /* of the plugin that ended last */
	struct err why;
};

static time_t clock_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void secret_set(char **secret, char *now)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = now;
}

struct credential *credential_new(struct event_base *base, const struct kubeconfig *kubeconfig,
				  void (*changed)(void *arg), void *arg)
{
	struct credential *credential = xcalloc(1, sizeof(*credential));

	credential->base = base;
	credential->kubeconfig = kubeconfig;
	credential->changed = changed;
	credential->arg = arg;
	return credential;
}

void credential_free(struct credential *credential)
{
	if (!credential)
		return;
	secret_set(&credential->token, NULL);
	plugin_free(credential->plugin);
	plugin_answer_done(&credential->answer);
	free(credential);
}

/* -------------------------------------------------------------------- file -- */

static int token_read(const char *path, char **ret_token, struct err *err)
{
	cleanup_free char *text = NULL;
	char *begin, *end;
	size_t size;
	int rc = file_read(path, &text, &size, err);

	if (rc)
		return rc;
	begin = text;
	end = text + strlen(text);
	while (isspace((unsigned char)*begin))
		begin++;
	while (end > begin && isspace((unsigned char)end[-1]))
		*--end = '\0';
	if (!*begin)
		return err_set(err, -EINVAL, "%s: has no token in it", path);
	*ret_token = xstrdup(begin);
	explicit_bzero(text, size);
	return 0;
}

/* While a file is being replaced it may not be there: the token that we have may do. */
static int token_refresh(struct credential *credential, struct err *err)
{
	time_t now = clock_seconds();
	char *token = NULL;
	int rc;

	if (credential->token && credential->read && now - credential->read < TOKEN_SECONDS)
		return 0;
	rc = token_read(credential->kubeconfig->token_file, &token, err);
	if (!rc)
		secret_set(&credential->token, token);
	else if (!credential->token)
		return rc;
	credential->read = now ? now : 1;
	return 0;
}

/* ----------------------------------------------------------------- program -- */

static void plugin_ended(void *arg, int rc, struct plugin_answer *answer, const struct err *err)
{
	struct credential *credential = arg;

	plugin_free(credential->plugin);
	credential->plugin = NULL;
	credential->failure = rc;
	if (rc) {
		credential->why = *err;
	} else {
		plugin_answer_done(&credential->answer);
		credential->answer = *answer;
		credential->answered = true;
	}
	credential->changed(credential->arg);
}

static bool answer_counts(const struct credential *credential)
{
	time_t expires = credential->answer.expires;

	return credential->answered && (!expires || time(NULL) + EXPIRY_SECONDS < expires);
}

/* A failure is told once: who asks again has waited, and the program is asked again. */
static int plugin_ask(struct credential *credential, struct err *err)
{
	int rc = credential->failure;

	if (answer_counts(credential))
		return 0;
	credential->answered = false;
	credential->failure = 0;
	if (rc)
		return err_set(err, rc, "%s", credential->why.text);
	if (credential->plugin)
		return -EAGAIN;
	rc = plugin_start(credential->base, credential->kubeconfig, plugin_ended, credential,
			  &credential->plugin, err);
	return rc ? rc : -EAGAIN;
}

int credential_get(struct credential *credential, struct credential_view *ret_view, struct err *err)
{
	const struct kubeconfig *kubeconfig = credential->kubeconfig;
	bool has_certificate = kubeconfig->certificate.file || kubeconfig->certificate.data;
	struct credential_view view = {
		.token = kubeconfig->token,
		.certificate = has_certificate ? &kubeconfig->certificate : NULL,
		.key = has_certificate ? &kubeconfig->key : NULL,
	};
	int rc = 0;

	if (kubeconfig->token_file) {
		rc = token_refresh(credential, err);
		view.token = credential->token;
	} else if (kubeconfig->exec) {
		rc = plugin_ask(credential, err);
		view.token = credential->answer.token;
		if (credential->answer.certificate.data) {
			view.certificate = &credential->answer.certificate;
			view.key = &credential->answer.key;
		}
	}
	if (rc)
		return rc;
	/* It becomes a line of the request's head. */
	if (view.token && strpbrk(view.token, "\r\n"))
		return err_set(err, -EINVAL, "the token has a line break in it");
	*ret_view = view;
	return 0;
}

bool credential_reject(struct credential *credential)
{
	credential->read = 0;
	credential->answered = false;
	return credential->kubeconfig->token_file || credential->kubeconfig->exec;
}
