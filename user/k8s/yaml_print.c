/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON tree → block YAML by libyaml's emitter. Strings that a reader would take for
 * something else are quoted; those with line breaks become literal blocks.
 */
#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "user/k8s/yaml.h"
#include "user/k8s/yaml_scalar.h"
#include "user/util/cleanup.h"

static bool emit(yaml_emitter_t *emitter, yaml_event_t *event, int built)
{
	/* The emitter takes the event over, also when it fails. */
	return built && yaml_emitter_emit(emitter, event);
}

static bool emit_scalar(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t style)
{
	yaml_event_t event;

	return emit(emitter, &event,
		    yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
						 (int)strlen(text), 1, 1, style));
}

/* Old readers take 1:30 for a number in base 60. */
static bool looks_like_base60(const char *text)
{
	return strchr(text, ':') && strspn(text, "+-0123456789_:.") == strlen(text);
}

static bool emit_string(yaml_emitter_t *emitter, const char *text)
{
	yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;

	if (strchr(text, '\n'))
		style = YAML_LITERAL_SCALAR_STYLE;
	else if (yaml_scalar_resolve(text).type != YAML_SCALAR_STRING || looks_like_base60(text))
		style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	return emit_scalar(emitter, text, style);
}

/* The shortest text that reads back as the same number. */
static bool emit_real(yaml_emitter_t *emitter, double real)
{
	char text[40];

	for (int precision = 15; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*g", precision, real);
		if (strtod(text, NULL) == real)
			break;
	}
	return emit_scalar(emitter, text, YAML_PLAIN_SCALAR_STYLE);
}

static bool emit_value(yaml_emitter_t *emitter, const json_t *json);

static bool emit_object(yaml_emitter_t *emitter, const json_t *json)
{
	yaml_event_t event;
	const char *key;
	json_t *value;

	if (!emit(emitter, &event,
		  yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
						      YAML_BLOCK_MAPPING_STYLE)))
		return false;
	json_object_foreach ((json_t *)json, key, value)
		if (!emit_string(emitter, key) || !emit_value(emitter, value))
			return false;
	return emit(emitter, &event, yaml_mapping_end_event_initialize(&event));
}

static bool emit_array(yaml_emitter_t *emitter, const json_t *json)
{
	yaml_event_t event;
	json_t *value;
	size_t i;

	if (!emit(emitter, &event,
		  yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
						       YAML_BLOCK_SEQUENCE_STYLE)))
		return false;
	json_array_foreach (json, i, value)
		if (!emit_value(emitter, value))
			return false;
	return emit(emitter, &event, yaml_sequence_end_event_initialize(&event));
}

static bool emit_value(yaml_emitter_t *emitter, const json_t *json)
{
	char text[32];

	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return emit_object(emitter, json);
	case JSON_ARRAY:
		return emit_array(emitter, json);
	case JSON_STRING:
		return emit_string(emitter, json_string_value(json));
	case JSON_INTEGER:
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
		return emit_scalar(emitter, text, YAML_PLAIN_SCALAR_STYLE);
	case JSON_REAL:
		return emit_real(emitter, json_real_value(json));
	case JSON_TRUE:
		return emit_scalar(emitter, "true", YAML_PLAIN_SCALAR_STYLE);
	case JSON_FALSE:
		return emit_scalar(emitter, "false", YAML_PLAIN_SCALAR_STYLE);
	default:
		return emit_scalar(emitter, "null", YAML_PLAIN_SCALAR_STYLE);
	}
}

static bool emit_document(yaml_emitter_t *emitter, const json_t *json)
{
	yaml_event_t event;

	return emit(emitter, &event,
		    yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) &&
	       emit(emitter, &event,
		    yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1)) &&
	       emit_value(emitter, json) &&
	       emit(emitter, &event, yaml_document_end_event_initialize(&event, 1)) &&
	       emit(emitter, &event, yaml_stream_end_event_initialize(&event));
}

int yaml_print(FILE *out, const json_t *json)
{
	yaml_emitter_t emitter;
	bool done;

	if (!yaml_emitter_initialize(&emitter))
		return -ENOMEM;
	yaml_emitter_set_output_file(&emitter, out);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, -1);
	done = emit_document(&emitter, json);
	yaml_emitter_delete(&emitter);
	return done && !ferror(out) ? 0 : -EIO;
}
