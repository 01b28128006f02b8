# SPDX-License-Identifier: Apache-2.0
"""What tools/house wants to know of a C++ file, without a compiler: comments, code, and what stands at which level.

It knows as much of C++ as clang-format leaves: braces, parentheses, what stands before them. Macros are not expanded.
"""

import bisect
import collections
import re

# kind: "class", "function" (with its body), "declaration" or "variable". name: as written, `LoopCore::Forget`. scope:
# the names of the namespaces and classes around it ("" for an unnamed one). in_class: whether the innermost is a class.
Item = collections.namedtuple("Item", "kind name scope in_class head line last_line")

_NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|\bR"(?P<mark>\w*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.[^\']*|[^\'\\\n])\'',
    re.DOTALL,
)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*", re.MULTILINE | re.DOTALL)
_BLANK = re.compile(r"\s*(?:(?:public|private|protected)\s*:(?!:)\s*)?")
_PREFIX = re.compile(
    r"\s*(?:(?:public|private|protected)\s*:(?!:)|template\s*(?=<)|[A-Z][A-Z0-9_]+\([^()]*\)\s*(?=\w))\s*"
)
_TOKEN = re.compile(r"[{}();]")
_ATTRIBUTES = re.compile(
    r"\[\[[^\]]*\]\]|\brequires\s*(?:\([^()]*\)\s*)?\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|"
    r"\b(?:decltype|explicit|alignas|requires|__attribute__)\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
)
_CLASS = re.compile(
    r"(?:requires\b[^()=]*?\s)?(?:class|struct|union)\s+(\w+(?:::\w+)*)[^()=]*?(?:\bfinal\s*)?(?::(?!:).*)?$",
    re.DOTALL)
_NAMESPACE = re.compile(r"(?:inline\s+)?namespace\b\s*([\w:]*)\s*$")
_OWNERS = r"(?:\w+(?:<(?:[^()<>]|<(?:[^()<>]|<[^()<>]*>)*>)*>)?::)*"  # `Queue<T>::` of `Coro<T> Queue<T>::Get`.
_OPERATOR = re.compile(rf"({_OWNERS}operator\s*(?:\(\)|[^\w\s(]+|\w[\w:<>&* ]*))\s*\(")
_CHAIN = re.compile(rf"({_OWNERS}~?\w+)\s*$")
_INITIALISER = re.compile(r"\)[^:]*(?<!:):(?!:).*[\w>]\s*$", re.DOTALL)
_NOT_A_NAME = re.compile(r"(?:static_assert|noexcept|requires|throw|void|auto)$")
_NO_VARIABLE = re.compile(
    r"(?:using|typedef|friend|return|class|struct|union|enum|concept|requires|__extension__|namespace|template)\b")
_VARIABLE = re.compile(
    rf"[\w:][^(){{}}=]*[\w>*&\s]\s*(?<![\w:])({_OWNERS}\w+)\s*(?:\[[^\]]*\]\s*)*(?:[={{].*)?$", re.DOTALL)
_MACRO = re.compile(r"[A-Z][A-Z0-9_]+$")


def split(text):
    """Returns the code, with everything else blanked at the same offsets; the same with directives; and the comments.

    These as [(offset, text)].
    """
    comments = []

    def blank(match):
        found = match[0]
        if found.startswith("/"):
            comments.append((match.start(), found))
        blanked = re.sub(r"[^\n]", " ", found)
        return '"' + blanked[1:-1] + '"' if found.endswith('"') and len(found) > 1 and found[0] in '"R' else blanked

    code = _NOT_CODE.sub(blank, text)
    return _DIRECTIVE.sub(blank, code), code, comments


def _without_prefix(head):
    """Without access specifiers, `template <...>`, and macros that come before a declaration."""
    while match := _PREFIX.match(head):
        head = head[match.end():]
        if head.startswith("<"):
            depth = 0
            for at, character in enumerate(head):
                depth += (character == "<") - (character == ">" and head[at - 1] != "-")
                if depth == 0:
                    break
            head = head[at + 1:]
    return head.strip()


def function_name(head):
    """`LoopCore::Forget` of `void LoopCore::Forget(Runnable* runnable)`. None if this is no function.

    `TEST(LockTest, IsFair)` is LockTest.IsFair; other macros are no functions.
    """
    if "operator" in head and (match := _OPERATOR.search(head)):
        return re.sub(r"\s", "", match[1])
    depth = 0
    for at, character in enumerate(head):
        if character == "=" and depth == 0:
            return None
        if character == "(" and depth == 0:
            match = _CHAIN.search(head[:at])
            if match is None or _NOT_A_NAME.match(match[1]):
                return None
            if _MACRO.match(match[1]) and not head[:match.start()].strip():
                test = re.match(r"\((\w+),\s*(\w+)\)$", head[at:])
                return f"{test[1]}.{test[2]}" if test else None
            return re.sub(r"<[^()]*>|\s", "", match[1])
        depth += (character == "<") - (character == ">" and head[at - 1] != "-")
    return None


def variable_name(head):
    """`Tape::count_` of `int Tape::count_ = 0`. None if this is no variable."""
    match = None if _NO_VARIABLE.match(head) else _VARIABLE.match(head)
    return match and re.sub(r"<[^()]*>|\s", "", match[1])


def outline(code):
    """The classes, functions and declarations of a file outside of function bodies, and whether its braces match."""
    items = []
    scopes = []  # (kind, name)
    start = parentheses = inner = 0
    function = None  # What the body that inner counts belongs to; None for an initialiser.
    line_ends = [match.start() for match in re.finditer(r"\n", code)]

    def add(kind, name, head, last):
        first, last = (bisect.bisect(line_ends, at) + 1 for at in (_BLANK.match(code, start).end(), last))
        items.append(Item(kind, name, tuple(n for _, n in scopes), bool(scopes) and scopes[-1][0] == "class", head,
                          first, last))

    for token in _TOKEN.finditer(code):
        character, at = token[0], token.start()
        if inner:
            inner += (character == "{") - (character == "}")
            if inner == 0 and function is not None:
                if function[0] != "catch":  # Of a function that is a try block.
                    add("function", *function, at)
                start = at + 1
        elif character in "()":
            parentheses += 1 if character == "(" else -1
        elif character == ";" and parentheses == 0:
            head = _ATTRIBUTES.sub(" ", _without_prefix(code[start:at]))
            if name := function_name(head):
                add("declaration", name, head, at)
            elif name := variable_name(head):
                add("variable", name, head, at)
            start = at + 1
        elif character == "}":
            if not scopes:
                return items, False
            scopes.pop()
            start = at + 1
        elif character == "{":
            head = _ATTRIBUTES.sub(" ", _without_prefix(code[start:at])).strip()
            function = None
            if parentheses == 0 and (match := _NAMESPACE.match(head) or re.match(r'extern\s*(")', head + "$")):
                scopes.append(("namespace", match[1].strip()))
                start = at + 1
            elif parentheses == 0 and (match := _CLASS.match(head)):
                add("class", match[1], head, at)
                scopes.append(("class", match[1]))
                start = at + 1
            else:
                inner = 1
                name = function_name(head)
                if parentheses == 0 and name and not _INITIALISER.search(head):
                    function = (name, head)
    return items, not scopes and not inner
