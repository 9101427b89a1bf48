# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for cryptfs(1). No text from a file's name is ever evaluated.

set -l verbs init mount umount info ls cat export inspect path check key passwd rekey settings master status bench

complete -c cryptfs -f
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a init -d 'make a new vault'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a mount -d 'mount a vault'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a umount -d 'unmount, and wait until all is written'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a info -d 'show a vault\'s settings'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a ls -d 'list files of a vault, without a mount'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a cat -d 'print files of a vault, without a mount'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a export -d 'copy files out of a vault, without a mount'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a inspect -d 'look into one encrypted file'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a path -d 'tell which encrypted file is which'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a check -d 'verify a vault, and repair what can be'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a key -d 'list, add, change, remove and test its secrets'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a passwd -d 'change the passphrase'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a rekey -d 'give a vault a new master key'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a settings -d 'keep a copy of its settings, and put it back'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a master -d 'keep its master key on paper, and use it'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a status -d 'show what is mounted'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -a bench -d 'measure how fast it is on this machine'
complete -c cryptfs -n "not __fish_seen_subcommand_from $verbs" -s V -l version -d 'print the version'
complete -c cryptfs -s h -l help -d 'print help'

# The second word of some verbs; is the line that of 'key add' and the like?
function __cryptfs_second
    set -l words (commandline -opc)
    test (count $words) -eq 2; and contains -- $words[2] $argv
end

function __cryptfs_two
    set -l words (commandline -opc)
    test (count $words) -ge 3; and contains -- "$words[2] $words[3]" $argv
end

# Slot numbers of the vault that is on the line already.
function __cryptfs_slots
    set -l words (commandline -opc)
    for word in $words[4..-1]
        string match -q -- '-*' $word; and continue
        cryptfs key list -- (string replace -r '^~/' "$HOME/" -- $word) 2>/dev/null | string match -r '^[0-9]+'
        return
    end
end

complete -c cryptfs -n '__cryptfs_second key' -a 'list add change remove test'
complete -c cryptfs -n '__cryptfs_second settings' -a 'backup restore'
complete -c cryptfs -n '__cryptfs_second master' -a 'export restore'
complete -c cryptfs -n '__cryptfs_two "key remove" "key change"' -a '(__cryptfs_slots)' -d slot
complete -c cryptfs -n '__cryptfs_two "settings backup" "settings restore"' -F

set -l unlock '__fish_seen_subcommand_from mount ls cat export inspect path check passwd rekey; or __cryptfs_two "key add" "key change" "key remove" "key test" "settings restore" "master export"'
set -l fresh '__cryptfs_two "key add" "key change" "master restore"'
complete -c cryptfs -n $unlock -l keyfile -r -F -d 'open it with a key file'
complete -c cryptfs -n $unlock -l recovery -d 'open it with a recovery code'
complete -c cryptfs -n $unlock -l recovery-file -r -F -d 'first line is the recovery code'
complete -c cryptfs -n $unlock -l keyring -d 'open it with the login keyring'
complete -c cryptfs -n $fresh -l kind -x -a 'passphrase recovery keyfile keyring' -d 'of the new secret'
complete -c cryptfs -n "$fresh; or __fish_seen_subcommand_from passwd" -l new-passfile -r -F -d 'first line is the new passphrase'
complete -c cryptfs -n $fresh -l new-keyfile -r -F -d 'a key file, made if it does not exist'
complete -c cryptfs -n "$fresh; or __fish_seen_subcommand_from init" -l with-passphrase -d 'the key file and a passphrase together'
complete -c cryptfs -n $fresh -l new-recovery-file -r -F -d 'write the recovery code there'
complete -c cryptfs -n "$fresh; or __fish_seen_subcommand_from passwd" -l kdf-time -x -d 'seconds that unlocking takes'
complete -c cryptfs -n "$fresh; or __fish_seen_subcommand_from passwd" -l kdf-memory -x -d 'MiB that unlocking takes'
complete -c cryptfs -n $fresh -l label -x -d 'a name to show'
complete -c cryptfs -n '__cryptfs_two "key remove" "settings backup" "settings restore" "master restore"' -l force -d 'although it may lose something'
complete -c cryptfs -n '__cryptfs_two "key list"' -l json -d 'print a JSON object'
complete -c cryptfs -n '__cryptfs_two "master export"' -s o -l output -r -F -d 'write to a new file'
complete -c cryptfs -n '__cryptfs_two "master restore"' -l master-file -r -F -d 'first line is the master key'
complete -c cryptfs -n '__fish_seen_subcommand_from init' -l keyfile -r -F -d 'a key file, made if it does not exist'
complete -c cryptfs -n '__fish_seen_subcommand_from init' -l recovery -d 'a recovery code as well'
complete -c cryptfs -n '__fish_seen_subcommand_from init' -l recovery-file -r -F -d 'write the recovery code there'

complete -c cryptfs -n '__fish_seen_subcommand_from init mount umount info ls cat export path bench check passwd rekey; or __cryptfs_two "key list" "key add" "key change" "key remove" "key test" "settings backup" "settings restore" "master export" "master restore"' -a '(__fish_complete_directories (commandline -ct))'

complete -c cryptfs -n "$unlock; or __fish_seen_subcommand_from init" -l passfile -r -F -d 'first line is the passphrase'
complete -c cryptfs -n "$unlock; or __fish_seen_subcommand_from init" -l extpass -x -d 'command that prints the passphrase'
complete -c cryptfs -n '__fish_seen_subcommand_from init mount' -l shared -d 'others may change the vault while it is mounted'
complete -c cryptfs -n '__fish_seen_subcommand_from mount ls cat export inspect path check rekey' -l no-sandbox -d 'keep all powers'
complete -c cryptfs -n '__fish_seen_subcommand_from init mount ls cat export inspect path check key passwd rekey settings master' -s q -l quiet -d 'print less'

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
complete -c cryptfs -n '__fish_seen_subcommand_from info ls inspect path check status bench' -l json -d 'print a JSON object'

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
complete -c cryptfs -n '__fish_seen_subcommand_from check rekey' -l yes -d 'do not ask'
complete -c cryptfs -n '__fish_seen_subcommand_from check rekey' -s j -l jobs -x -d 'how many threads'

complete -c cryptfs -n '__fish_seen_subcommand_from inspect path' -F
complete -c cryptfs -n '__fish_seen_subcommand_from inspect' -l verify -d 'ask for the passphrase, and verify'
complete -c cryptfs -n '__fish_seen_subcommand_from inspect' -l blocks -d 'tell of each page'
complete -c cryptfs -n '__fish_seen_subcommand_from inspect' -l vault -x -a '(__fish_complete_directories (commandline -ct))' -d 'of which vault it is'
complete -c cryptfs -n '__fish_seen_subcommand_from path' -s r -l reverse -d 'from encrypted paths to plain ones'
complete -c cryptfs -n '__fish_seen_subcommand_from path' -s 0 -l print0 -d 'a NUL behind each path'
complete -c cryptfs -n '__fish_seen_subcommand_from path' -l stdin0 -d 'read paths from standard input'
complete -c cryptfs -n '__fish_seen_subcommand_from bench' -l no-mount -d 'the ciphers only'
complete -c cryptfs -n '__fish_seen_subcommand_from bench' -l seconds -x -d 'how long to measure'
