# SPDX-License-Identifier: GPL-3.0-or-later
# bash completion for cryptfs(1). No text from a file's name is ever evaluated.

_cryptfs_mountpoints()
{
	# The kernel's list, with its octal escapes; printf -v assigns, it runs nothing.
	local line point rest
	while read -r _ _ _ _ point rest; do
		[[ $rest == *' - fuse.cryptfs '* ]] || continue
		printf -v line '%b' "${point//\\/\\0}"
		[[ $line == "$1"* ]] && COMPREPLY+=("$line")
	done </proc/self/mountinfo
}

_cryptfs_dirs()
{
	local line
	while IFS= read -r line; do
		COMPREPLY+=("$line")
	done < <(compgen -d -- "$1")
}

_cryptfs_files()
{
	local line
	while IFS= read -r line; do
		COMPREPLY+=("$line")
	done < <(compgen -f -- "$1")
}

# Only from the fixed lists below.
_cryptfs_words()
{
	local word
	for word in $2; do
		[[ $word == "$1"* ]] && COMPREPLY+=("$word")
	done
}

# Slot numbers of the vault that is on the line already. Its path is used as it is: nothing is expanded but ~/.
_cryptfs_slots()
{
	local word vault= slot rest
	for word in "${COMP_WORDS[@]:3:COMP_CWORD-3}"; do
		[[ $word == -* ]] || vault=$word
	done
	[[ $vault ]] || return
	while read -r slot rest; do
		[[ $slot =~ ^[0-9]+$ && $slot == "$1"* ]] && COMPREPLY+=("$slot")
	done < <(cryptfs key list -- "${vault/#\~\//$HOME/}" 2>/dev/null)
}

_cryptfs_options()
{
	local secret="--passfile --extpass --keyfile --recovery --recovery-file --keyring"
	local fresh="--kind --new-passfile --new-keyfile --with-passphrase --new-recovery-file --kdf-time --kdf-memory --label"
	case $1 in
	init)	echo "--passfile --extpass --keyfile --with-passphrase --recovery --recovery-file --kdf-time --kdf-memory --shared --hide-sizes --label --quiet --help" ;;
	mount)	echo "$secret --foreground --read-only --allow-other --shared --debug --no-sandbox --quiet --help -f -o -r" ;;
	umount)	echo "--lazy --help" ;;
	ls)	echo "--long --recursive --print0 --json $secret --no-sandbox --quiet --help -l -R" ;;
	inspect) echo "--verify --blocks --vault --json $secret --no-sandbox --quiet --help" ;;
	path)	echo "--reverse --print0 --stdin0 --json $secret --no-sandbox --quiet --help -r -0" ;;
	bench)	echo "--no-mount --seconds --json --help" ;;
	cat)	echo "--salvage --output $secret --no-sandbox --quiet --help" ;;
	export)	echo "--overwrite --salvage --privileged $secret --no-sandbox --quiet --help" ;;
	check)	echo "--path --quick --repair --yes --jobs --json $secret --no-sandbox --quiet --help -j" ;;
	rekey)	echo "--yes --jobs $secret --no-sandbox --quiet --help -j" ;;
	"key list") echo "--json --help" ;;
	"key add" | "key change") echo "$fresh $secret --quiet --help" ;;
	"key remove") echo "--force $secret --quiet --help" ;;
	"key test") echo "$secret --quiet --help" ;;
	passwd)	echo "--new-passfile --kdf-time --kdf-memory $secret --quiet --help" ;;
	"settings backup") echo "--force --quiet --help" ;;
	"settings restore") echo "--force $secret --quiet --help" ;;
	"master export") echo "--output $secret --quiet --help -o" ;;
	"master restore") echo "--master-file $fresh --force --quiet --help" ;;
	info | status) echo "--json --help" ;;
	esac
}

_cryptfs()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]}
	COMPREPLY=()

	if ((COMP_CWORD == 1)); then
		_cryptfs_words "$cur" "init mount umount info ls cat export inspect path check key passwd rekey settings master status bench --help --version"
		return
	fi
	if ((COMP_CWORD == 2)) && [[ $cur != -* ]]; then
		case $verb in
		key)	_cryptfs_words "$cur" "list add change remove test" ;;
		settings) _cryptfs_words "$cur" "backup restore" ;;
		master)	_cryptfs_words "$cur" "export restore" ;;
		esac
		[[ $verb == key || $verb == settings || $verb == master ]] && return
	fi
	[[ $verb == key || $verb == settings || $verb == master ]] && verb="$verb ${COMP_WORDS[2]}"
	case $prev in
	--passfile | --output | --keyfile | --recovery-file | --new-passfile | --new-keyfile | --new-recovery-file | --master-file)
		compopt -o filenames
		_cryptfs_files "$cur"
		return ;;
	--vault)
		compopt -o filenames
		_cryptfs_dirs "$cur"
		return ;;
	--seconds | --kdf-time | --kdf-memory | --label | --path | --jobs | -j | --extpass)
		return ;;
	--kind)
		_cryptfs_words "$cur" "passphrase recovery keyfile keyring"
		return ;;
	-o)
		[[ $verb == "master export" ]] && compopt -o filenames && _cryptfs_files "$cur" && return
		_cryptfs_words "$cur" "ro allow_other noatime nosuid nodev noexec"
		return ;;
	esac
	if [[ $cur == -* ]]; then
		_cryptfs_words "$cur" "$(_cryptfs_options "$verb")"
		return
	fi
	compopt -o filenames
	case $verb in
	umount)	_cryptfs_mountpoints "$cur" ;;
	"key remove" | "key change") _cryptfs_slots "$cur" ;;
	inspect) _cryptfs_files "$cur" ;;
	path)	[[ $prev == -* ]] || ((COMP_CWORD == 2)) || _cryptfs_files "$cur" ;;
	"settings "*) [[ $prev == -* ]] || ((COMP_CWORD == 3)) || _cryptfs_files "$cur" ;;
	esac
	((${#COMPREPLY[@]})) && return
	case $verb in
	init | mount | umount | info | ls | cat | export | path | bench | check | rekey | passwd | "key "* | "settings "* | "master "*)
		_cryptfs_dirs "$cur" ;;
	esac
}

complete -F _cryptfs cryptfs
