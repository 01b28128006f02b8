# SPDX-License-Identifier: Apache-2.0
"""The files of the tree that tools/house looks at, and what is in them. Each is read once."""

import ast
import bisect
import functools
import os
import re
import subprocess

import cpp_outline

_DATA = re.compile(r"\.(?:json|list)$|(?<!CMakeLists)\.txt$|^LICENSE$")
_LAMBDA = re.compile(r"[={(]\s*\[[^\]]*\]\s*[({<]")
_NO_CODE = (".md", ".gitignore", ".clang-format")


def is_test(path):
    return path.endswith(("_test.cc", "_test.h"))


def stem(path):
    """A header and its source are one node."""
    return os.path.splitext(path)[0]


def _doc_lines(node):
    return len((ast.get_docstring(node, clean=False) or "").splitlines())


def _known_to_git(root):
    """What git tracks, or would if asked to; nothing if this is a copy without git."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        return set()
    return {path for path in listed.split("\0") if os.path.isfile(os.path.join(root, path))}


def _on_disk(root):
    found = set()
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name != ".git" and not name.startswith("bazel-")]
        found.update(os.path.relpath(os.path.join(folder, name), root) for name in files)
    return found


class Tree:
    """The files, by their paths from the root."""

    def __init__(self, root, plan):
        self.root = root
        self.files = sorted(_known_to_git(root) or _on_disk(root))
        self.texts = [path for path in self.files if not _DATA.search(path)]
        self.cpp = [path for path in self.files if path.endswith((".cc", ".h"))]
        self.sources = [path for path in self.cpp if not is_test(path)]
        self.headers = {path for path in self.cpp if path.endswith(".h")}
        self.rooms = {}  # room -> its C++ files
        for path in self.cpp:
            if not plan.is_apart(path):
                self.rooms.setdefault(os.path.dirname(path), []).append(path)

    @staticmethod
    def is_code(path):
        return not path.endswith(_NO_CODE)

    @functools.lru_cache(None)
    def text(self, path):
        """Empty if there is no such file."""
        if path not in self.files:
            return ""
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            return file.read()

    @functools.lru_cache(None)
    def _split(self, path):
        return cpp_outline.split(self.text(path))

    def code(self, path):
        """Of a C++ file: comments, strings and directives are blank."""
        return self._split(path)[0]

    def code_with_macros(self, path):
        """The same with directives."""
        return self._split(path)[1]

    @functools.lru_cache(None)
    def outline(self, path):
        return cpp_outline.outline(self.code(path))

    @functools.lru_cache(None)
    def _line_ends(self, path):
        return [match.start() for match in re.finditer("\n", self.text(path))]

    def line(self, path, offset):
        return bisect.bisect_left(self._line_ends(path), offset) + 1

    @functools.lru_cache(None)
    def all_includes(self, path):
        """[(line, name)]; what stands in a comment or a string is none."""
        found = []
        for match in re.finditer(r"^[ \t]*#[ \t]*include\b[ \t]*", self.code_with_macros(path), re.MULTILINE):
            if name := re.compile(r'"([^"\n]+)"|<([^>\n]+)>').match(self.text(path), match.end()):
                found.append((self.line(path, match.start()), name[1] or name[2]))
        return found

    def _is_quoted(self, path, line):
        return '"' in self.text(path).split("\n")[line - 1]

    @functools.lru_cache(None)
    def _ours(self, path):
        """[(line, name, header)]: what is included of ours, however it is called."""
        found = []
        for line, name in self.all_includes(path):
            plain, beside = os.path.normpath(name), os.path.normpath(os.path.join(os.path.dirname(path), name))
            if plain.startswith("detent/"):
                found.append((line, name, plain[len("detent/"):]))
            elif name.startswith((".", "/")) or {beside, plain} & self.headers:
                is_beside = beside in self.headers or name.startswith((".", "/"))
                found.append((line, name, beside if is_beside else plain))
        return found

    @functools.lru_cache(None)
    def includes(self, path):
        """[(line, header)] of ours."""
        return [(line, header) for line, _, header in self._ours(path)]

    def odd_includes(self, path):
        """[(line, name)] of ours that are not included as "detent/..."."""
        return [(line, name) for line, name, header in self._ours(path)
                if name != "detent/" + header or not self._is_quoted(path, line)]

    @functools.lru_cache(None)
    def python(self, path):
        """Of Python, or Starlark, which is Python to a parser: its syntax; a line if it has none; None for the rest."""
        if not path.endswith((".py", ".bzl")) and not self.text(path).startswith("#!/usr/bin/env python3"):
            return None
        try:
            return ast.parse(self.text(path))
        except SyntaxError as error:
            return error.lineno or 1

    def functions(self, path):
        """{name: (line, length)} in C++, Python, Starlark and bash; without doc strings."""
        syntax = self.python(path)
        found = []
        if path in self.cpp:
            found = [(f"{item.scope[-1]}::{item.name}" if item.in_class else item.name, item.line,
                      item.last_line - item.line + 1) for item in self.outline(path)[0] if item.kind == "function" or
                     item.kind == "variable" and _LAMBDA.search(item.head)]
        elif isinstance(syntax, ast.AST):
            found = [(node.name, node.lineno, node.end_lineno - node.lineno + 1 - _doc_lines(node))
                     for node in ast.walk(syntax) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        elif re.match(r"#!.*\bsh\b|#!.*\bbash\b", self.text(path)) or path.endswith(".sh"):
            found = [(match[1], self.line(path, match.start()), match[0].count("\n") + 1) for match in re.finditer(
                r"^(?:function )?([\w-]+) ?(?:\(\))? ?\n?[{(]\n.*?^[})]", self.text(path), re.MULTILINE | re.DOTALL)]
        return {name: (line, length) for name, line, length in sorted(found, key=lambda function: function[2])}

    def prose(self, path):
        """[(line, text)] of the comments and doc strings of a file, or of all lines of a page."""
        if path in self.cpp:
            return [(self.line(path, offset), text) for offset, text in self._split(path)[2]]
        lines = list(enumerate(self.text(path).split("\n"), 1))
        if path.endswith(".md"):
            return lines
        found, syntax = [(number, line.partition("#")[2]) for number, line in lines], self.python(path)
        for node in ast.walk(syntax) if isinstance(syntax, ast.AST) else ():
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and _doc_lines(node):
                found += lines[node.body[0].lineno - 1:node.body[0].end_lineno]
        return found
