/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/io.h"
#include "cli/cli.h"
#include "cli/extpass.h"
#include "cli/interrupt.h"
#include "cli/quality.h"
#include "crypto/keymem.h"

/* How often to look whether a terminal is still meant for us. */
#define WAIT_STEP_MS 500

struct silence {
	struct termios modes;
	int flags; /* of a terminal that we have opened ourselves; -1: others use it too */
	struct interrupt signals;
};

/* At once: not even a terminal that is held up (^S) keeps us. */
static void silence_end(const struct silence *s, int fd)
{
	if (s->flags >= 0)
		(void)fcntl(fd, F_SETFL, s->flags);
	while (tcsetattr(fd, TCSANOW, &s->modes) < 0 && errno == EINTR)
		;
	interrupt_end(&s->signals);
}

/* Catch and block what we watch, then switch echo off. On failure all is as it was. */
static int silence_begin(struct silence *s, int fd)
{
	/* In the background this stops us, before we have looked at modes that are the shell's. */
	while (tcflush(fd, TCIFLUSH) < 0)
		if (errno != EINTR)
			return -errno;
	if (tcgetattr(fd, &s->modes) < 0)
		return -errno;
	s->flags = fd > STDERR_FILENO ? fcntl(fd, F_GETFL) : -1;
	interrupt_begin(&s->signals, INTERRUPT_TERMINAL);

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

/* A read that the terminal has stopped us in goes on when we are continued, in a terminal whose echo the shell may have
 * switched on again: it must not wait then. Nor must a write, while signals are blocked, for one that is held up. */
static void do_not_block(const struct silence *s, int fd)
{
	if (s->flags >= 0)
		(void)fcntl(fd, F_SETFL, s->flags | O_NONBLOCK);
}

/* What a line is read from. */
struct source {
	int fd;
	bool terminal;
	const struct interrupt *signals; /* NULL: none are caught */
};

/* A terminal that is not our session's tells us nothing: ^C below 'su -c', say, ends the shell that has started us, and
 * we would go on to listen where somebody else is at work. When that shell is gone we take it as hung up. */
static bool is_apart(const struct source *s)
{
	return s->terminal && tcgetsid(s->fd) != getsid(0);
}

static void look_for_session(void)
{
	if (kill(getsid(0), 0) < 0 && errno == ESRCH)
		(void)kill(getpid(), SIGHUP);
}

/* Signals are blocked but here, so none is missed between looking and waiting. Returns 1 if there is something to read,
 * 0 (look again), or -errno (-EINTR: a signal was caught). */
static int wait_for_input(const struct source *s)
{
	const struct timespec step = { 0, WAIT_STEP_MS * 1000000L };
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	bool apart = is_apart(s);
	int n = ppoll(&p, 1, apart ? &step : NULL, &s->signals->wait), err = errno;
	if (apart)
		look_for_session();
	if (interrupt_caught())
		return -EINTR;
	return n >= 0 ? n : err == EINTR ? 0 : -err;
}

/* One byte. Returns 1, 0 at the end, or -errno (-EINTR: a signal was caught). */
static int read_byte(const struct source *s, uint8_t *byte)
{
	for (;;) {
		int r = s->signals ? wait_for_input(s) : 1;
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		ssize_t n = read(s->fd, byte, 1);
		if (n >= 0 || (errno != EINTR && errno != EAGAIN))
			return n < 0 ? -errno : (int)n;
	}
}

/* The first line, without its end, into a buffer of PROMPT_MAX + 1 bytes (one more, for "\r"). The
 * byte at hand passes through the buffer as well, never through the stack. Of a line that is too long a terminal's
 * rest is taken too. */
static int read_line(const struct source *s, uint8_t *buf, size_t *len)
{
	uint8_t *byte = buf + PROMPT_MAX + 1;
	bool too_long = false;
	size_t n = 0;
	int r;

	while ((r = read_byte(s, byte)) == 1 && *byte != '\n') {
		if (n > PROMPT_MAX) {
			too_long = true; /* and go on: the rest of the line is no next try */
			if (!s->terminal)
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

static int show(int fd, const sigset_t *wait_mask, const char *text)
{
	while (*text) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		(void)ppoll(&p, 1, NULL, wait_mask);
		if (interrupt_caught())
			return -EINTR;
		ssize_t n = write(fd, text, strlen(text));
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		text += n > 0 ? n : 0;
	}
	return 0;
}

/* What was caught ends or stops us, as it would have without us. */
static void raise_caught(struct prompt_secret *out)
{
	keymem_wipe(out->bytes, PROMPT_MAX + 2);
	(void)raise(interrupt_caught());
}

static int ask(int fd, const char *text, struct prompt_secret *out)
{
	struct silence s;
	for (;;) {
		int err = silence_begin(&s, fd);
		if (err < 0)
			return err;
		do_not_block(&s, fd);
		err = show(fd, &s.signals.wait, text);
		if (err == 0)
			err = read_line(&(struct source){ fd, true, &s.signals }, out->bytes, &out->len);
		(void)!write(fd, "\n", 1);
		silence_end(&s, fd);
		int sig = interrupt_caught();
		if (sig == 0)
			return err;
		raise_caught(out);
		if (sig != SIGTSTP && sig != SIGCONT)
			return -EINTR;
	}
}

/* What came of a program that has told something, or not (err). */
static int judge(const struct prompt *p, int err, int status)
{
	if (status == 0 || (err < 0 && err != -ENODATA))
		return err;
	if (p->window && WIFEXITED(status) && WEXITSTATUS(status) != 126 && WEXITSTATUS(status) != 127)
		return -ECANCELED;
	(void)exit_command(p->from, 0, status);
	return -ECHILD;
}

static int run(const struct prompt *p, const char *text, struct prompt_secret *out)
{
	_cleanup_free_ char *shown = strdup(text);
	char *asking[] = { p->argv[0], shown, NULL };
	struct extpass e;
	if (!shown)
		return -ENOMEM;
	int err = extpass_start(&e, p->window ? asking : p->argv);
	if (err < 0) {
		(void)exit_command(p->from, err, 0);
		return -ECHILD;
	}
	err = read_line(&(struct source){ e.fd, false, &e.signals }, out->bytes, &out->len);
	int status = extpass_finish(&e);
	if (status >= 0)
		return judge(p, err, status);
	raise_caught(out);
	return status;
}

int prompt_read(const struct prompt *p, const char *text, struct prompt_secret *out)
{
	out->len = 0;
	out->bytes = keymem_alloc(PROMPT_MAX + 2);
	if (!out->bytes)
		return -ENOMEM;
	int err = p->argv     ? run(p, text, out) :
		  p->terminal ? ask(p->fd, text, out) :
				read_line(&(struct source){ p->fd, false, NULL }, out->bytes, &out->len);
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
	if (p->terminal)
		quality_show(out);
	err = prompt_read(p, "The same once more: ", &again);
	if (err == -ENODATA || err == -E2BIG || err == -EILSEQ)
		err = -EKEYREJECTED;
	if (err == 0 && (again.len != out->len || memcmp(again.bytes, out->bytes, out->len) != 0))
		err = -EKEYREJECTED;
	if (err < 0)
		prompt_forget(out);
	return err;
}

bool prompt_may_retry(int err)
{
	return err == -EKEYREJECTED || err == -ENODATA || err == -E2BIG || err == -EILSEQ;
}

int prompt_new(const struct prompt *p, struct prompt_secret *out)
{
	if (prompt_tries(p) == 1)
		return prompt_read(p, "", out);

	for (int tries = prompt_tries(p);;) {
		int err = read_twice(p, out);
		if (!prompt_may_retry(err) || --tries == 0)
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
