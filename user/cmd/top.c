/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal, the keys and the clock of `lbctl top`. */
#include "user/cmd/top.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "user/cmd/show.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define PERIOD 1.0 /* seconds */

#define SCREEN_ENTER "\033[?1049h\033[?25l" /* the other screen, no cursor */
#define SCREEN_LEAVE "\033[?25h\033[?1049l"

struct top {
	struct show show;
	struct top_view view;
	json_t *rows, *drops; /* of the last look */
	char *backends;	      /* the service that was dived into, or NULL */
	double at;
	struct termios before;
};

/* Set by signals; poll() then returns. */
static volatile sig_atomic_t ended, resized;

static void on_signal(int number)
{
	if (number == SIGWINCH)
		resized = 1;
	else
		ended = 1;
}

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* -------------------------------------------------------------------- looking -- */

static json_t *row_service(const json_t *row)
{
	return json_sprintf("%s/%s:%d", json_string_value(json_object_get(row, "namespace")),
			    json_string_value(json_object_get(row, "name")),
			    (int)json_integer_value(json_object_get(row, "port")));
}

static void keep_backends(json_t *rows, const char *service)
{
	for (size_t i = json_array_size(rows); i-- > 0;) {
		cleanup_json json_t *name = row_service(json_array_get(rows, i));

		if (!json_is_string(name) || strcmp(json_string_value(name), service) != 0)
			json_array_remove(rows, i);
	}
}

/* Counts once more, and compares with the last look. */
static int look(struct top *top, struct err *err)
{
	const struct show_kind *kind = top->backends ? &show_endpoints : &show_svc;
	json_t *rows = json_array(), *drops = json_array();
	double at = now_seconds(), seconds = at - top->at;
	int r = kind->rows(&top->show, rows, err);

	r = r ?: show_drops.rows(&top->show, drops, err);
	if (r) {
		json_decref(rows);
		json_decref(drops);
		return r;
	}
	if (top->backends)
		keep_backends(rows, top->backends);
	show_rates_add(rows, top->rows, seconds);
	show_rates_add(drops, top->drops, seconds);
	top->view.drops = 0;
	for (size_t i = 0; i < json_array_size(drops); i++)
		top->view.drops += json_integer_value(
			json_object_get(json_array_get(drops, i), "packetsPerSecond"));
	json_decref(top->rows);
	json_decref(top->drops);
	top->rows = rows;
	top->drops = drops;
	top->view.rows = rows;
	top->view.backends = top->backends;
	top->at = at;
	return 0;
}

/* ------------------------------------------------------------------- terminal -- */

static void size_read(struct top_view *view)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	view->width = size.ws_col ? size.ws_col : 80;
	view->height = size.ws_row ? size.ws_row : 24;
}

static void terminal_open(struct top *top)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct termios raw;

	sigaction(SIGWINCH, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	tcgetattr(STDIN_FILENO, &top->before);
	raw = top->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs(SCREEN_ENTER, stdout);
}

static void terminal_close(const struct top *top)
{
	fputs(SCREEN_LEAVE, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &top->before);
}

/* In one write, line by line over the last screen, so that nothing flickers. */
static void paint(const struct top *top)
{
	cleanup_free char *frame = NULL;
	char *rest, *line;
	size_t size;
	FILE *out = open_memstream(&frame, &size);
	bool first = true;

	top_draw(out, &top->view);
	fclose(out);
	rest = frame;
	fputs("\033[H", stdout);
	while ((line = strsep(&rest, "\n")) && (*line || rest)) {
		printf("%s%s\033[K", first ? "" : "\r\n", line);
		first = false;
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

/* ----------------------------------------------------------------------- keys -- */

static void dive(struct top *top)
{
	size_t n;
	cleanup_free const json_t **rows = top_sorted(&top->view, &n);
	cleanup_json json_t *name = NULL;

	if (top->backends) {
		free(top->backends);
		top->backends = NULL;
	} else if (top->view.selected < n) {
		name = row_service(rows[top->view.selected]);
		top->backends = name ? xstrdup(json_string_value(name)) : NULL;
	}
	top->view.selected = 0;
	/* Rows of another kind: there is nothing to compare them with yet. */
	json_array_clear(top->rows);
}

static void arrow_use(struct top *top, char arrow)
{
	if (arrow == 'A' && top->view.selected)
		top->view.selected--;
	else if (arrow == 'B' && top->view.selected + 1 < json_array_size(top->rows))
		top->view.selected++;
	else if (arrow == (top->backends ? 'D' : 'C')) /* left, right */
		dive(top);
}

static void key_use(struct top *top, char key)
{
	if (key == 's')
		top->view.sort = (enum top_sort)((top->view.sort + 1) % TOP_SORTS);
	else if (key == 'S')
		top->view.sort = (enum top_sort)((top->view.sort + TOP_SORTS - 1) % TOP_SORTS);
	else if (key == '\n' || key == '\r')
		dive(top);
}

/* Returns false when it is time to go. An arrow is ESC [ X, or ESC O X on some terminals. */
static bool keys_read(struct top *top)
{
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	for (ssize_t i = 0; i < n; i++) {
		if (i + 2 < n && keys[i] == '\033' && (keys[i + 1] == '[' || keys[i + 1] == 'O')) {
			i += 2;
			arrow_use(top, keys[i]);
		} else if (keys[i] == 'q') {
			return false;
		} else {
			key_use(top, keys[i]);
		}
	}
	return n > 0 || (n < 0 && errno == EINTR);
}

static int interact(struct top *top, struct err *err)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	bool stay = true;
	int r = 0;

	size_read(&top->view);
	while (stay && !ended && !r) {
		double left = top->at + PERIOD - now_seconds();

		if (resized) {
			resized = 0;
			size_read(&top->view);
		}
		paint(top);
		if (left > 0 && poll(&in, 1, (int)(left * 1000) + 1) > 0) {
			bool backends = top->backends;

			stay = keys_read(top);
			if (backends == !!top->backends)
				continue;
			left = 0;
		}
		if (left <= 0 || now_seconds() >= top->at + PERIOD)
			r = look(top, err);
		if (!r && top->view.selected >= json_array_size(top->rows))
			top->view.selected =
				json_array_size(top->rows) ? json_array_size(top->rows) - 1 : 0;
	}
	return r;
}

/* -------------------------------------------------------------------- command -- */

static int top_once(struct top *top, struct err *err)
{
	const struct timespec period = { .tv_sec = (time_t)PERIOD };
	int r;

	nanosleep(&period, NULL);
	r = look(top, err);
	if (!r)
		top_draw(stdout, &top->view);
	return r;
}

static int top_run(struct cli *cli)
{
	struct top top = { .show = { .cli = cli },
			   .view = { .node = cli->config.node_name },
			   .rows = json_array(),
			   .drops = json_array() };
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct err err;
	int r = datapath_open(&cli->paths, &top.show.dp, &err);

	r = r ?: look(&top, &err);
	if (!r && terminal) {
		terminal_open(&top);
		r = interact(&top, &err);
		terminal_close(&top);
	} else if (!r) {
		r = top_once(&top, &err);
	}
	datapath_close(top.show.dp);
	json_decref(top.rows);
	json_decref(top.drops);
	free(top.backends);
	return r ? cli_fail(&err) : CLI_OK;
}

const struct command cmd_top = {
	.name = "top",
	.args = "",
	.summary = "Watch which Services are busy",
	.details = "Packets, bytes, connections and drops a second, from the maps, and each one's "
		   "share.\n"
		   "Keys: q quits, s and S sort by something else, the arrows select; right or\n"
		   "enter shows the backends of a Service, left or enter goes back.\n"
		   "\n"
		   "Without a terminal it counts for a second and prints one table.\n"
		   "\n"
		   "  lbctl top\n"
		   "  lbctl top -n shop",
	.run = top_run,
};
