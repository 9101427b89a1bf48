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

_cryptfs_options()
{
	case $1 in
	init)	echo "--passfile --extpass --kdf-time --kdf-memory --shared --hide-sizes --label --quiet --help" ;;
	mount)	echo "--passfile --extpass --foreground --read-only --allow-other --shared --debug --no-sandbox --quiet --help -f -o -r" ;;
	umount)	echo "--lazy --help" ;;
	ls)	echo "--long --recursive --print0 --json --passfile --extpass --no-sandbox --quiet --help -l -R" ;;
	cat)	echo "--salvage --output --passfile --extpass --no-sandbox --quiet --help" ;;
	export)	echo "--overwrite --salvage --privileged --passfile --extpass --no-sandbox --quiet --help" ;;
	check)	echo "--path --quick --repair --yes --jobs --json --passfile --extpass --no-sandbox --quiet --help -j" ;;
	info | status) echo "--json --help" ;;
	esac
}

_cryptfs()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]}
	COMPREPLY=()

	if ((COMP_CWORD == 1)); then
		_cryptfs_words "$cur" "init mount umount info ls cat export check status --help --version"
		return
	fi
	case $prev in
	--passfile | --output)
		compopt -o filenames
		_cryptfs_files "$cur"
		return ;;
	--kdf-time | --kdf-memory | --label | --path | --jobs | -j | --extpass)
		return ;;
	-o)
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
	esac
	case $verb in
	init | mount | info | ls | cat | export | check) _cryptfs_dirs "$cur" ;;
	umount)	((${#COMPREPLY[@]})) || _cryptfs_dirs "$cur" ;;
	esac
}

complete -F _cryptfs cryptfs
