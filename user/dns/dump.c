/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/dump.h"

#include <libknot/libknot.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define DATA_TEXT 4096
#define TYPE_TEXT 16

static char *data_text(uint16_t type, const uint8_t *data, uint16_t length)
{
	char *text = xmalloc(DATA_TEXT);
	knot_dump_style_t style = KNOT_DUMP_STYLE_DEFAULT;
	knot_rrset_t rr;
	uint8_t root[1] = { 0 };

	style.human_ttl = false;
	knot_rrset_init(&rr, root, type, KNOT_CLASS_IN, 0);
	if (knot_rrset_add_rdata(&rr, data, length, NULL) != KNOT_EOK ||
	    knot_rrset_txt_dump_data(&rr, 0, text, DATA_TEXT, &style) < 0)
		snprintf(text, DATA_TEXT, "?");
	knot_rdataset_clear(&rr.rrs, NULL);
	return text;
}

char *dump_record(uint16_t type, const uint8_t *data, uint16_t length)
{
	cleanup_free char *text = data_text(type, data, length);
	char type_text[TYPE_TEXT];

	if (knot_rrtype_to_string(type, type_text, sizeof(type_text)) < 0)
		snprintf(type_text, sizeof(type_text), "TYPE%u", type);
	return xasprintf("%s %s", type_text, text);
}

/* -------------------------------------------------------------------- the zone -- */

struct line {
	char *name;
	const struct zone_set *set;
};

struct lines {
	struct line *items;
	size_t n, room;
};

static int line_compare(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (int)x->set->type - (int)y->set->type;
}

static void lines_collect(const struct zone *zone, const struct name *below, struct lines *lines)
{
	char text[NAME_TEXT];

	for (size_t i = 0; i < zone->n_names; i++) {
		const struct zone_name *name = &zone->names[i];
		const uint8_t *wire = zone_at(zone, name->wire);

		if (below && !name_in(wire, name->size, below))
			continue;
		for (size_t j = 0; j < name->n_sets; j++)
			vec_push(lines, ((struct line){ xstrdup(name_format(wire, text)),
							&zone->sets[name->first + j] }));
	}
}

static size_t set_dump(FILE *out, const struct zone *zone, const struct line *line)
{
	const knot_rdata_t *rdata = (const void *)zone_at(zone, line->set->rdata);
	char type[TYPE_TEXT];

	if (knot_rrtype_to_string(line->set->type, type, sizeof(type)) < 0)
		return 0;
	for (uint16_t i = 0; i < line->set->n; i++) {
		cleanup_free char *text = data_text(line->set->type, rdata->data, rdata->len);

		fprintf(out, "%s\t%u\t%s\t%s\n", line->name, line->set->ttl, type, text);
		rdata = (const void *)((const uint8_t *)rdata + knot_rdata_size(rdata->len));
	}
	return line->set->n;
}

size_t dump_zone(FILE *out, const struct zone *zone, const struct name *below)
{
	struct lines lines = { 0 };
	size_t n = 0;

	lines_collect(zone, below, &lines);
	if (lines.n)
		qsort(lines.items, lines.n, sizeof(*lines.items), line_compare);
	for (size_t i = 0; i < lines.n; i++) {
		n += set_dump(out, zone, &lines.items[i]);
		free(lines.items[i].name);
	}
	vec_free(&lines);
	return n;
}
