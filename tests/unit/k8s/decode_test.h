/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of decoders share: an object from YAML, or the error it gives. */
#ifndef TESTS_K8S_DECODE_TEST_H
#define TESTS_K8S_DECODE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "user/k8s/decode.h"
#include "user/k8s/yaml.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* NULL and err filled when it is refused. */
static inline struct object *decode(const char *yaml, struct err *err)
{
	struct object *object = NULL;
	struct yaml_stream *stream;

	if (yaml_parse("test", yaml, strlen(yaml), &stream, err))
		fail_msg("%s\n%s", err->text, yaml);
	if (object_decode(yaml_document(stream, 0), "default", &object, NULL, err))
		assert_null(object);
	yaml_stream_free(stream);
	return object;
}

static inline struct object *decode_good(const char *yaml)
{
	struct err err = { "" };
	struct object *object = decode(yaml, &err);

	if (!object)
		fail_msg("%s\n%s", err.text, yaml);
	return object;
}

/* head, a row's body and the tail make the object; error NULL: accepted. */
static inline void check_row(const char *name, const char *head, const char *body,
			     const char *error)
{
	cleanup_free char *yaml = xasprintf("%s%s", head, body);
	struct err err = { "" };
	struct object *object = decode(yaml, &err);

	if (object && error)
		fail_msg("%s: was accepted", name);
	if (!object && !error)
		fail_msg("%s: %s", name, err.text);
	if (error && strcmp(err.text, error) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", name, err.text, error);
	object_free(object);
}

static inline void check_addr(const struct lb_addr *addr, const char *want)
{
	char text[ADDR_TEXT];

	assert_string_equal(addr_format(addr, text), want);
}

#endif
