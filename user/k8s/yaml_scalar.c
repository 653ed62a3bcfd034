/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes reads YAML with a library that follows YAML 1.1 with exceptions of its own:
 * `on` and `y` are booleans, 0777 is octal, 0800 is the float 800, 1:30 is a string.
 */
#include "user/k8s/yaml_scalar.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* Above this a double no longer holds every integer, so it stays a float. */
#define EXACT_INTEGERS 1e15

static const struct {
	struct yaml_scalar scalar;
	const char *texts[12];
} words[] = {
	{ { .type = YAML_SCALAR_BOOL, .boolean = true },
	  { "true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON" } },
	{ { .type = YAML_SCALAR_BOOL },
	  { "false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF" } },
	{ { .type = YAML_SCALAR_NULL }, { "", "~", "null", "Null", "NULL" } },
	{ { .type = YAML_SCALAR_NOT_FINITE },
	  { ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF" } },
	{ { .type = YAML_SCALAR_NOT_FINITE }, { ".nan", ".NaN", ".NAN" } },
	{ { .type = YAML_SCALAR_MERGE }, { "<<" } },
};

static size_t digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool looks_like_float(const char *text)
{
	size_t whole, fraction = 0;

	text += *text == '-' || *text == '+';
	whole = digits(text);
	text += whole;
	if (*text == '.') {
		fraction = digits(text + 1);
		text += 1 + fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '-' || *text == '+';
		if (digits(text) == 0)
			return false;
		text += digits(text);
	}
	return *text == '\0';
}

/* "2024-01-31", "2024-01-31T10:00:00Z" and what is near enough to be quoted as well. */
static bool looks_like_timestamp(const char *text)
{
	return digits(text) == 4 && text[4] == '-' && isdigit((unsigned char)text[5]) &&
	       strspn(text, "0123456789-:.TtZz+ ") == strlen(text);
}

/* The magnitude's base by its prefix, and where its digits start. */
static int base_of(const char *text, const char **ret_digits)
{
	*ret_digits = text;
	if (text[0] != '0' || !text[1])
		return 10;
	*ret_digits = text + 2;
	switch (text[1]) {
	case 'x':
	case 'X':
		return 16;
	case 'b':
	case 'B':
		return 2;
	case 'o':
	case 'O':
		return 8;
	default:
		*ret_digits = text + 1;
		return 8;
	}
}

/* Integers of every base; those beyond int64 become floats as long as 64 bits hold them. */
static bool parse_integer(const char *text, struct yaml_scalar *scalar)
{
	bool negative = *text == '-';
	unsigned long long value;
	const char *first;
	char *end;
	int base;

	text += *text == '-' || *text == '+';
	base = base_of(text, &first);
	if (!isxdigit((unsigned char)*first))
		return false; /* strtoull would take blanks and a sign */
	errno = 0;
	value = strtoull(first, &end, base);
	if (errno || *end)
		return false;
	if (value <= INT64_MAX) {
		*scalar = (struct yaml_scalar){
			.type = YAML_SCALAR_INT,
			.integer = negative ? -(json_int_t)value : (json_int_t)value,
		};
	} else if (negative && value == 1ull << 63) {
		*scalar = (struct yaml_scalar){ .type = YAML_SCALAR_INT, .integer = INT64_MIN };
	} else {
		*scalar = (struct yaml_scalar){
			.type = YAML_SCALAR_REAL,
			.real = negative ? -(double)value : (double)value,
		};
	}
	return true;
}

static bool parse_float(const char *text, struct yaml_scalar *scalar)
{
	double real;

	if (!looks_like_float(text))
		return false;
	real = strtod(text, NULL);
	if (!isfinite(real))
		return false;
	/* JSON writes 80.0 as 80, and a port given so is a valid one. */
	if (fabs(real) < EXACT_INTEGERS && real == (double)(json_int_t)real)
		*scalar = (struct yaml_scalar){ .type = YAML_SCALAR_INT,
						.integer = (json_int_t)real };
	else
		*scalar = (struct yaml_scalar){ .type = YAML_SCALAR_REAL, .real = real };
	return true;
}

static struct yaml_scalar resolve_number(const char *text)
{
	struct yaml_scalar scalar = { .type = YAML_SCALAR_STRING };
	cleanup_free char *plain = xstrdup(text);
	char *to = plain;

	for (const char *from = text; *from; from++)
		if (*from != '_')
			*to++ = *from;
	*to = '\0';
	if (!parse_integer(plain, &scalar) && !parse_float(plain, &scalar) &&
	    looks_like_timestamp(text))
		scalar.type = YAML_SCALAR_TIMESTAMP;
	return scalar;
}

struct yaml_scalar yaml_scalar_resolve(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		for (const char *const *word = words[i].texts; *word; word++)
			if (!strcmp(text, *word))
				return words[i].scalar;
	if (isdigit((unsigned char)*text) || strchr("+-.", *text))
		return resolve_number(text);
	return (struct yaml_scalar){ .type = YAML_SCALAR_STRING };
}

json_t *yaml_scalar_json(const struct yaml_scalar *scalar, const char *text)
{
	switch (scalar->type) {
	case YAML_SCALAR_STRING:
	case YAML_SCALAR_TIMESTAMP:
		return json_string(text);
	case YAML_SCALAR_NULL:
		return json_null();
	case YAML_SCALAR_BOOL:
		return json_boolean(scalar->boolean);
	case YAML_SCALAR_INT:
		return json_integer(scalar->integer);
	case YAML_SCALAR_REAL:
		return json_real(scalar->real);
	case YAML_SCALAR_NOT_FINITE:
	case YAML_SCALAR_MERGE:
		break;
	}
	return NULL;
}
