/* SPDX-License-Identifier: Apache-2.0 */
/*
 * picture TITLE: a terminal's screen, as `tmux capture-pane -ep` prints it, becomes an SVG. Each
 * word has its place and its length, so that columns align with whatever font the viewer has;
 * blocks of bars are drawn, not written.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define CELL_WIDTH 8.4
#define CELL_HEIGHT 19
#define FONT_SIZE 14
#define PADDING 18
#define TITLE_HEIGHT 38
#define COLUMNS_LEAST 60

#define INK 0xd6deebu
#define PAPER 0x10151du

/* Dark enough to look at, light enough to read: the eight colours, then the bright ones. */
static const uint32_t palette[16] = {
	0x4b5563, 0xf87171, 0x4ade80, 0xfbbf24, 0x60a5fa, 0xc084fc, 0x22d3ee, 0xd6deeb,
	0x6b7280, 0xfca5a5, 0x86efac, 0xfcd34d, 0x93c5fd, 0xd8b4fe, 0x67e8f9, 0xffffff,
};

struct style {
	uint32_t ink, paper;
	bool bold, dim, inverse;
};

struct cell {
	uint32_t letter; /* Unicode */
	struct style style;
};

struct line {
	struct cell *items;
	size_t n, room;
};

struct screen {
	struct line *items;
	size_t n, room;
	size_t columns;
};

static const struct style plain = { .ink = INK, .paper = PAPER };

/* ------------------------------------------------------------------- reading -- */

/* ECMA-48 8.3.117, as far as terminals agree on it; 38;5;n and 38;2;r;g;b besides. */
static const unsigned int *style_colour(const unsigned int *at, const unsigned int *end,
					uint32_t *ret_colour)
{
	if (end - at >= 3 && at[1] == 5) {
		unsigned int n = at[2];

		if (n < 16)
			*ret_colour = palette[n];
		else if (n < 232)
			*ret_colour = ((n - 16) / 36 * 51) << 16 | ((n - 16) / 6 % 6 * 51) << 8 |
				      (n - 16) % 6 * 51;
		else
			*ret_colour = (8 + (n - 232) * 10) * 0x010101u;
		return at + 2;
	}
	if (end - at >= 5 && at[1] == 2) {
		*ret_colour = at[2] << 16 | at[3] << 8 | at[4];
		return at + 4;
	}
	return at;
}

static void style_change(struct style *style, const unsigned int *at, const unsigned int *end)
{
	for (; at < end; at++) {
		unsigned int n = *at;

		if (n == 0)
			*style = plain;
		else if (n == 1)
			style->bold = true;
		else if (n == 2)
			style->dim = true;
		else if (n == 7)
			style->inverse = true;
		else if (n == 22)
			style->bold = style->dim = false;
		else if (n == 27)
			style->inverse = false;
		else if (n == 38)
			at = style_colour(at, end, &style->ink);
		else if (n == 48)
			at = style_colour(at, end, &style->paper);
		else if (n == 39)
			style->ink = INK;
		else if (n == 49)
			style->paper = PAPER;
		else if (n >= 30 && n < 38)
			style->ink = palette[n - 30];
		else if (n >= 90 && n < 98)
			style->ink = palette[n - 90 + 8];
		else if (n >= 40 && n < 48)
			style->paper = palette[n - 40];
	}
}

/* Behind "\e[…m", which changes the style; anything else of that kind is left out. */
static const char *escape_read(const char *text, struct style *style)
{
	unsigned int numbers[16] = { 0 };
	size_t n = 0;

	if (*text != '[')
		return *text ? text + 1 : text; /* "\e(B" and the like: one letter more */
	for (text++; *text && !(*text >= '@' && *text <= '~'); text++) {
		if (*text >= '0' && *text <= '9')
			numbers[n] = numbers[n] * 10 + (unsigned int)(*text - '0');
		else if (n < 15)
			n++;
	}
	if (*text == 'm')
		style_change(style, numbers, numbers + n + 1);
	return *text ? text + 1 : text;
}

static const char *letter_read(const char *text, uint32_t *ret_letter)
{
	uint8_t first = (uint8_t)*text++;
	int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
	uint32_t letter = more ? first & (0x3fu >> more) : first;

	for (; more && *text; more--)
		letter = letter << 6 | ((uint8_t)*text++ & 0x3f);
	*ret_letter = letter;
	return text;
}

static void line_read(struct screen *screen, const char *text)
{
	struct line *line = vec_add(screen);
	struct style style = plain;

	while (*text && *text != '\n') {
		uint32_t letter;

		if (*text == '\033') {
			text = escape_read(text + 1, &style);
			continue;
		}
		text = letter_read(text, &letter);
		vec_push(line, ((struct cell){ letter, style }));
	}
	while (line->n && line->items[line->n - 1].letter == ' ' &&
	       !line->items[line->n - 1].style.inverse)
		line->n--;
	if (line->n > screen->columns)
		screen->columns = line->n;
}

static void screen_read(struct screen *screen, FILE *in)
{
	cleanup_free char *text = NULL;
	size_t room = 0;

	screen->columns = COLUMNS_LEAST;
	while (getline(&text, &room, in) >= 0)
		line_read(screen, text);
	while (screen->n && !screen->items[screen->n - 1].n) {
		vec_free(&screen->items[screen->n - 1]);
		screen->n--;
	}
}

/* ------------------------------------------------------------------- drawing -- */

static void letter_put(uint32_t letter)
{
	if (letter == '&' || letter == '<' || letter == '>' || letter >= 128)
		printf("&#%u;", letter);
	else
		putchar((int)letter);
}

static void rect_put(double x, double y, double width, double height, uint32_t colour)
{
	printf("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" fill=\"#%06x\"/>\n", x,
	       y, width, height, colour);
}

static uint32_t ink_of(const struct style *style)
{
	return style->inverse ? style->paper : style->ink;
}

static uint32_t paper_of(const struct style *style)
{
	return style->inverse ? style->ink : style->paper;
}

/* U+2588 is a whole block, U+2589 to U+258F lack an eighth each. */
static bool is_block(uint32_t letter)
{
	return letter >= 0x2588 && letter <= 0x258f;
}

static bool styles_equal(const struct style *a, const struct style *b)
{
	return a->ink == b->ink && a->paper == b->paper && a->bold == b->bold && a->dim == b->dim &&
	       a->inverse == b->inverse;
}

/* Cells that go together: a word, a bar, or blanks of one colour. */
static size_t run_length(const struct line *line, size_t from)
{
	const struct cell *first = &line->items[from];
	size_t n = 1;

	for (; from + n < line->n; n++) {
		const struct cell *cell = &line->items[from + n];

		if (!styles_equal(&cell->style, &first->style) ||
		    (cell->letter == ' ') != (first->letter == ' ') ||
		    is_block(cell->letter) != is_block(first->letter))
			break;
	}
	return n;
}

static void word_put(const struct cell *cells, size_t n, double x, double y)
{
	const struct style *style = &cells->style;

	printf("<text x=\"%.1f\" y=\"%.1f\" textLength=\"%.1f\" fill=\"#%06x\"%s%s>", x, y,
	       (double)n * CELL_WIDTH, ink_of(style), style->bold ? " font-weight=\"bold\"" : "",
	       style->dim ? " opacity=\"0.6\"" : "");
	for (size_t i = 0; i < n; i++)
		letter_put(cells[i].letter);
	puts("</text>");
}

static void bar_put(const struct cell *cells, size_t n, double x, double y)
{
	double width = 0;

	for (size_t i = 0; i < n; i++)
		width += CELL_WIDTH * (0x2590 - cells[i].letter) / 8;
	rect_put(x, y + 4, width, CELL_HEIGHT - 8, ink_of(&cells->style));
}

/* What is behind the words, each colour in one piece: seams between pieces would show. */
static void papers_put(const struct line *line, double top)
{
	for (size_t i = 0, n; i < line->n; i += n) {
		uint32_t paper = paper_of(&line->items[i].style);

		for (n = 1; i + n < line->n; n++)
			if (paper_of(&line->items[i + n].style) != paper)
				break;
		if (paper != PAPER)
			rect_put(PADDING + (double)i * CELL_WIDTH, top, (double)n * CELL_WIDTH,
				 CELL_HEIGHT, paper);
	}
}

static void line_put(const struct line *line, double top)
{
	papers_put(line, top);
	for (size_t i = 0, n; i < line->n; i += n) {
		const struct cell *cell = &line->items[i];
		double x = PADDING + (double)i * CELL_WIDTH;

		n = run_length(line, i);
		if (is_block(cell->letter))
			bar_put(cell, n, x, top);
		else if (cell->letter != ' ')
			word_put(cell, n, x, top + 14);
	}
}

static void window_put(const char *title, double width, double height)
{
	static const uint32_t buttons[] = { 0xff5f57, 0xfebc2e, 0x28c840 };

	printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
	       "viewBox=\"0 0 %.0f %.0f\" font-size=\"%d\" font-family=\"ui-monospace, "
	       "SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', "
	       "monospace\">\n<title>%s</title>\n"
	       "<rect width=\"%.0f\" height=\"%.0f\" rx=\"10\" fill=\"#%06x\" "
	       "stroke=\"#2b3442\"/>\n",
	       width, height, width, height, FONT_SIZE, title, width, height, PAPER);
	for (size_t i = 0; i < ARRAY_LEN(buttons); i++)
		printf("<circle cx=\"%zu\" cy=\"19\" r=\"6\" fill=\"#%06x\"/>\n", 22 + i * 20,
		       buttons[i]);
	printf("<text x=\"%.0f\" y=\"24\" fill=\"#8b98a9\" text-anchor=\"middle\">%s</text>\n",
	       width / 2, title);
}

int main(int argc, char *argv[])
{
	struct screen screen = { 0 };

	if (argc != 2 || strpbrk(argv[1], "&<>")) {
		fputs("usage: picture TITLE <SCREEN >SVG\n", stderr);
		return 2;
	}
	screen_read(&screen, stdin);
	window_put(argv[1], 2 * PADDING + (double)screen.columns * CELL_WIDTH,
		   TITLE_HEIGHT + (double)screen.n * CELL_HEIGHT + PADDING);
	for (size_t i = 0; i < screen.n; i++) {
		line_put(&screen.items[i], TITLE_HEIGHT + (double)i * CELL_HEIGHT);
		vec_free(&screen.items[i]);
	}
	vec_free(&screen);
	puts("</svg>");
	return ferror(stdin) || fflush(stdout) ? 1 : 0;
}
