/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs info: a vault's settings, without its secrets.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/codec.h"
#include "cli/cli.h"
#include "cli/slot_text.h"
#include "cli/unlock.h"

static const char *coherency_name(const struct vaultfile *vf)
{
	return vf->coherency == VAULTFILE_SHARED ? "shared" : "private";
}

static json_t *time_json(uint64_t seconds)
{
	char text[TEXT_TIME_SIZE];
	text_time(text, seconds);
	return json_string(text);
}

static json_t *features_json(const struct vaultfile *vf)
{
	return vf->features & VAULTFILE_FEATURE_HIDE_SIZES ? json_pack("[s]", "hide-sizes") : json_array();
}

static int print_json(const struct vaultfile *vf)
{
	char id[2 * VAULTFILE_ID_LEN + 1];
	codec_hex_encode(id, vf->vault_id, VAULTFILE_ID_LEN);
	return text_print_json(json_pack("{s:i, s:s, s:o, s:i, s:b, s:s, s:o, s:o, s:o}", "format", (int)vf->version,
					 "vault_id", id, "created", time_json(vf->created), "epoch",
					 (int)vf->epoch, "rekeying", vf->previous.there, "coherency",
					 coherency_name(vf), "features", features_json(vf), "label",
					 text_json(vf->label), "slots", slot_text_json(vf)));
}

static void print_slot(const struct vaultfile_slot *s)
{
	char created[TEXT_TIME_SIZE], cost[SLOT_TEXT_COST_SIZE];
	text_time(created, s->created);
	slot_text_cost(cost, s);
	text_line("slot %-7u %s%s%s%s, %s, created %s", (unsigned int)s->slot, vaultfile_kind_name(s->kind),
		  s->label[0] ? " '" : "", s->label, s->label[0] ? "'" : "", cost, created);
}

static int print_text(const char *path, const struct vaultfile *vf)
{
	char id[2 * VAULTFILE_ID_LEN + 1];
	char created[TEXT_TIME_SIZE];
	codec_hex_encode(id, vf->vault_id, VAULTFILE_ID_LEN);
	text_time(created, vf->created);
	text_line("vault        %s", path);
	if (vf->label[0])
		text_line("label        %s", vf->label);
	text_line("vault ID     %s", id);
	text_line("format       %u", (unsigned int)vf->version);
	text_line("created      %s", created);
	if (vf->epoch > 0)
		text_line("master key   number %u%s", (unsigned int)vf->epoch + 1,
			  vf->previous.there ? ", not all is sealed under it yet (to go on: cryptfs rekey)" : "");
	text_line("coherency    %s", coherency_name(vf));
	text_line("features     %s", vf->features & VAULTFILE_FEATURE_HIDE_SIZES ? "hide-sizes" : "none");
	for (uint32_t i = 0; i < vf->n_slots; i++)
		print_slot(&vf->slots[i]);
	return EXIT_DONE;
}

static int info(const char *path, bool json)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return exit_vault_dir(-errno, path);

	_cleanup_vault_ struct vault *v = NULL;
	const char *why = NULL;
	int err = vault_open(fd, &v, &why);
	if (err < 0) {
		int code = exit_vault(err, path, why);
		unlock_hint(path, "info"); /* people name the mount point */
		return code;
	}
	return json ? print_json(&v->settings) : print_text(path, &v->settings);
}

int cmd_info(int argc, char **argv)
{
	bool json;
	int code = args_json("info", argc, argv, 1, "info takes one operand: the vault", &json);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	return info(argv[argc - 1], json);
}
