/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_K8S_YAML_TEST_H
#define TESTS_K8S_YAML_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/k8s/yaml.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* The only document of text. */
static inline json_t *parse(const char *text)
{
	struct yaml_stream *stream;
	struct err err = { "" };
	json_t *json;

	if (yaml_parse("test", text, strlen(text), &stream, &err))
		fail_msg("%s\n%s", err.text, text);
	assert_int_equal(yaml_documents(stream), 1);
	json = json_incref(yaml_document(stream, 0));
	yaml_stream_free(stream);
	return json;
}

static inline char *compact(const json_t *json)
{
	return json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
}

#endif
