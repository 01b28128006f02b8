# SPDX-License-Identifier: Apache-2.0
"""The same rooms, sources and arrows in Bazel and in CMake: the part of tools/house that reads build files."""

import os
import re

from house_tree import is_test

CMAKE = "CMakeLists.txt"


class CMake:
    """What CMakeLists.txt says of the libraries, by their names."""

    def __init__(self, tree):
        self.text = re.sub(r"#.*", lambda match: " " * len(match[0]), tree.text(CMAKE))
        self.folders = {}  # folder -> line
        self.rooms = {}  # library -> folders of its sources
        self.deps = {}  # library -> libraries
        self.sources = set()  # given one by one
        self.apart = {}  # source -> line
        lists = dict(re.findall(r"\bset\((\w+)\s+([^)]*)\)", self.text))
        for match in re.finditer(r"\bdetent_(library|umbrella)\((\w+)\s+([^)]*)\)", self.text):
            words = re.sub(r"\$\{(\w+)\}", lambda name: lists.get(name[1], ""), match[3]).split()
            self._add(tree, match[1], "detent_" + match[2], words, tree.line(CMAKE, match.start()))

    def _add(self, tree, kind, name, words, line):
        here, self.rooms[name], self.deps[name] = "DEPS" if kind == "umbrella" else "", set(), set()
        for word in words:
            if word in ("FOLDER", "APART", "SOURCES", "DEPS"):
                here = word
            elif here == "FOLDER":
                self.rooms[name].add(word)
                self.folders[word] = line
            elif here == "SOURCES":
                self.rooms[name].add(os.path.dirname(word))
                self.sources.add(word)
            elif here == "APART":
                self.apart[word] = line
            elif here == "DEPS":
                self.deps[name].add(word.replace("::", "_"))

    def reached(self, name, seen):
        """The rooms of a library and of what it depends on, and the libraries that are not ours."""
        seen.add(name)
        found = set(self.rooms.get(name, {name}))
        for dep in self.deps.get(name, set()) - seen:
            found |= self.reached(dep, seen)
        return found


def check_builds(tree, plan, report):
    """Each room is a library, in Bazel and in CMake, with all its sources and with what it depends on."""
    cmake = CMake(tree)
    for folder, line in cmake.folders.items():
        if folder not in tree.rooms:
            report.add("build", CMAKE, line, f"{folder} is no room", "take it out of FOLDER")
    for source, line in cmake.apart.items():
        if source not in cmake.sources:
            report.add("build", CMAKE, line, f"{source} is in no library", "name it in SOURCES of one")
    for room, files in tree.rooms.items():
        build = room + "/BUILD.bazel"
        _check_bazel(tree, report, build)
        if plan.floor.get(room, -1) < plan.first_library_floor or all(map(is_test, files)):
            continue
        name = os.path.basename(room)
        if build in tree.files and not re.search(rf'detent_library\(\s*name = "{name}"', tree.text(build)):
            report.add("build", build, 1, f"no library :{name}", f'write detent_library(name = "{name}", ...)')
        if room not in cmake.folders:
            report.add("build", CMAKE, 1, f"{room} is in no FOLDER", "write a detent_library() for it")
        else:
            _check_deps(tree, report, cmake, room)


def _check_bazel(tree, report, build):
    for pattern, what, instead in (
            (r"\bexclude\s*=", "exclude leaves a file out unseen", "write `apart`, or `if file not in (...)`"),
            (r"\bdefault_visibility\s*=\s*\[[^\]]*//visibility:public",
             "all of it is public unless it says otherwise",
             "make the package private, and public what others use")):
        for match in re.finditer(r"^(?!\s*#).*?" + pattern, tree.text(build), re.MULTILINE):
            report.add("build", build, tree.line(build, match.end()), what, instead)


def _check_deps(tree, report, cmake, room):
    """What the library of a room depends on in Bazel, of ours and of Abseil, it also depends on in CMake."""
    build = room + "/BUILD.bazel"
    for library in re.finditer(r"^detent_library\((.*?)^\)", tree.text(build), re.MULTILINE | re.DOTALL):
        name = "detent_" + re.search(r'name = "(\w+)"', library[1])[1]
        is_umbrella = name in cmake.rooms and not cmake.rooms[name]
        names = [name] if is_umbrella else [name for name, rooms in cmake.rooms.items() if room in rooms]
        reached = set().union(*(cmake.reached(name, set()) for name in names))
        deps = library[1].partition("deps = [")[2]
        wanted = [dep for dep in re.findall(r'"//([\w/]+)(?::\w+)?"', deps) if dep in tree.rooms]
        wanted += ["absl_" + (target or os.path.basename(package))
                   for package, target in re.findall(r'"@com_google_absl//([\w/]+)(?::(\w+))?"', deps)]
        for dep in wanted:
            if dep not in reached:
                called = dep.replace("absl_", "absl::")
                report.add("build", CMAKE, cmake.folders[room], f"{room} does not reach {called}, as in Bazel",
                           "name its library in DEPS")
