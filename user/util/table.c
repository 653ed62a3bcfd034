/* SPDX-License-Identifier: Apache-2.0 */
#include "user/util/table.h"

#include <string.h>

#include "user/util/vec.h"

struct cell {
	const char *text;
	size_t length;
	size_t width; /* in characters, as printed */
};

struct line {
	size_t first, n; /* cells */
};

struct layout {
	struct table *table;
	FILE *out;
	VEC(struct cell) cells;
	VEC(struct line) lines;
	size_t widths[TABLE_COLUMNS]; /* of the columns that are open */
};

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static size_t text_width(const char *text, size_t length)
{
	size_t width = 0;

	for (size_t i = 0; i < length; i++) {
		if (is_control(text[i]))
			width += 2;
		else if (((unsigned char)text[i] & 0xc0) != 0x80) /* not inside a UTF-8 sequence */
			width++;
	}
	return width;
}

static void layout_split(struct layout *layout, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		const char *end = text + length;
		struct line line = { .first = layout->cells.n };

		for (;;) {
			size_t cell = strcspn(text, "\t\n");

			vec_push(&layout->cells,
				 ((struct cell){ text, cell, text_width(text, cell) }));
			line.n++;
			text += cell;
			if (text == end)
				break;
			text++;
		}
		vec_push(&layout->lines, line);
		if (*text)
			text++;
	}
}

static void print_cell(FILE *out, const struct cell *cell)
{
	for (size_t i = 0; i < cell->length; i++) {
		if (is_control(cell->text[i]))
			fprintf(out, "^%c", cell->text[i] ^ 0x40);
		else
			fputc(cell->text[i], out);
	}
}

static void print_lines(const struct layout *layout, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const struct line *line = &layout->lines.items[i];

		for (size_t j = 0; j < line->n; j++) {
			const struct cell *cell = &layout->cells.items[line->first + j];
			size_t width = j < TABLE_COLUMNS ? layout->widths[j] : cell->width + 1;

			print_cell(layout->out, cell);
			if (j + 1 < line->n)
				fprintf(layout->out, "%*s", (int)(width - cell->width), "");
		}
		fputc('\n', layout->out);
	}
}

static bool has_column(const struct layout *layout, size_t line, size_t column)
{
	return column + 1 < layout->lines.items[line].n;
}

static size_t column_width(const struct layout *layout, size_t from, size_t to, size_t column)
{
	struct table *table = layout->table;
	size_t width = table->min_width;

	for (size_t i = from; i < to; i++) {
		size_t first = layout->lines.items[i].first;
		size_t cell = layout->cells.items[first + column].width + table->pad;

		if (cell > width)
			width = cell;
	}
	if (table->remember) {
		if (table->widths[column] > width)
			width = table->widths[column];
		table->widths[column] = width;
	}
	return width;
}

/* Lines [from, to) have all columns before this one, whose widths are known. */
static void layout_print(struct layout *layout, size_t from, size_t to, size_t column)
{
	size_t done = from;

	for (size_t i = from; i < to && column < TABLE_COLUMNS; i++) {
		size_t end = i;

		while (end < to && has_column(layout, end, column))
			end++;
		if (end == i)
			continue;
		print_lines(layout, done, i);
		layout->widths[column] = column_width(layout, i, end, column);
		layout_print(layout, i, end, column + 1);
		done = end;
		i = end - 1;
	}
	print_lines(layout, done, to);
}

void table_print(struct table *table, FILE *out, const char *text)
{
	struct layout layout = { .table = table, .out = out };

	layout_split(&layout, text);
	layout_print(&layout, 0, layout.lines.n, 0);
	vec_free(&layout.cells);
	vec_free(&layout.lines);
}
