# SPDX-License-Identifier: Apache-2.0
"""Which file includes which, what stands where, and a drawing of it: the part of tools/house that knows rooms."""

import collections
import os
import re

from house_plan import FLOORS, Finding, is_inside
from house_tree import is_test, stem


def check_floors(tree, plan, report):
    """Every #include of ours goes down, and into nobody's internal/."""
    for room, files in tree.rooms.items():
        if room not in plan.floor:
            report.add("floor", files[0], 1, f"{room}/ is no room yet", f"add it to its floor in {FLOORS}")
    for room, line in plan.line.items():
        if room not in tree.rooms:
            report.add("floor", FLOORS, line, f"{room}/ has no C++ file", "take it out")
    for path in tree.sources:
        for line, header in tree.includes(path):
            _check_include(tree, plan, report, path, line, header)
        for line, name in tree.odd_includes(path):
            report.add("floor", path, line, f'"{name}" is a header of ours', 'include it as "detent/..."')
    for path in tree.cpp:
        for line, header in tree.includes(path):
            if header not in tree.headers:
                report.add("floor", path, line, f"there is no {header}", "correct the name, or write it")


def _rooms_of(tree, plan, header, seen=()):
    """The rooms into which an #include of it leads at once: its own, and if it is an umbrella, those below that."""
    found = {os.path.dirname(header)}
    if header in plan.umbrellas and header not in seen:
        for _, below in tree.includes(header):
            found |= _rooms_of(tree, plan, below, (*seen, header))
    return found


def _check_include(tree, plan, report, path, line, header):
    here, there = os.path.dirname(path), os.path.dirname(header)
    if is_test(header):
        report.add("floor", path, line, f"{header} is of tests", "move what is needed into a header that is not")
    owner, _, name = there.rpartition("/")
    if name == "internal" and here not in (owner, there):
        users = [user for user in plan.inside[there] if is_inside(here, user)]
        plan.used.update(("inside", there, user) for user in users)
        if not users:
            report.add("internal", path, line, f"{here}/ includes {header}, which is internal to {owner}/",
                       f"use what {owner}/ offers, or write an `inside` line with its reason in {FLOORS}")
    for room in _rooms_of(tree, plan, header) - {here}:
        if here not in plan.floor or plan.floor.get(room, len(plan.line) + 1) > plan.floor[here]:
            continue
        if path in plan.umbrellas:
            plan.used.add(("umbrella", path))
        elif permits := {header, room} & plan.up[here]:
            plan.used.update(("up", here, permit) for permit in permits)
        else:
            where = "up" if plan.floor[room] < plan.floor[here] else "to the side"
            through = "" if room == there else f", and so {room}/"
            report.add("floor", path, line, f"an arrow {where}: {here}/ includes {header}{through}",
                       f"move down what both need, or write an `up` line with its reason in {FLOORS}")


def circles(tree):
    """The sets of files that reach each other by #include; a header and its source are one."""
    arrows = collections.defaultdict(set)
    for path in tree.sources:
        arrows[stem(path)].update(stem(header) for _, header in tree.includes(path) if stem(header) != stem(path))
    order, lowest, stack, found = {}, {}, [], []

    def visit(node):  # Tarjan, 1972.
        order[node] = lowest[node] = len(order)
        stack.append(node)
        for target in sorted(arrows.get(node, ())):
            if target not in order:
                visit(target)
            if target in stack:
                lowest[node] = min(lowest[node], lowest[target])
        if lowest[node] == order[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(frozenset(stack[at:]))
            del stack[at:]

    for node in sorted(arrows):
        if node not in order:
            visit(node)
    return found


def check_circles(tree, plan, report):
    """No circle of files but those that are listed."""
    found = circles(tree)
    for circle in found:
        if circle in plan.circles:
            continue
        path, line = next((path, line) for path in tree.sources if stem(path) in circle
                          for line, header in tree.includes(path) if stem(header) in circle - {stem(path)})
        report.add("circle", path, line, f"a circle of {len(circle)} files: {' '.join(sorted(circle))}",
                   f"let them point one way, or write a `circle` line with its reason in {FLOORS}")
    for circle, line in plan.circles.items():
        if circle not in found:
            report.add("circle", FLOORS, line, "there is no circle of just these files", "take the line out")


def check_definitions(tree, plan, report):
    """What x.h declares is defined in x.h or x.cc."""
    classes = collections.defaultdict(set)  # class -> the files, without suffix, that have its body
    functions = {}  # function of a namespace -> the header, without suffix, that declares it
    for path in tree.cpp:
        items, is_whole = tree.outline(path)
        if not is_whole:
            report.add("outline", path, 1, "its braces do not match", "mend tools/cpp_outline.py, or write it plainer")
        for item in items:
            if item.kind == "class":
                classes[_qualified(item)].add(stem(path))
            elif item.kind == "declaration" and not item.in_class and path.endswith(".h"):
                functions.setdefault(_qualified(item), set()).add(stem(path))
    for path in tree.sources:
        if not plan.is_apart(path):
            away = [Finding(path, item.line, *said) for item in tree.outline(path)[0]
                    if not item.in_class and _is_definition(item)
                    for said in _away(tree, classes, functions, path, item)]
            report.measure("away", path, len(away), 0, away)


def _is_definition(item):
    is_default = item.kind == "declaration" and "::" in item.name and re.search(r"=\s*default$", item.head)
    return item.kind in ("function", "variable") or is_default


def check_permissions(tree, plan, report):
    """After the others: what tools/house.floors permits is there."""
    for permission, line in plan.permissions.items():
        if permission[0] == "apart":
            is_used = any(is_inside(path, permission[1]) for path in tree.files)
        elif permission[0] in ("within", "labelled"):
            is_used = permission[1] in tree.rooms
        else:
            is_used = permission in plan.used
        if not is_used:
            report.add("plan", FLOORS, line, f"{' '.join(permission)} permits nothing any more", "take it out")


def _qualified(item):
    return "::".join([part for part in item.scope if part] + [item.name])


def _away(tree, classes, functions, path, item):
    """What is wrong with the place of a definition, and what to do: at most one pair."""
    what = item.name if item.kind == "variable" else item.name + "()"
    home = None
    places = _home_of_class(classes, item)
    if places:
        home = None if stem(path) in places else min(places)
    elif path.endswith(".h"):
        # Overloads may stand in several rooms.
        places = functions.get(_qualified(item), ()) if item.kind == "function" else ()
        if places and os.path.dirname(path) not in map(os.path.dirname, places):
            home = min(places)
        elif item.kind == "variable" and _is_linked(item) and not re.search(r"\binline\b", item.head):
            yield f"{what} is one for each file that includes this", "write inline, const or constexpr"
    elif _is_linked(item):
        if item.name.rpartition("::")[2] in _declared(tree, stem(path) + ".h"):
            return
        home = min(functions.get(_qualified(item), ()), default=None)
        if home is None:
            yield f"no header declares {what}", "put it into an unnamed namespace"
    if home:
        yield f"{what} is declared in {home}.h", f"define it there or in {home}.cc"


def _home_of_class(classes, item):
    """Where the class of `LoopCore::Forget` has its body; nowhere if that is a function of a namespace."""
    owner = item.name.rpartition("::")[0]
    scope = "::".join(part for part in item.scope if part).split("::")
    for end in range(len(scope), -1, -1):
        home = classes.get("::".join(scope[:end] + [owner]))
        if owner and home:
            return home
    return ()


def _is_linked(item):
    """Whether another file could use this, and the language does not ask for its name."""
    words = item.head[:item.head.rfind(item.name.rpartition("::")[2])]
    is_hidden = "" in item.scope or re.match(r"(?:(?:inline|constexpr|constinit|const|consteval)\s+)*static\b", words)
    if item.kind == "variable":
        words = re.sub(r"<(?:[^<>]|<[^<>]*>)*>", "", words)
        is_hidden = is_hidden or re.search(r"\bextern\b|\bconstexpr\b|\bconst\b[^*]*$", words)
    is_asked_for = '"' in item.scope or item.head.startswith('extern "') or "." in item.name
    return not is_hidden and not is_asked_for and not re.match(r"main$|LLVMFuzzer|operator(?:new|delete)", item.name)


def _declared(tree, header):
    if header not in tree.files:
        return ()
    return {item.name for item in tree.outline(header)[0]
            if item.kind != "class" and (not item.in_class or item.head.startswith("friend"))}


def draw(tree, plan):
    """Prints the rooms from top to bottom, what each includes, and what is not as it should be."""
    arrows, up = collections.defaultdict(collections.Counter), []

    def floor(room):
        return plan.floor.get(room, -1)

    def depth(room):
        return 1 + max((depth(below) for below in arrows[room] if floor(below) > floor(room)), default=0)

    for path in tree.sources:
        for line, header in tree.includes(path):
            here, there = os.path.dirname(path), os.path.dirname(header)
            if here in tree.rooms and there in tree.rooms and here != there:
                arrows[here][there] += 1
                if floor(there) <= floor(here) and path not in plan.umbrellas:
                    up.append(f"  {path}:{line} -> {header}")
    for room in sorted(tree.rooms, key=lambda room: (floor(room), room)):
        files = tree.rooms[room]
        lines = sum(tree.text(path).count("\n") for path in files)
        below = ", ".join(f"{there} {count}" for there, count in sorted(arrows[room].items()))
        print(f"{room + '/':21}{len(files):4} files{lines:7} lines  {'-> ' + below if below else ''}".rstrip())
    print(f"floors, by the longest way down: {max(map(depth, tree.rooms), default=0)}")
    print(f"arrows up or to the side: {len(up)}", *up, sep="\n")
    found = circles(tree)
    print(f"circles: {len(found)}", *(f"  {len(circle)}: {' '.join(sorted(circle))}" for circle in found), sep="\n")
