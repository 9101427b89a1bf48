#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""options.py PROGRAM: do --help, the manual pages and the completions of three shells know the same verbs and options?

The verbs are those that the program's --help names. Each place is asked the way its reader does: pages as mandoc shows
them, bash's completion function with a command line that ends in "-", fish by 'complete -C', zsh's function with an
_arguments that prints what it is given. Prints a line of TAP for each verb and place."""

import os
import re
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z0-9][\w-]*")
COMMON = {"-h", "--help"}

BASH = r"""
compopt() { :; }
. completions/cryptfs.bash
COMP_WORDS=(cryptfs "$@")
COMP_CWORD=$#
_cryptfs cryptfs "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""

ZSH = r"""
setopt extended_glob
words=(cryptfs "$@") CURRENT=$(( $# + 1 ))
specs() {
	local spec
	for spec in "$@"; do
		[[ $spec == (\([^\)]#\))#(\*|)-*\[* ]] && print -r -- ${${${spec##(\([^\)]#\))}#\*}%%[=+\[:]*}
	done
}
_arguments() {
	if [[ $1 == -C ]]; then
		(( CURRENT == 2 )) && [[ $words[2] == -* ]] && specs "$@"
		shift words
		(( CURRENT-- ))
		line=("${(@)words}")
		(( CURRENT == 1 )) && state=verb || state=rest
		return 1
	fi
	specs "$@"
}
_describe() { print -rl -- ${(P)2%%:*} }
compadd() { print -rl -- "$@" }
emulate zsh -o extended_glob -c '. completions/_cryptfs'
"""

FISH = "source completions/cryptfs.fish; complete -C $argv[1]"


def run(*command):
    p = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=TOP,
                       check=False, timeout=60, env=dict(os.environ, HOME="/nonexistent", LC_ALL="C.UTF-8"))
    return p.stdout.decode(errors="replace")


def listed(text):
    """The words that a help lists, up to the last blank line but one."""
    return [m[1] for m in re.finditer(r"^  ([a-z]+) +\S", text, re.M) if m[1] not in ("cryptfs", "man")]


class Program:
    def __init__(self, path):
        self.path, self.shown = path, {}
        self.heads = listed(run(path, "--help"))
        self.verbs, self.two = [], {}
        for v in self.heads:
            text = self.help(v)
            if re.match(r"usage: cryptfs %s VERB " % v, text):
                self.two[v] = listed(text)
                self.verbs += ["%s %s" % (v, w) for w in self.two[v]]
            else:
                self.verbs.append(v)

    def help(self, verb):
        if verb not in self.shown:
            self.shown[verb] = run(self.path, *verb.split(), "--help")
        return self.shown[verb]

    def options(self, verb):
        found = set()
        for line in self.help(verb).splitlines():
            m = re.match(r" +(-[^\s,]+(?:, -[^\s,]+)*)(?: |$)", line)
            if m:
                found |= set(OPTION.findall(m[1]))
        return found


class Pages:
    def __init__(self):
        with open(os.path.join(TOP, "Makefile.am")) as f:
            self.links = dict(re.findall(r"^\t(cryptfs-[a-z-]+)=(cryptfs-[a-z]+)", f.read(), re.M))
        self.shown = {}

    def page(self, verb):
        name = "cryptfs-" + verb.replace(" ", "-")
        for name in name, self.links.get(name), "cryptfs-" + verb.split()[0]:
            if name and os.path.exists(os.path.join(TOP, "man/%s.1" % name)):
                return name
        return None

    def sections(self, page):
        """What is set off as a subsection of the description, by its title; and all of it as None."""
        if page not in self.shown:
            text = re.sub(".\x08", "", run("mandoc", "-Tascii", "-Owidth=1000", "man/%s.1" % page))
            parts = re.split(r"^   (\S.*)$|^\S.*$", text, flags=re.M)
            self.shown[page] = {None: text}
            for title, body in zip(parts[1::2], parts[2::2]):
                if title:
                    self.shown[page][title] = body
        return self.shown[page]

    def options(self, verb):
        page = self.page(verb)
        if not page:
            return None
        sections = self.sections(page)
        text = sections.get(verb) or sections.get(verb.split()[-1]) or sections[None]
        found = set()
        for m in re.finditer(r"^     (-.*?)(?: {2}.*)?$", text, re.M):
            found |= set(OPTION.findall(m[1]))
        return found


def bash(words):
    return {w for w in run("bash", "-c", BASH, "bash", *words).split("\n") if w}


def zsh(words):
    return {w for w in run("zsh", "-f", "-c", ZSH, "zsh", *words).split("\n") if w}


def fish(words):
    return {w.split("\t")[0] for w in run("fish", "-N", "-c", FISH, " ".join(["cryptfs"] + words)).split("\n") if w}


def options_of(shell, verb):
    return {o for o in shell(verb.split() + ["-"]) if o.startswith("-")}


number = 0


def tell(what, complaints):
    global number
    number += 1
    print("%sok %d - %s" % ("not " if complaints else "", number, what))
    for c in complaints:
        print("# " + c)
    sys.stdout.flush()


def skip(what, why):
    global number
    number += 1
    print("ok %d - %s # SKIP %s" % (number, what, why))


def differ(place, want, have):
    return ["%s is not in %s" % (o, place) for o in sorted(want - have)] + [
        "%s is in %s, and not in --help" % (o, place) for o in sorted(have - want)]


def shorts_apart(want, have):
    """A completion may leave out -q where it has --quiet, not what has no other name."""
    return {o for o in want if o.startswith("--") or o in have}


def compare_shell(name, shell, program):
    tell("%s: verbs" % name, differ(name, set(program.heads), {w for w in shell([""]) if w[0] != "-"}))
    top = {o for o in shell(["-"]) if o.startswith("--")}
    tell("%s: options without a verb" % name, differ(name, {"--help", "--version"}, top))
    for v, second in program.two.items():
        tell("%s: verbs of %s" % (name, v), differ(name, set(second), {w for w in shell([v, ""]) if w[0] != "-"}))
    for v in program.verbs:
        want, have = program.options(v), options_of(shell, v)
        lone = {o for o in want if re.search(r"^ +%s [A-Z]" % o, program.help(v), re.M)}
        tell("%s: options of %s" % (name, v), differ(name, shorts_apart(want, have) | lone, have))


def main():
    program, pages = Program(sys.argv[1]), Pages()
    tell("--help names verbs", [] if len(program.verbs) > 15 else ["only %s" % program.verbs])
    if shutil.which("mandoc"):
        listing = set(re.findall(r"^\.It Cm (.*)$", pages_source("cryptfs.1"), re.M))
        tell("cryptfs(1): verbs", differ("cryptfs(1)", set(program.heads), listing))
        for v in program.heads + program.verbs:
            tell("page of %s" % v, [] if pages.page(v) else ["there is neither cryptfs-%s.1 nor a link" % v])
        for v in program.verbs:
            have = pages.options(v)
            if have is not None:
                tell("page: options of %s" % v,
                     differ("%s(1)" % pages.page(v), program.options(v) - COMMON, have - COMMON))
    else:
        skip("pages", "mandoc is not installed")
    for name, shell in ("bash", bash), ("zsh", zsh), ("fish", fish):
        if shutil.which(name):
            compare_shell(name, shell, program)
        else:
            skip(name, "not installed")
    print("1..%d" % number)


def pages_source(name):
    with open(os.path.join(TOP, "man", name)) as f:
        return f.read()


main()
