/* SPDX-License-Identifier: Apache-2.0 */
/* A Secret from a certificate and its key. What the key is, is printed nowhere. */
#include "user/cmd/create_secret.h"

#include <errno.h>
#include <string.h>

#include "user/cmd/change.h"
#include "user/ingress/certificate.h"
#include "user/k8s/decode.h"
#include "user/k8s/file.h"
#include "user/util/cleanup.h"

#define OUTPUTS "name|json|yaml"

static int secret_make(const struct cli *cli, struct object **ret_secret, struct err *err)
{
	cleanup_free char *chain = NULL, *key = NULL, *pem = NULL;
	cleanup_json json_t *json = NULL;
	size_t size;
	int code = file_read(cli_option(cli, "cert"), &chain, &size, err);

	if (!code)
		code = file_read(cli_option(cli, "key"), &key, &size, err);
	if (!code)
		code = certificate_check(chain, key, &pem, err);
	if (code)
		return code;
	json = json_pack("{s:s, s:s, s:{s:s}, s:s, s:{s:s, s:s}}", "apiVersion", "v1", "kind",
			 "Secret", "metadata", "name", cli->args[2], "type", "kubernetes.io/tls",
			 "stringData", "tls.crt", chain, "tls.key", key);
	if (!json)
		return err_set(err, -EINVAL, "the files are not text");
	return object_decode(json, cli->ns, ret_secret, NULL, err);
}

static int secret_create(struct cli *cli, const struct object *secret,
			 const struct change_report *report)
{
	struct changes changes;
	struct err err;
	int code;

	if (changes_begin(cli, report->dry_run == DRY_RUN_NONE, &changes, &err))
		return cli_fail(&err);
	code = changes_create(&changes, secret, &err);
	if (code == -EEXIST)
		code = cli_server_error("AlreadyExists", "%s", err.text);
	else if (code)
		code = cli_fail(&err);
	else
		code = changes_finish(&changes, report);
	changes_done(&changes);
	return code;
}

int create_secret(struct cli *cli)
{
	struct change_report report = { .verb = "created" };
	struct object *secret;
	struct err err;
	int code;

	if (cli->n_args != 3 || strcmp(cli->args[0], "secret") != 0 ||
	    strcmp(cli->args[1], "tls") != 0)
		return cli_usage(cli, "what can be created by name is: secret tls NAME");
	if (!cli_option(cli, "cert") || !cli_option(cli, "key"))
		return cli_usage(cli, "needs --cert and --key");
	if (output_parse(cli, OUTPUTS, &report.output, &err) ||
	    dry_run_parse(cli, &report.dry_run, &err))
		return cli_usage(cli, "%s", err.text);
	if (secret_make(cli, &secret, &err))
		return cli_fail(&err);
	code = secret_create(cli, secret, &report);
	object_free(secret);
	return code;
}
