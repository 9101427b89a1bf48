/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>

#include "base/io.h"
#include "cli/cli.h"
#include "crypto/keymem.h"

/* Signals that would leave the terminal without echo. SIGTTIN and SIGTTOU keep their default: they
 * stop us in the background before anything has been changed. */
static const int watched[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
#define N_WATCHED (sizeof(watched) / sizeof(watched[0]))

struct silence {
	struct termios modes;
	sigset_t mask;
	struct sigaction actions[N_WATCHED];
};

static volatile sig_atomic_t caught;

static void catch_signal(int sig)
{
	caught = sig;
}

int prompt_open(struct prompt *p, const char *passfile)
{
	bool is_stdin = !passfile || strcmp(passfile, "-") == 0;
	p->from = is_stdin ? "standard input" : passfile;
	p->fd = is_stdin ? STDIN_FILENO : open(passfile, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (p->fd < 0)
		return -errno;
	p->terminal = isatty(p->fd) == 1;
	if (!p->terminal)
		return 0;

	/* Standard input may be open for reading only. */
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty >= 0) {
		prompt_cleanup(p);
		p->fd = tty;
	}
	p->from = "the terminal";
	return 0;
}

static void silence_end(const struct silence *s, int fd)
{
	while (tcsetattr(fd, TCSADRAIN, &s->modes) < 0 && errno == EINTR)
		;
	for (size_t i = 0; i < N_WATCHED; i++)
		(void)sigaction(watched[i], &s->actions[i], NULL);
	(void)sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

/* Catch and block what we watch, then switch echo off. On failure all is as it was. */
static int silence_begin(struct silence *s, int fd)
{
	struct sigaction act = { .sa_handler = catch_signal };
	sigset_t block;
	(void)sigemptyset(&block);

	/* In the background this stops us, before we have looked at modes that are the shell's. */
	while (tcflush(fd, TCIFLUSH) < 0)
		if (errno != EINTR)
			return -errno;
	if (tcgetattr(fd, &s->modes) < 0)
		return -errno;

	caught = 0;
	for (size_t i = 0; i < N_WATCHED; i++) {
		(void)sigaction(watched[i], NULL, &s->actions[i]);
		if (s->actions[i].sa_handler != SIG_IGN)
			(void)sigaction(watched[i], &act, NULL);
		(void)sigaddset(&block, watched[i]);
	}
	(void)sigprocmask(SIG_BLOCK, &block, &s->mask);

	struct termios quiet = s->modes;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	quiet.c_lflag |= ICANON;
	int err = 0;
	while (tcsetattr(fd, TCSAFLUSH, &quiet) < 0 && err == 0)
		err = errno == EINTR ? 0 : -errno;
	if (err < 0)
		silence_end(s, fd);
	return err;
}

/* One byte. At a terminal our signals are blocked but while we wait, so none is missed between looking
 * and waiting. Returns 1, 0 at the end, or -errno (-EINTR: a signal was caught). */
static int read_byte(int fd, const sigset_t *wait_mask, uint8_t *byte)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (wait_mask && (ppoll(&p, 1, NULL, wait_mask) < 0 || caught)) {
			if (caught || errno != EINTR)
				return caught ? -EINTR : -errno;
			continue;
		}
		ssize_t n = read(fd, byte, 1);
		if (n >= 0 || errno != EINTR)
			return n < 0 ? -errno : (int)n;
	}
}

/* The first line, without its end, into a buffer of PROMPT_MAX + 1 bytes (one more, for "\r"). The
 * byte at hand passes through the buffer as well, never through the stack. */
static int read_line(int fd, const sigset_t *wait_mask, uint8_t *buf, size_t *len)
{
	uint8_t *byte = buf + PROMPT_MAX + 1;
	bool too_long = false;
	size_t n = 0;
	int r;

	while ((r = read_byte(fd, wait_mask, byte)) == 1 && *byte != '\n') {
		if (n > PROMPT_MAX) {
			too_long = true; /* and go on: the rest of the line is no next try */
			if (!wait_mask)
				break;
			continue;
		}
		buf[n++] = *byte;
	}
	if (r < 0)
		return r;
	if (!too_long && r == 1 && n > 0 && buf[n - 1] == '\r')
		n--;
	if (too_long || n > PROMPT_MAX)
		return -E2BIG;
	*len = n;
	if (n == 0)
		return -ENODATA;
	return memchr(buf, '\0', n) ? -EILSEQ : 0;
}

static int ask(int fd, const char *text, struct prompt_secret *out)
{
	struct silence s;
	for (;;) {
		int err = silence_begin(&s, fd);
		if (err < 0)
			return err;
		err = io_write_full(fd, text, strlen(text));
		if (err == 0)
			err = read_line(fd, &s.mask, out->bytes, &out->len);
		(void)io_write_full(fd, "\n", 1);
		silence_end(&s, fd);
		if (!caught)
			return err;

		keymem_wipe(out->bytes, PROMPT_MAX + 2);
		int sig = caught;
		(void)raise(sig); /* ends or stops us, as it would have without us */
		if (sig != SIGTSTP)
			return -EINTR;
	}
}

int prompt_read(const struct prompt *p, const char *text, struct prompt_secret *out)
{
	out->len = 0;
	out->bytes = keymem_alloc(PROMPT_MAX + 2);
	if (!out->bytes)
		return -ENOMEM;
	int err = p->terminal ? ask(p->fd, text, out) : read_line(p->fd, NULL, out->bytes, &out->len);
	if (err < 0)
		prompt_forget(out);
	return err;
}

/* Both at once; the first is kept only if they agree. Not secret from each other: no need for
 * constant time. */
static int read_twice(const struct prompt *p, struct prompt_secret *out)
{
	struct prompt_secret again __attribute__((cleanup(prompt_forget))) = { NULL, 0 };
	int err = prompt_read(p, "New passphrase: ", out);
	if (err < 0)
		return err;
	err = prompt_read(p, "The same once more: ", &again);
	if (err == -ENODATA || err == -E2BIG || err == -EILSEQ)
		err = -EKEYREJECTED;
	if (err == 0 && (again.len != out->len || memcmp(again.bytes, out->bytes, out->len) != 0))
		err = -EKEYREJECTED;
	if (err < 0)
		prompt_forget(out);
	return err;
}

int prompt_new(const struct prompt *p, struct prompt_secret *out)
{
	if (!p->terminal)
		return prompt_read(p, "", out);

	for (int tries = PROMPT_TRIES;;) {
		int err = read_twice(p, out);
		bool again = err == -EKEYREJECTED || err == -ENODATA || err == -E2BIG || err == -EILSEQ;
		if (!again || --tries == 0)
			return err;
		if (err == -EKEYREJECTED)
			exit_note("the passphrases differ; try again");
		else
			(void)exit_passphrase(err, p->from);
	}
}

void prompt_forget(struct prompt_secret *s)
{
	keymem_free(s->bytes);
	s->bytes = NULL;
	s->len = 0;
}
