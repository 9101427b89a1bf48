# SPDX-License-Identifier: GPL-3.0-or-later
# bash completion for cryptfs(1). No text from the line or from a file's name is ever evaluated.
# Lists are sorted, with a line for each verb.

_cryptfs_verbs="autostart bench cat check export import info init inspect key ls master mount passwd path rekey"
_cryptfs_verbs="$_cryptfs_verbs settings status umount"

# The options of a verb; short ones only where they have no long name.
_cryptfs_options()
{
	local recovery="--recovery --recovery-file" price="--kdf-memory --kdf-time"
	local secret="--extpass --keyfile --keyring --passfile $recovery"
	local made="--kind --new-keyfile --new-passfile --with-passphrase"
	local fresh="--label --new-recovery-file $made $price"
	case $1 in
	autostart) echo "--help" ;;
	"autostart add") echo "--help --method --quiet --read-only --shared" ;;
	"autostart list") echo "--help --json --quiet" ;;
	"autostart remove") echo "--help --quiet" ;;
	"autostart run") echo "--help" ;;
	bench) echo "--help --json --no-mount --quiet --seconds" ;;
	cat) echo "--help --no-sandbox --output --quiet --salvage $secret" ;;
	check) echo "--help --jobs --json --no-sandbox --path --quick --quiet --repair --yes $secret" ;;
	export) echo "--help --no-sandbox --overwrite --privileged --quiet --salvage $secret" ;;
	import) echo "--check --cross-mounts --dry-run --help --json --overwrite --quiet --report --update --verify-all" ;;
	info) echo "--help --json --quiet" ;;
	init) echo "--extpass --help --hide-sizes --keyfile --label --passfile --quiet --shared" \
		"--with-passphrase $recovery $price" ;;
	inspect) echo "--blocks --help --json --no-sandbox --quiet --vault --verify $secret" ;;
	key) echo "--help" ;;
	"key add") echo "--help --quiet $fresh $secret" ;;
	"key change") echo "--help --quiet $fresh $secret" ;;
	"key list") echo "--help --json --quiet" ;;
	"key remove") echo "--force --help --quiet $secret" ;;
	"key test") echo "--help --quiet $secret" ;;
	ls) echo "--help --json --long --no-sandbox --print0 --quiet --recursive $secret" ;;
	master) echo "--help" ;;
	"master export") echo "--help --output --quiet $secret" ;;
	"master restore") echo "--force --help --label --master-file --quiet $made $price" ;;
	mount) echo "--allow-other --debug --foreground --help --idle --lock-on --no-sandbox --notify --quiet" \
		"--read-only --shared -o $secret" ;;
	passwd) echo "--help --new-passfile --quiet $price $secret" ;;
	path) echo "--help --json --no-sandbox --print0 --quiet --reverse --stdin0 $secret" ;;
	rekey) echo "--help --jobs --no-sandbox --quiet --yes $secret" ;;
	settings) echo "--help" ;;
	"settings backup") echo "--force --help --quiet" ;;
	"settings restore") echo "--force --help --quiet $secret" ;;
	status) echo "--help --json --quiet --watch" ;;
	umount) echo "--all --help --lazy --quiet" ;;
	esac
}

# The second words of a verb.
_cryptfs_seconds()
{
	case $1 in
	autostart) echo "add list remove run" ;;
	key) echo "add change list remove test" ;;
	master) echo "export restore" ;;
	settings) echo "backup restore" ;;
	esac
}

# Does this option take a value?
_cryptfs_takes()
{
	case $1 in
	--extpass | --idle | --jobs | -j | --kdf-memory | --kdf-time | --keyfile | --kind | --label | --lock-on) ;;
	--master-file | --method | --new-keyfile | --new-passfile | --new-recovery-file | --output | -o) ;;
	--passfile | --path | --recovery-file | --report | --seconds | --vault) ;;
	*) return 1 ;;
	esac
}

# The value of an option: OPTION VERB TYPED
_cryptfs_value()
{
	case $1:$2 in
	--extpass:*) _cryptfs_commands "$3" ;;
	--idle:* | --jobs:* | -j:* | --kdf-*:* | --label:* | --path:* | --seconds:*) ;;
	--kind:"master restore") _cryptfs_words "$3" "keyfile passphrase" ;;
	--kind:*) _cryptfs_words "$3" "keyfile keyring passphrase recovery" ;;
	--lock-on:*) _cryptfs_list "$3" "force screen sleep" ;;
	--method:*) _cryptfs_words "$3" "systemd xdg" ;;
	-o:mount) _cryptfs_list "$3" "allow_other noatime nodev noexec nosuid ro" ;;
	--vault:*) _cryptfs_paths vault "$3" ;;
	*) _cryptfs_paths file "$3" ;;
	esac
}

# The operand of a verb: "VERB:NUMBER" TYPED
_cryptfs_operand()
{
	case $1 in
	"autostart add:2") _cryptfs_paths directory "$2" ;;
	"autostart add":* | "autostart list":* | "autostart run":*) ;;
	"autostart remove:1") _cryptfs_autostarted "$2" ;;
	bench:1) _cryptfs_paths directory "$2" ;;
	cat:[2-9]* | export:2 | ls:2) ;; # paths in the vault, which take its secret
	export:3) _cryptfs_paths file "$2" ;;
	import:1) _cryptfs_paths directory "$2" ;;
	import:2) _cryptfs_mountpoints "$2" ;;
	init:1) _cryptfs_paths directory "$2" ;;
	inspect:1) _cryptfs_paths file "$2" ;;
	"key change:2" | "key remove:2") _cryptfs_slots "$2" ;;
	mount:2) _cryptfs_paths directory "$2" ;;
	path:[2-9]*) _cryptfs_paths file "$2" ;;
	"settings backup:2" | "settings restore:2") _cryptfs_paths file "$2" ;;
	status:*) _cryptfs_mountpoints "$2" ;;
	umount:*) _cryptfs_mountpoints "$2" ;;
	*:1) _cryptfs_paths vault "$2" ;;
	esac
}

# Of fixed words, those that begin like TYPED.
_cryptfs_words()
{
	local word
	for word in $2; do
		[[ $word == "$1"* ]] && COMPREPLY+=("$word")
	done
}

# The same, behind a comma.
_cryptfs_list()
{
	local word before=
	[[ $1 == *,* ]] && before=${1%,*},
	for word in $2; do
		[[ $before$word == "$1"* ]] && COMPREPLY+=("$before$word")
	done
}

_cryptfs_commands()
{
	local line
	while IFS= read -r line; do
		COMPREPLY+=("$line")
	done < <(compgen -c -- "$1")
}

# What a word of the line stands for, in REPLY: quotes taken off, "~/" expanded, with tilde set. A word with more than
# that to expand is left alone, and the function fails. Quotes need not be closed.
_cryptfs_unquote()
{
	local word=$1 c quote=
	REPLY='' tilde=
	[[ $word == "~/"* && $HOME ]] && tilde=1 word=${word:1} REPLY=$HOME
	while [[ $word ]]; do
		c=${word:0:1} word=${word:1}
		case $quote$c in
		"'" | '"') quote=$c ;;
		"''" | '""') quote= ;;
		"'"*) REPLY+=$c ;;
		\\) REPLY+=${word:0:1} word=${word:1} ;;
		'"\')
			[[ $word == [\$\`\"\\]* ]] || REPLY+=\\
			REPLY+=${word:0:1} word=${word:1}
			;;
		[\$\`] | '"'[\$\`]) return 1 ;;
		*) REPLY+=${c} ;;
		esac
	done
}

# Paths that begin like TYPED: files, directories, or vaults, and directories if there is no vault.
_cryptfs_paths()
{
	local kind=$1 tilde REPLY path failglob= hidden=()
	_cryptfs_unquote "$2" || return
	compopt -o filenames
	local -
	set +f
	shopt -q failglob && failglob=1 && shopt -u failglob
	# Vaults are often hidden.
	[[ $kind == vault && ( -z $REPLY || $REPLY == */ ) ]] && hidden=("$REPLY".[!.]*)
	for path in "$REPLY"* "${hidden[@]}"; do
		case $kind in
		file) [[ -e $path ]] || continue ;;
		directory) [[ -d $path ]] || continue ;;
		vault) [[ -f $path/cryptfs.json ]] || continue ;;
		esac
		_cryptfs_path "$path"
	done
	[[ $failglob ]] && shopt -s failglob
	[[ $kind == vault && ${#COMPREPLY[@]} -eq 0 ]] && _cryptfs_paths directory "$2"
}

# One path as it is to be inserted: as it was typed, and nothing that looks like an option or somebody's home.
_cryptfs_path()
{
	if [[ $tilde ]]; then
		COMPREPLY+=("~${1#"$HOME"}")
	elif [[ $1 == [-~]* ]]; then
		COMPREPLY+=("./$1")
	else
		COMPREPLY+=("$1")
	fi
}

# The kernel's list, with its octal escapes; printf -v assigns, it runs nothing.
_cryptfs_mountpoints()
{
	local point rest path tilde REPLY
	_cryptfs_unquote "$1" || return
	while read -r _ _ _ _ point rest; do
		[[ $rest == *' - fuse.cryptfs '* ]] || continue
		printf -v path '%b.' "${point//\\/\\0}"
		path=${path%.}
		[[ $path == "$REPLY"* ]] && _cryptfs_path "$path"
	done </proc/self/mountinfo
	if ((${#COMPREPLY[@]})); then
		compopt -o filenames
	else
		_cryptfs_paths directory "$1"
	fi
}

# What is mounted at login: the lines that are not indented. Names with control characters are escaped there.
_cryptfs_autostarted()
{
	local path tilde REPLY
	_cryptfs_unquote "$1" || return
	compopt -o filenames
	while IFS= read -r path; do
		[[ $path == /* && $path != *\\* && $path == "$REPLY"* ]] && _cryptfs_path "$path"
	done < <(cryptfs autostart list 2>/dev/null)
}

# Slot numbers of the vault that is on the line already.
_cryptfs_slots()
{
	local slot tilde REPLY
	_cryptfs_unquote "$vault" || return
	while read -r slot _; do
		[[ $slot =~ ^[0-9]+$ && $slot == "$1"* ]] && COMPREPLY+=("$slot")
	done < <(cryptfs key list -- "$REPLY" 2>/dev/null)
}

_cryptfs()
{
	local cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} first=2 operands=0 literal= option= vault= i word
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		_cryptfs_words "$cur" "$_cryptfs_verbs --help --version"
		return
	fi
	if [[ $(_cryptfs_seconds "$verb") ]]; then
		if ((COMP_CWORD == 2)); then
			_cryptfs_words "$cur" "$(_cryptfs_seconds "$verb") --help"
			return
		fi
		verb="$verb ${COMP_WORDS[2]}" first=3
	fi
	# What is before the cursor: bash has made three words of --option=value.
	for ((i = first; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $option && $word == = ]]; then
			continue
		elif [[ $option ]]; then
			option=
		elif [[ ! $literal && $word == -- ]]; then
			literal=1
		elif [[ ! $literal && $word == -?* ]]; then
			_cryptfs_takes "$word" && option=$word
		else
			((operands++))
			((operands == 1)) && vault=$word
		fi
	done
	if [[ $option ]]; then
		[[ $cur == = ]] && cur=
		_cryptfs_value "$option" "$verb" "$cur"
	elif [[ ! $literal && $cur == -* ]]; then
		_cryptfs_words "$cur" "$(_cryptfs_options "$verb")"
	else
		_cryptfs_operand "$verb:$((operands + 1))" "$cur"
	fi
}

complete -F _cryptfs cryptfs
