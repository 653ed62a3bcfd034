/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/names.h"

#include <stddef.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define LABEL_MAX 63
#define SUBDOMAIN_MAX 253

/* length characters of inner, the first one of first, the last one of last. */
static bool shaped(const char *text, size_t length, const char *first, const char *inner,
		   const char *last)
{
	return length && strchr(first, text[0]) && strchr(last, text[length - 1]) &&
	       strspn(text, inner) >= length;
}

const char *name_dns1123_label(const char *text)
{
	if (strlen(text) > LABEL_MAX)
		return "must be no more than 63 characters";
	if (!shaped(text, strlen(text), LOWER DIGITS, LOWER DIGITS "-", LOWER DIGITS))
		return "a lowercase RFC 1123 label must consist of lower case alphanumeric "
		       "characters or '-', and must start and end with an alphanumeric "
		       "character";
	return NULL;
}

const char *name_dns1123_subdomain(const char *text)
{
	if (strlen(text) > SUBDOMAIN_MAX)
		return "must be no more than 253 characters";
	for (const char *part = text;; part++) {
		size_t length = strcspn(part, ".");

		if (!shaped(part, length, LOWER DIGITS, LOWER DIGITS "-", LOWER DIGITS))
			return "a lowercase RFC 1123 subdomain must consist of lower case "
			       "alphanumeric characters, '-' or '.', and must start and end with "
			       "an alphanumeric character";
		part += length;
		if (!*part)
			return NULL;
	}
}

const char *name_dns1035_label(const char *text)
{
	if (strlen(text) > LABEL_MAX)
		return "must be no more than 63 characters";
	if (!shaped(text, strlen(text), LOWER, LOWER DIGITS "-", LOWER DIGITS))
		return "a DNS-1035 label must consist of lower case alphanumeric characters or "
		       "'-', start with an alphabetic character, and end with an alphanumeric "
		       "character";
	return NULL;
}

const char *name_port(const char *text)
{
	if (strlen(text) > 15)
		return "must be no more than 15 characters";
	if (strspn(text, LOWER DIGITS "-") != strlen(text))
		return "must contain only alphanumeric characters (a-z, 0-9), and hyphens (-)";
	if (!strpbrk(text, LOWER))
		return "must contain at least one letter (a-z)";
	if (strstr(text, "--"))
		return "must not contain consecutive hyphens";
	if (text[0] == '-' || text[strlen(text) - 1] == '-')
		return "must not begin or end with a hyphen";
	return NULL;
}

const char *name_qualified(const char *text)
{
	const char *slash = strchr(text, '/');
	char prefix[SUBDOMAIN_MAX + 1];
	const char *name = slash ? slash + 1 : text;

	if (slash) {
		size_t length = (size_t)(slash - text);

		if (length > SUBDOMAIN_MAX)
			return "prefix part must be no more than 253 characters";
		memcpy(prefix, text, length);
		prefix[length] = '\0';
		if (!length || name_dns1123_subdomain(prefix))
			return "prefix part must be a lowercase RFC 1123 subdomain";
	}
	if (strlen(name) > LABEL_MAX)
		return "name part must be no more than 63 characters";
	if (!shaped(name, strlen(name), LOWER UPPER DIGITS, LOWER UPPER DIGITS "-_.",
		    LOWER UPPER DIGITS))
		return "name part must consist of alphanumeric characters, '-', '_' or '.', and "
		       "must start and end with an alphanumeric character";
	return NULL;
}

const char *name_label_value(const char *text)
{
	if (strlen(text) > LABEL_MAX)
		return "must be no more than 63 characters";
	if (*text && !shaped(text, strlen(text), LOWER UPPER DIGITS, LOWER UPPER DIGITS "-_.",
			     LOWER UPPER DIGITS))
		return "a valid label must be an empty string or consist of alphanumeric "
		       "characters, '-', '_' or '.', and must start and end with an "
		       "alphanumeric character";
	return NULL;
}

const char *name_config_key(const char *text)
{
	if (strlen(text) > SUBDOMAIN_MAX)
		return "must be no more than 253 characters";
	if (!*text || strspn(text, LOWER UPPER DIGITS "-_.") != strlen(text) ||
	    !strcmp(text, ".") || !strncmp(text, "..", 2))
		return "a valid config key must consist of alphanumeric characters, '-', '_' or "
		       "'.'";
	return NULL;
}
