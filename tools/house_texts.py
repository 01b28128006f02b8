# SPDX-License-Identifier: Apache-2.0
"""What every file has: the part of tools/house that reads text."""

import collections
import os
import re

from house_plan import ALLOWED, Finding
from house_tree import is_test

LINES_MAX, FUNCTION_MAX, COLUMNS_MAX = 400, 70, 120
AWAITABLE = re.compile(r"\bCoro<[^;{}()]*>\s+\w+\(|\bawait_ready\b|\boperator\s+co_await\b")
# A letter and a number is a rule behind "rule" or "rules", alone in parentheses, or at the beginning of a comment. Else
# it may be a register, or a workload of bench/.
_LIST = r"[RIW]\d+(?:(?:, and|, or|,| and| or| to) [RIW]\d+)*\b"
CITATION = re.compile(rf"\b[Rr]ules? {_LIST}|(?<=\(){_LIST}(?=\))|^(?:// ?| ?){_LIST}(?=[.:,](?:\s|$)|$)")
LINK = r"\]\(\s*([^)\s]+)(?:\s+[\"'(][^\n]*?)?\s*\)|^ {0,3}\[[^\]\n]+\]:\s*(\S+)"
LABELS = ("Suspension", "Cancellation", "Threads")
LICENCE = "SPDX-License-Identifier: Apache-2.0"
RULES, BEHAVIOURS = "rules/README.md", "docs/asyncio-behaviours.md"


def is_header(path):
    return path.endswith(".h")


def check_first_lines(tree, plan, report):
    """The licence, and a header guard that is the path."""
    for path in tree.texts:
        first = tree.text(path).split("\n", 2)[:2]
        if tree.is_code(path) and LICENCE not in first[first[0].startswith("#!")]:
            report.add("licence", path, 1, "no SPDX line", f"begin with a comment {LICENCE}")
        if is_header(path) and not plan.is_apart(path):
            guard = "DETENT_" + re.sub(r"\W", "_", path).upper() + "_"
            match = re.search(r"^#ifndef (\w+)\n#define (\w+)$", tree.text(path), re.MULTILINE)
            if match is None or {*match.groups()} != {guard}:
                report.add("guard", path, tree.line(path, match.start()) if match else 1, "no guard that is its path",
                           f"write #ifndef {guard} and #define {guard}")


def check_labels(tree, plan, report):
    """Whoever awaits something reads how it waits, in the first comment of its header."""
    for path in filter(is_header, tree.sources):
        room = os.path.dirname(path)
        is_public = re.match("(?:runtime|sim)\\b", room) and os.path.basename(room) != "internal"
        if path in plan.umbrellas and room in plan.labelled:
            plan.used.add(("umbrella", path))
        elif room in plan.labelled or is_public and AWAITABLE.search(tree.code(path)):
            comment = tree.text(path).partition("#ifndef")[0]
            labels = " ".join(re.findall(r"^// ([A-Z]\w+(?:, \w+)*)\. +\S", comment, re.MULTILINE)).lower()
            missing = [label + "." for label in LABELS if label.lower() not in labels]
            if missing:
                report.add("labels", path, 1, f"its first comment has no paragraph {' '.join(missing)}",
                           f"write `// {missing[0]}  What holds.`, or in {ALLOWED} why there is nothing to await")


def check_sizes(tree, plan, report):
    """Files, functions and lines that one can take in."""
    for path in tree.texts:
        if not tree.is_code(path) or plan.is_apart(path):
            continue
        if isinstance(line := tree.python(path), int):
            report.add("syntax", path, line, "no Python that can be parsed", "mend its syntax")
        lines = tree.text(path).splitlines()
        too_long = Finding(path, len(lines), f"{len(lines)} lines, over {LINES_MAX}", "make it two files")
        report.measure("lines", path, len(lines), LINES_MAX, [too_long])
        wide = [Finding(path, number, f"{len(line)} columns, over {COLUMNS_MAX}", "break the line")
                for number, line in enumerate(lines, 1) if len(line) > COLUMNS_MAX]
        report.measure("columns", path, len(wide), 0, wide)
        for name, (first, length) in tree.functions(path).items():
            too_long = Finding(path, first, f"{name} has {length} lines, over {FUNCTION_MAX}", "give a part a name")
            report.measure("function", f"{path}:{name}", length, FUNCTION_MAX, [too_long])


def _defined(tree, path, pattern, report, instead):
    found = set(re.findall(pattern, tree.text(path), re.MULTILINE))
    if not found:
        report.add("page", path, 1, "no such page, or nothing in it", instead)
    return found


def check_citations(tree, _, report):
    """The rules that comments and pages cite, and the behaviours that tests cite, exist."""
    rules = _defined(tree, RULES, r"^(?:\*\*|#+ )([RIW]\d+)\b", report, "begin a line with each rule: **R4. ...**")
    numbers = _defined(tree, BEHAVIOURS, r"^\| `?([a-z]+-\d\d)`? \|", report, "give each a row: | tg-15 | ...")
    families = "|".join({number.partition("-")[0] for number in numbers})
    for path in tree.texts:
        for line, text in tree.prose(path):
            cited = {rule for found in CITATION.findall(text) for rule in re.findall(r"[RIW]\d+", found)}
            for rule in sorted(cited - rules) if rules else ():
                report.add("rule", path, line, f"{RULES} has no {rule}", "write it there, or cite another")
            # In a comment about something else, utf-16 is none.
            cited = re.findall(rf"^// [a-z]+-\d\d\b|\b(?:{families})-\d\d\b", text) if numbers and is_test(path) else ()
            for number in {number.lstrip("/ ") for number in cited} - numbers:
                report.add("behaviour", path, line, f"{BEHAVIOURS} has no {number}", "write its row, or cite another")


def _blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def _anchors(tree, path):
    """What can stand behind the # of a link to a page: its headings as GitHub spells them, and its ids."""
    found = collections.Counter()
    text = re.sub(r"^```.*?^```", _blank, tree.text(path), flags=re.DOTALL | re.MULTILINE)
    for heading in re.findall(r"^#+ +(.*?)[ #]*$", text, re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        found[slug] += 1
        if found[slug] > 1:
            found[f"{slug}-{found[slug] - 1}"] += 1
    return {*found, *re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text)}


def check_links(tree, _, report):
    """Links in pages lead to files, and to headings in them."""
    for path in tree.texts:
        if path.endswith(".md"):
            text = re.sub(r"```.*?```|`[^`\n]*`", _blank, tree.text(path), flags=re.DOTALL)
            for match in re.finditer(LINK, text, re.MULTILINE):
                target, _, anchor = (match[1] or match[2]).strip("<>").partition("#")
                if ":" in target:
                    continue
                page = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
                said = None
                if not os.path.exists(os.path.join(tree.root, page)):
                    said = f"no file {target}"
                elif anchor and page.endswith(".md") and anchor not in _anchors(tree, page):
                    said = f"{page} has no heading #{anchor}"
                if said:
                    report.add("link", path, tree.line(path, match.start()), said, "correct the link")
