/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/metrics_text.h"

#include <inttypes.h>
#include <string.h>

void metrics_family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP lbctl_%s %s\n# TYPE lbctl_%s %s\n", name, help, name, type);
}

/* What is not known to be a name may hold anything. */
void metrics_label(FILE *out, char before, const char *key, const char *value)
{
	fprintf(out, "%c%s=\"", before, key);
	while (*value) {
		size_t plain = strcspn(value, "\\\"\n");

		fwrite(value, 1, plain, out);
		value += plain;
		if (!*value)
			break;
		fprintf(out, "\\%c", *value == '\n' ? 'n' : *value);
		value++;
	}
	fputc('"', out);
}

void metrics_value(FILE *out, uint64_t value)
{
	fprintf(out, " %" PRIu64 "\n", value);
}

void metrics_seconds(FILE *out, uint64_t microseconds)
{
	fprintf(out, " %" PRIu64 ".%06" PRIu64 "\n", microseconds / 1000000,
		microseconds % 1000000);
}

void metrics_single(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	metrics_family(out, name, type, help);
	fprintf(out, "lbctl_%s", name);
	metrics_value(out, value);
}

void metrics_labelled(FILE *out, const char *name, const char *key, const char *label,
		      uint64_t value)
{
	fprintf(out, "lbctl_%s", name);
	metrics_label(out, '{', key, label);
	fputc('}', out);
	metrics_value(out, value);
}

void metrics_histogram(FILE *out, const char *name, const char *help,
		       const struct histogram *histogram)
{
	uint64_t sum = 0;

	metrics_family(out, name, "histogram", help);
	for (int i = 0; i <= HISTOGRAM_CLASSES; i++) {
		sum += histogram->classes[i];
		if (i < HISTOGRAM_CLASSES)
			fprintf(out, "lbctl_%s_bucket{le=\"%g\"}", name,
				(double)histogram_bounds[i] / 1e6);
		else
			fprintf(out, "lbctl_%s_bucket{le=\"+Inf\"}", name);
		metrics_value(out, sum);
	}
	fprintf(out, "lbctl_%s_sum", name);
	metrics_seconds(out, histogram->sum);
	fprintf(out, "lbctl_%s_count", name);
	metrics_value(out, sum);
}
