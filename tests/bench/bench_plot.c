/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bench_plot.h"

#include <math.h>
#include <string.h>

#define WIDTH 1240
#define ROW 18
#define TOP 70
#define HEIGHT_LEAST 640 /* the lines and what they mean */
#define LINES_LEFT 60
#define LINES_WIDTH 360
#define LINES_HEIGHT 330
#define BARS_LEFT 810
#define BARS_WIDTH 340
#define FLOWS 4 /* numbers of them that lines have points for */

static const unsigned int flows[FLOWS] = { 1, 1u << 10, 1u << 17, 1u << 20 };
static const char *const flows_texts[FLOWS] = { "1", "1k", "128k", "1M" };
static const char *const colours[] = { "#0b6e4f", "#3fae7f", "#1f4e9c", "#6f9bd8",
				       "#b5541c", "#e09a55", "#7b3fa0", "#bb8fd6" };
#define COLOURS (sizeof(colours) / sizeof(*colours))

/* A case that begins a line: the same packets follow with more flows. */
static bool line_begins(const struct bench_run *run, size_t i)
{
	const struct bench_case *c = &bench_cases[i];

	if (i + FLOWS > bench_cases_n || run->results[i].skipped || c->program != RUN_XDP)
		return false;
	for (size_t n = 0; n < FLOWS; n++)
		if (strcmp(c[n].name, c->name) || c[n].flows != flows[n])
			return false;
	return true;
}

/* A step of 1, 2 or 5 that divides the axis into about five. */
static double axis_step(double most)
{
	double power = pow(10, floor(log10(most / 5))), n = most / 5 / power;

	return power * (n > 5 ? 10 : n > 2 ? 5 : n > 1 ? 2 : 1);
}

static void text(FILE *out, double x, double y, const char *anchor, const char *words)
{
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
		words);
}

static double line_x(size_t n)
{
	return LINES_LEFT + 20 + (double)n * (LINES_WIDTH - 40) / (FLOWS - 1);
}

static double line_y(double ns, double most)
{
	return TOP + LINES_HEIGHT * (1 - ns / most);
}

static void line_axes(FILE *out, double most)
{
	char words[32];

	text(out, LINES_LEFT, TOP - 14, "start",
	     "Established: ns a packet, by the number of flows");
	for (double ns = 0; ns <= most; ns += axis_step(most)) {
		fprintf(out, "<path class=\"grid\" d=\"M%d %.1fh%d\"/>\n", LINES_LEFT,
			line_y(ns, most), LINES_WIDTH);
		snprintf(words, sizeof(words), "%.0f", ns);
		text(out, LINES_LEFT - 8, line_y(ns, most) + 4, "end", words);
	}
	for (size_t n = 0; n < FLOWS; n++)
		text(out, line_x(n), TOP + LINES_HEIGHT + 18, "middle", flows_texts[n]);
}

/* What all are compared with, across the picture. */
static void line_limit(const struct bench_run *run, FILE *out, enum bench_program program,
		       double most)
{
	for (size_t i = 0; i < bench_cases_n; i++) {
		double ns;

		if (bench_cases[i].program != program || run->results[i].skipped)
			continue;
		ns = figure_net(run, i).median;
		fprintf(out, "<path class=\"limit\" d=\"M%d %.1fh%d\"/>\n", LINES_LEFT,
			line_y(ns, most), LINES_WIDTH);
		text(out, LINES_LEFT + 4, line_y(ns, most) - 4, "start", bench_cases[i].name);
	}
}

static void line_draw(const struct bench_run *run, FILE *out, size_t first, size_t number,
		      double most)
{
	const char *colour = colours[number % COLOURS];
	double y = TOP + LINES_HEIGHT + 44 + (double)number * ROW;

	fprintf(out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\" d=\"", colour);
	for (size_t n = 0; n < FLOWS; n++)
		fprintf(out, "%c%.1f %.1f", n ? 'L' : 'M', line_x(n),
			line_y(figure_net(run, first + n).median, most));
	fprintf(out, "\"/>\n<rect x=\"%d\" y=\"%.1f\" width=\"14\" height=\"10\" fill=\"%s\"/>\n",
		LINES_LEFT, y - 9, colour);
	text(out, LINES_LEFT + 22, y, "start", bench_cases[first].name);
}

static void lines_plot(const struct bench_run *run, FILE *out)
{
	double most = 1;
	size_t number = 0;

	for (size_t i = 0; i < bench_cases_n; i++)
		if (line_begins(run, i))
			most = fmax(most, figure_net(run, i + FLOWS - 1).high * 1.08);
	line_axes(out, most);
	line_limit(run, out, RUN_LINE, most);
	line_limit(run, out, RUN_CHAIN, most);
	for (size_t i = 0; i < bench_cases_n; i++)
		if (line_begins(run, i))
			line_draw(run, out, i, number++, most);
}

/* Cases that no line shows. */
static bool bar_wanted(const struct bench_run *run, size_t i)
{
	for (size_t n = 0; n < FLOWS && n <= i; n++)
		if (line_begins(run, i - n))
			return false;
	return !run->results[i].skipped && bench_cases[i].program >= RUN_XDP;
}

static void bar_draw(const struct bench_run *run, FILE *out, size_t i, double y, double most)
{
	const struct bench_case *c = &bench_cases[i];
	const struct bench_stage *stage = &bench_stages[c->stage];
	struct bench_figure net = figure_net(run, i);
	double width = net.median / most * BARS_WIDTH;
	char words[128];

	snprintf(words, sizeof(words), "%s%s, %u x %u%s", c->name, stage->local ? ", local" : "",
		 stage->services, stage->endpoints,
		 c->packets == SEND_NEW || case_is_dns(c) ? ""
		 : c->flows >= 1u << 20			  ? ", 1M flows"
		 : c->flows >= 1u << 17			  ? ", 128k flows"
							  : ", 1k flows");
	text(out, BARS_LEFT - 8, y + 10, "end", words);
	fprintf(out,
		"<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"11\" fill=\"%s\"/>\n"
		"<path stroke=\"#222\" d=\"M%.1f %.1fH%.1f\"/>\n",
		BARS_LEFT, y + 1, fmax(width, 1), colours[c->packets * 2 % COLOURS],
		BARS_LEFT + net.low / most * BARS_WIDTH, y + 6.5,
		BARS_LEFT + net.high / most * BARS_WIDTH);
	snprintf(words, sizeof(words), "%.0f", net.median);
	text(out, BARS_LEFT + net.high / most * BARS_WIDTH + 6, y + 10, "start", words);
}

static int bars_bottom(const struct bench_run *run)
{
	int y = TOP;

	for (size_t i = 0; i < bench_cases_n; i++)
		if (bar_wanted(run, i))
			y += bench_cases[i].title ? 2 * ROW : ROW;
	return y;
}

static void bars_plot(const struct bench_run *run, FILE *out)
{
	double most = 1, y = TOP;

	for (size_t i = 0; i < bench_cases_n; i++)
		if (bar_wanted(run, i))
			most = fmax(most, figure_net(run, i).high);
	text(out, BARS_LEFT - 8, TOP - 14, "end", "Other packets: ns each");
	for (size_t i = 0; i < bench_cases_n; i++) {
		if (!bar_wanted(run, i))
			continue;
		if (bench_cases[i].title) {
			text(out, BARS_LEFT, y + 12, "start", bench_cases[i].title);
			y += ROW;
		}
		bar_draw(run, out, i, y, most);
		y += ROW;
	}
}

void plot_svg(const struct bench_run *run, FILE *out)
{
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\">\n"
		"<style>text{font:12px sans-serif;fill:#222}.grid{stroke:#ddd}"
		".limit{stroke:#888;stroke-dasharray:5 4}</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		WIDTH,
		bars_bottom(run) + ROW > HEIGHT_LEAST ? bars_bottom(run) + ROW : HEIGHT_LEAST);
	text(out, LINES_LEFT, 24, "start",
	     "lbctl, ns a packet net of the generator; medians of interleaved rounds, quartiles");
	lines_plot(run, out);
	bars_plot(run, out);
	fprintf(out, "</svg>\n");
}
