/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a passphrase comes from: what was asked for, or what is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/askpass.h"
#include "cli/extpass.h"
#include "cli/prompt.h"

#define CREDENTIAL "cryptfs.passphrase"

static void close_fd(struct prompt *p)
{
	if (p->fd > STDERR_FILENO)
		(void)close(p->fd);
	p->fd = -1;
}

void prompt_cleanup(struct prompt *p)
{
	close_fd(p);
	free(p->argv);
	free(p->text);
	*p = (struct prompt){ .fd = -1, .from = "" };
}

/* It may be a terminal. */
static void look_at(struct prompt *p)
{
	p->terminal = isatty(p->fd) == 1;
	if (!p->terminal)
		return;

	/* Standard input may be open for reading only, and others may have it open too. */
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty >= 0) {
		close_fd(p);
		p->fd = tty;
	}
	p->from = "the terminal";
}

static int open_file(struct prompt *p, const char *path)
{
	p->from = path;
	p->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (p->fd < 0)
		return -errno;
	look_at(p);
	return 0;
}

static void open_standard_input(struct prompt *p)
{
	p->from = "standard input";
	p->fd = STDIN_FILENO;
	look_at(p);
}

/* LoadCredential= and SetCredential= of systemd. Returns 1 if it is there, 0, or -errno. */
static int open_credential(struct prompt *p)
{
	const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");
	if (!dir || !*dir)
		return 0;
	if (asprintf(&p->text, "%s/" CREDENTIAL, dir) < 0) {
		p->text = NULL;
		return -ENOMEM;
	}
	int err = open_file(p, p->text);
	return err == -ENOENT ? 0 : err < 0 ? err : 1;
}

int prompt_open_from(struct prompt *p, const struct prompt_source *src)
{
	*p = (struct prompt){ .fd = -1, .from = "" };
	if (src->extpass)
		return extpass_open(p, src->extpass);
	if (src->passfile && strcmp(src->passfile, "-") != 0)
		return open_file(p, src->passfile);
	if (!src->passfile) {
		int r = src->unlocks ? open_credential(p) : 0;
		if (r == 0)
			r = askpass_open(p);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	open_standard_input(p);
	return 0;
}

int prompt_open(struct prompt *p, const char *passfile)
{
	return prompt_open_from(p, &(struct prompt_source){ .passfile = passfile });
}
