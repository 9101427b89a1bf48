/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* A path, or with an @ a name that is in no directory. */
static int connect_to(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	if ((name[0] != '/' && name[0] != '@') || n < 2 || n >= sizeof(addr.sun_path))
		return -EINVAL;
	memcpy(addr.sun_path, name, n);
	if (name[0] == '@')
		addr.sun_path[0] = '\0';
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (connect(fd, (const struct sockaddr *)&addr, len) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int notify_open(void)
{
	const char *name = secure_getenv("NOTIFY_SOCKET");
	if (!name || !*name)
		return -1;
	int fd = connect_to(name);
	(void)unsetenv("NOTIFY_SOCKET");
	if (fd < 0)
		log_message(LOG_LEVEL_INFO, "cannot tell the service manager anything: %s", strerror(-fd));
	return fd < 0 ? -1 : fd;
}

void notify_say(int fd, const char *text)
{
	ssize_t n = -1;
	if (fd >= 0)
		do
			n = write(fd, text, strlen(text));
		while (n < 0 && errno == EINTR);
	if (fd >= 0 && n < 0)
		log_message(LOG_LEVEL_INFO, "cannot tell the service manager anything: %s", strerror(errno));
}
