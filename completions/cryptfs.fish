# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for cryptfs(1). No text from a file's name is ever evaluated.

set -l verbs init mount umount info ls cat export check status

complete -c cryptfs -f
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a init -d 'make a new vault'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a mount -d 'mount a vault'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a umount -d 'unmount, and wait until all is written'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a info -d 'show a vault\'s settings'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a ls -d 'list files of a vault, without a mount'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a cat -d 'print files of a vault, without a mount'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a export -d 'copy files out of a vault, without a mount'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a check -d 'verify a vault, and repair what can be'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a status -d 'show what is mounted'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -s V -l version -d 'print the version'
complete -c cryptfs -s h -l help -d 'print help'

complete -c cryptfs -n '__fish_seen_subcommand_from init mount umount info ls cat export check' -a '(__fish_complete_directories (commandline -ct))'

complete -c cryptfs -n '__fish_seen_subcommand_from init mount ls cat export check' -l passfile -r -F -d 'first line is the passphrase'
complete -c cryptfs -n '__fish_seen_subcommand_from init mount ls cat export check' -l extpass -x -d 'command that prints the passphrase'
complete -c cryptfs -n '__fish_seen_subcommand_from init mount' -l shared -d 'others may change the vault while it is mounted'
complete -c cryptfs -n '__fish_seen_subcommand_from mount ls cat export check' -l no-sandbox -d 'keep all powers'
complete -c cryptfs -n '__fish_seen_subcommand_from init mount ls cat export check' -s q -l quiet -d 'print less'

complete -c cryptfs -n '__fish_seen_subcommand_from init' -l kdf-time -x -d 'seconds that unlocking takes'
complete -c cryptfs -n '__fish_seen_subcommand_from init' -l kdf-memory -x -d 'MiB that unlocking takes'
complete -c cryptfs -n '__fish_seen_subcommand_from init' -l hide-sizes -d 'show sizes in whole pages only'
complete -c cryptfs -n '__fish_seen_subcommand_from init' -l label -x -d 'a name to show'

complete -c cryptfs -n '__fish_seen_subcommand_from mount' -s f -l foreground -d 'stay in the foreground'
complete -c cryptfs -n '__fish_seen_subcommand_from mount' -s r -l read-only -d 'nothing can be changed'
complete -c cryptfs -n '__fish_seen_subcommand_from mount' -l allow-other -d 'other users may use the mount'
complete -c cryptfs -n '__fish_seen_subcommand_from mount' -s o -x -a 'ro allow_other noatime nosuid nodev noexec' -d 'mount options'
complete -c cryptfs -n '__fish_seen_subcommand_from mount' -l debug -d 'trace every request'

complete -c cryptfs -n '__fish_seen_subcommand_from umount' -s z -l lazy -d 'detach it even if it is in use'
complete -c cryptfs -n '__fish_seen_subcommand_from info ls check status' -l json -d 'print a JSON object'

complete -c cryptfs -n '__fish_seen_subcommand_from ls' -s l -l long -d 'with mode, owner, size and time'
complete -c cryptfs -n '__fish_seen_subcommand_from ls' -s R -l recursive -d 'with all that is below'
complete -c cryptfs -n '__fish_seen_subcommand_from ls' -s 0 -l print0 -d 'a NUL behind each name'
complete -c cryptfs -n '__fish_seen_subcommand_from cat export' -l salvage -d 'of damaged files what is intact'
complete -c cryptfs -n '__fish_seen_subcommand_from cat' -s o -l output -r -F -d 'write to a new file'
complete -c cryptfs -n '__fish_seen_subcommand_from export' -l overwrite -d 'replace files that are there'
complete -c cryptfs -n '__fish_seen_subcommand_from export' -l privileged -d 'keep set-ID bits and devices'

complete -c cryptfs -n '__fish_seen_subcommand_from check' -l path -x -d 'only what is at or below'
complete -c cryptfs -n '__fish_seen_subcommand_from check' -l quick -d 'names, and both ends of each file'
complete -c cryptfs -n '__fish_seen_subcommand_from check' -l repair -d 'mend what can be without losing anything'
complete -c cryptfs -n '__fish_seen_subcommand_from check' -l yes -d 'do not ask'
complete -c cryptfs -n '__fish_seen_subcommand_from check' -s j -l jobs -x -d 'how many threads'
