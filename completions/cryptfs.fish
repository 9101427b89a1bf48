# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for cryptfs(1). No text from the line or from a file's name is ever evaluated.
# Lists are sorted, with a line for each verb or option.

# What the line has before the cursor, without options and their values: cryptfs, verb, operands.
function __cryptfs_words
    set -l takes --extpass --idle --jobs --kdf-memory --kdf-time --keyfile --kind --label --lock-on --master-file \
        --method --new-keyfile --new-passfile --new-recovery-file --output --passfile --path --recovery-file --report \
        --seconds --vault -j -o
    set -l value no
    set -l literal no
    for word in (commandline -opc)
        if test $value = yes
            set value no
        else if test $literal = no; and test "$word" = --
            set literal yes
        else if test $literal = no; and string match -q -- '-*' $word
            contains -- $word $takes; and set value yes
        else
            printf '%s\n' $word
        end
    end
end

# Is the line of this verb, of one word or two?
function __cryptfs_verb
    set -l words (__cryptfs_words)
    contains -- "$words[2]" $argv; or begin
        test (count $words) -ge 3; and contains -- "$words[2] $words[3]" $argv
    end
end

# Is the next word operand number N of one of these verbs?
function __cryptfs_operand
    set -l words (__cryptfs_words)
    set -l n (count $words)
    contains -- "$words[2]" $argv[2..-1]; and test $n -eq (math $argv[1] + 1); and return
    test $n -ge 3; and contains -- "$words[2] $words[3]" $argv[2..-1]; and test $n -eq (math $argv[1] + 2)
end

# Is a verb still to come, or the second word of one?
function __cryptfs_first
    test (count (__cryptfs_words)) -eq 1
end

function __cryptfs_second
    set -l words (__cryptfs_words)
    test (count $words) -eq 2; and test $words[2] = $argv[1]
end

# Paths that end in this and begin like what is typed; that part of them is taken off again. None that looks like an
# option or somebody's home; and fish shows nothing that begins with a dot unless one is typed.
function __cryptfs_paths
    set -l typed (commandline -ct | string collect)
    set -l text (string unescape -- $typed 2>/dev/null | string collect)
    test -n "$text"; or set text "$typed"
    set -l found "$text"*/$argv[1]
    test -z "$text"; and test -n "$argv[1]"; and set -a found .*/$argv[1]
    for path in $found
        set path (string sub -e -(math (string length -- "$argv[1]") + 1) -- $path | string collect)/
        if test -z "$text"; and string match -qr '^[-~.]' -- $path
            set path $PWD/$path
        end
        printf '%s\n' $path
    end
end

function __cryptfs_directories
    if string match -q '~*' -- (commandline -ct)
        __fish_complete_directories (commandline -ct) ''
    else
        __cryptfs_paths ''
    end
end

# Vaults, hidden ones too; directories if there is none.
function __cryptfs_vaults
    set -l vaults (__cryptfs_paths cryptfs.json)
    if set -q vaults[1]
        printf '%s\n' $vaults
    else
        __cryptfs_directories
    end
end

# The kernel's list, with its octal escapes; directories if there is nothing.
function __cryptfs_mountpoints
    set -l points
    while read -l -d ' ' -a fields
        string match -q '* - fuse.cryptfs *' -- "$fields"; or continue
        set -a points (printf '%b' (string replace -a -r '\\\\([0-7]{3})' '\\\\0$1' -- $fields[5]))
    end </proc/self/mountinfo
    if set -q points[1]
        printf '%s\n' $points
    else
        __cryptfs_directories
    end
end

# What is mounted at login: the lines that are not indented. Names with control characters are escaped there.
function __cryptfs_autostarted
    cryptfs autostart list 2>/dev/null | string match -r '^/[^\\\\]*$'
end

# Slot numbers of the vault that is on the line already.
function __cryptfs_slots
    set -l words (__cryptfs_words)
    set -q words[4]; or return
    cryptfs key list -- (string replace -r '^~/' "$HOME/" -- $words[4]) 2>/dev/null | string match -r '^[0-9]+'
end

complete -c cryptfs -f

# Verbs
complete -c cryptfs -n __cryptfs_first -a autostart -d 'mount a vault at login'
complete -c cryptfs -n __cryptfs_first -a bench -d 'measure how fast it is on this machine'
complete -c cryptfs -n __cryptfs_first -a cat -d 'print files of a vault, without a mount'
complete -c cryptfs -n __cryptfs_first -a check -d 'verify a vault, and repair what can be'
complete -c cryptfs -n __cryptfs_first -a export -d 'copy files out of a vault, without a mount'
complete -c cryptfs -n __cryptfs_first -a import -d 'copy a directory into a mounted vault, verified'
complete -c cryptfs -n __cryptfs_first -a info -d 'show a vault\'s settings'
complete -c cryptfs -n __cryptfs_first -a init -d 'make a new vault'
complete -c cryptfs -n __cryptfs_first -a inspect -d 'look into one encrypted file'
complete -c cryptfs -n __cryptfs_first -a key -d 'list, add, change, remove and test its secrets'
complete -c cryptfs -n __cryptfs_first -a ls -d 'list files of a vault, without a mount'
complete -c cryptfs -n __cryptfs_first -a master -d 'keep its master key on paper, and use it'
complete -c cryptfs -n __cryptfs_first -a mount -d 'mount a vault'
complete -c cryptfs -n __cryptfs_first -a passwd -d 'change the passphrase'
complete -c cryptfs -n __cryptfs_first -a path -d 'tell which encrypted file is which'
complete -c cryptfs -n __cryptfs_first -a rekey -d 'give a vault a new master key'
complete -c cryptfs -n __cryptfs_first -a settings -d 'keep a copy of its settings, and put it back'
complete -c cryptfs -n __cryptfs_first -a status -d 'show what is mounted'
complete -c cryptfs -n __cryptfs_first -a umount -d 'unmount, and wait until all is written'
complete -c cryptfs -n __cryptfs_first -s V -l version -d 'print the version'
complete -c cryptfs -s h -l help -d 'print help'

# Second words
complete -c cryptfs -n '__cryptfs_second autostart' -a 'add list remove run'
complete -c cryptfs -n '__cryptfs_second key' -a 'add change list remove test'
complete -c cryptfs -n '__cryptfs_second master' -a 'export restore'
complete -c cryptfs -n '__cryptfs_second settings' -a 'backup restore'

# Operands
set -l vaults 'autostart add' cat check export info 'key add' 'key change' 'key list' 'key remove' 'key test' ls \
    'master export' 'master restore' mount passwd path rekey 'settings backup' 'settings restore'
complete -c cryptfs -n "__cryptfs_operand 1 $(string escape -- $vaults | string join ' ')" -a '(__cryptfs_vaults)' -d vault
complete -c cryptfs -n '__cryptfs_operand 1 "autostart remove"' -a '(__cryptfs_autostarted)' -d 'mount point'
complete -c cryptfs -n '__cryptfs_operand 1 bench import init' -a '(__cryptfs_directories)'
complete -c cryptfs -n '__cryptfs_operand 1 inspect' -F
complete -c cryptfs -n '__cryptfs_operand 1 status' -a '(__cryptfs_mountpoints)' -d 'mount point'
complete -c cryptfs -n '__cryptfs_verb umount' -a '(__cryptfs_mountpoints)' -d 'mount point'
complete -c cryptfs -n '__cryptfs_operand 2 "key change" "key remove"' -a '(__cryptfs_slots)' -d slot
complete -c cryptfs -n '__cryptfs_operand 2 "autostart add" mount' -a '(__cryptfs_directories)'
complete -c cryptfs -n '__cryptfs_operand 2 import' -a '(__cryptfs_mountpoints)' -d 'mount point'
complete -c cryptfs -n '__cryptfs_verb path; and not __cryptfs_operand 1 path' -F
complete -c cryptfs -n '__cryptfs_operand 2 "settings backup" "settings restore"' -F
complete -c cryptfs -n '__cryptfs_operand 3 export' -F

# Options of many verbs
set -l unlock '__cryptfs_verb cat check export "key add" "key change" "key remove" "key test" inspect ls "master export" mount passwd path rekey "settings restore"'
complete -c cryptfs -n "$unlock; or __cryptfs_verb init" -l extpass -x -a '(__fish_complete_command)' -d 'command that prints the passphrase'
complete -c cryptfs -n $unlock -l keyfile -r -F -d 'open it with a key file'
complete -c cryptfs -n $unlock -l keyring -d 'open it with the login keyring'
complete -c cryptfs -n "$unlock; or __cryptfs_verb init" -l passfile -r -F -d 'first line is the passphrase'
complete -c cryptfs -n $unlock -l recovery -d 'open it with a recovery code'
complete -c cryptfs -n $unlock -l recovery-file -r -F -d 'first line is the recovery code'

complete -c cryptfs -n '__cryptfs_verb "key remove" "master restore" "settings backup" "settings restore"' -l force -d 'although it may lose something'
complete -c cryptfs -n '__cryptfs_verb check rekey' -s j -l jobs -x -d 'how many threads'
complete -c cryptfs -n '__cryptfs_verb "autostart list" bench check import info inspect "key list" ls path status' -l json -d 'print a JSON object'
complete -c cryptfs -n '__cryptfs_verb init "key add" "key change" "master restore" passwd' -l kdf-memory -x -d 'MiB that unlocking takes'
complete -c cryptfs -n '__cryptfs_verb init "key add" "key change" "master restore" passwd' -l kdf-time -x -d 'seconds that unlocking takes'
complete -c cryptfs -n '__cryptfs_verb "key add" "key change"' -l kind -x -a 'keyfile keyring passphrase recovery' -d 'of the new secret'
complete -c cryptfs -n '__cryptfs_verb "master restore"' -l kind -x -a 'keyfile passphrase' -d 'of the new secret'
complete -c cryptfs -n '__cryptfs_verb init "key add" "key change" "master restore"' -l label -x -d 'a name to show'
complete -c cryptfs -n '__cryptfs_verb "key add" "key change" "master restore"' -l new-keyfile -r -F -d 'a key file, made if it does not exist'
complete -c cryptfs -n '__cryptfs_verb "key add" "key change" "master restore" passwd' -l new-passfile -r -F -d 'first line is the new passphrase'
complete -c cryptfs -n '__cryptfs_verb "key add" "key change"' -l new-recovery-file -r -F -d 'write the recovery code there'
complete -c cryptfs -n '__cryptfs_verb cat check export inspect ls mount path rekey' -l no-sandbox -d 'keep all powers'
complete -c cryptfs -n '__cryptfs_verb cat "master export"' -s o -l output -r -F -d 'write to a new file'
complete -c cryptfs -n '__cryptfs_verb "autostart add" "autostart list" "autostart remove" bench cat check export import info init inspect "key add" "key change" "key list" "key remove" "key test" ls "master export" "master restore" mount passwd path rekey "settings backup" "settings restore" status umount' -s q -l quiet -d 'print less'
complete -c cryptfs -n '__cryptfs_verb export import' -l overwrite -d 'replace files that are there'
complete -c cryptfs -n '__cryptfs_verb ls path' -s 0 -l print0 -d 'a NUL behind each name'
complete -c cryptfs -n '__cryptfs_verb "autostart add" mount' -s r -l read-only -d 'nothing can be changed'
complete -c cryptfs -n '__cryptfs_verb cat export' -l salvage -d 'of damaged files what is intact'
complete -c cryptfs -n '__cryptfs_verb "autostart add" init mount' -l shared -d 'others may change the vault while it is mounted'
complete -c cryptfs -n '__cryptfs_verb init "key add" "key change" "master restore"' -l with-passphrase -d 'the key file and a passphrase together'
complete -c cryptfs -n '__cryptfs_verb check rekey' -l yes -d 'do not ask'

# Options of one verb
complete -c cryptfs -n '__cryptfs_verb "autostart add"' -l method -x -a 'systemd xdg' -d 'what starts it'
complete -c cryptfs -n '__cryptfs_verb bench' -l no-mount -d 'the ciphers only'
complete -c cryptfs -n '__cryptfs_verb bench' -l seconds -x -d 'how long to measure'
complete -c cryptfs -n '__cryptfs_verb check' -l path -x -d 'only what is at or below'
complete -c cryptfs -n '__cryptfs_verb check' -l quick -d 'names, and both ends of each file'
complete -c cryptfs -n '__cryptfs_verb check' -l repair -d 'mend what can be without losing anything'
complete -c cryptfs -n '__cryptfs_verb export' -l privileged -d 'keep set-ID bits and devices'
complete -c cryptfs -n '__cryptfs_verb import' -l check -d 'only compare'
complete -c cryptfs -n '__cryptfs_verb import' -l cross-mounts -d 'take along what is mounted in the source'
complete -c cryptfs -n '__cryptfs_verb import' -l dry-run -d 'change nothing'
complete -c cryptfs -n '__cryptfs_verb import' -l report -r -F -d 'write all problems to a new file'
complete -c cryptfs -n '__cryptfs_verb import' -l update -d 'replace files that are older'
complete -c cryptfs -n '__cryptfs_verb import' -l verify-all -d 'compare what is there already by content'
complete -c cryptfs -n '__cryptfs_verb init' -l hide-sizes -d 'show sizes in whole pages only'
complete -c cryptfs -n '__cryptfs_verb init' -l keyfile -r -F -d 'a key file, made if it does not exist'
complete -c cryptfs -n '__cryptfs_verb init' -l recovery -d 'a recovery code as well'
complete -c cryptfs -n '__cryptfs_verb init' -l recovery-file -r -F -d 'write the recovery code there'
complete -c cryptfs -n '__cryptfs_verb inspect' -l blocks -d 'tell of each page'
complete -c cryptfs -n '__cryptfs_verb inspect' -l vault -x -a '(__cryptfs_vaults)' -d 'of which vault it is'
complete -c cryptfs -n '__cryptfs_verb inspect' -l verify -d 'ask for the passphrase, and verify'
complete -c cryptfs -n '__cryptfs_verb ls' -s l -l long -d 'with mode, owner, size and time'
complete -c cryptfs -n '__cryptfs_verb ls' -s R -l recursive -d 'with all that is below'
complete -c cryptfs -n '__cryptfs_verb "master restore"' -l master-file -r -F -d 'first line is the master key'
complete -c cryptfs -n '__cryptfs_verb mount' -l allow-other -d 'other users may use the mount'
complete -c cryptfs -n '__cryptfs_verb mount' -l debug -d 'trace every request'
complete -c cryptfs -n '__cryptfs_verb mount' -s f -l foreground -d 'stay in the foreground'
complete -c cryptfs -n '__cryptfs_verb mount' -l idle -x -a '5m 15m 1h' -d 'unmount it when it was not used for so long'
complete -c cryptfs -n '__cryptfs_verb mount' -l lock-on -x -a '(__fish_append , force screen sleep)' -d 'unmount it by itself'
complete -c cryptfs -n '__cryptfs_verb mount' -l notify -d 'tell on the desktop of damage and of its end'
complete -c cryptfs -n '__cryptfs_verb mount' -s o -x -a '(__fish_append , allow_other noatime nodev noexec nosuid ro)' -d 'mount options'
complete -c cryptfs -n '__cryptfs_verb path' -s r -l reverse -d 'from encrypted paths to plain ones'
complete -c cryptfs -n '__cryptfs_verb path' -l stdin0 -d 'read paths from standard input'
complete -c cryptfs -n '__cryptfs_verb status' -l watch -d 'again and again'
complete -c cryptfs -n '__cryptfs_verb umount' -s a -l all -d 'all that you have mounted'
complete -c cryptfs -n '__cryptfs_verb umount' -s z -l lazy -d 'detach it even if it is in use'
