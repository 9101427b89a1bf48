/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A plain main for a fuzzer: runs the files that are named, and those in the directories that are
 * named, once each. No libFuzzer needed, so that every 'make check' replays the corpora.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define REPLAY_MAX (1u << 20)

static unsigned long n_run;

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return -errno;
	/* On the heap and of the right size, for the sanitizers to see reads past the end. */
	uint8_t *buf = malloc(REPLAY_MAX);
	size_t n = buf ? fread(buf, 1, REPLAY_MAX, f) : 0;
	fclose(f);
	uint8_t *data = buf ? realloc(buf, n > 0 ? n : 1) : NULL;
	if (!data) {
		free(buf);
		return -ENOMEM;
	}
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	n_run++;
	return 0;
}

static int replay_dir(const char *path)
{
	DIR *d = opendir(path);
	if (!d)
		return -errno;
	int r = 0;
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		char file[4096];
		if (e->d_name[0] == '.')
			continue;
		if (snprintf(file, sizeof(file), "%s/%s", path, e->d_name) >= (int)sizeof(file))
			r = -ENAMETOOLONG;
		else
			r = replay_file(file);
	}
	closedir(d);
	return r;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct stat st;
		int r = stat(argv[i], &st) < 0 ? -errno :
			S_ISDIR(st.st_mode)    ? replay_dir(argv[i]) :
						 replay_file(argv[i]);
		if (r < 0) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
			return 1;
		}
	}
	printf("%lu inputs\n", n_run);
	return n_run > 0 ? 0 : 1;
}
