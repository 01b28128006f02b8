# SPDX-License-Identifier: Apache-2.0
"""The files of tools/house: the plan of the rooms, what is allowed for a reason, and what is too large for now."""

import collections
import os

FLOORS, ALLOWED, RATCHET = "tools/house.floors", "tools/house.allowed", "tools/house.ratchet"

# The kinds of lines in FLOORS: how many words they have at least, and whether they need a reason.
KINDS = {
    "floor": (1, False),
    "libraries": (0, False),
    "labelled": (1, False),
    "apart": (1, True),
    "umbrella": (1, True),
    "up": (2, True),
    "inside": (2, True),
    "within": (2, True),
    "circle": (2, True),
}

# what: the fault; instead: what to do about it.
Finding = collections.namedtuple("Finding", "path line what instead")


def is_inside(path, folder):
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def read(root, path):
    """Yields (line, words, reason) for each line of a data file; the reason is "" if there is none."""
    if not os.path.exists(os.path.join(root, path)):
        return
    with open(os.path.join(root, path), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words, _, reason = line.strip().partition(" -- ")
            words = words.partition("#")[0].split()
            if words:
                yield number, words, reason.strip()


class Plan:
    """tools/house.floors."""

    def __init__(self, root, report):
        self.floor = {}  # room -> number of its floor, from the top
        self.line = {}  # room -> where it is listed
        self.first_library_floor = 0  # the rooms from here down are libraries
        self.apart = []  # folders
        self.umbrellas = set()  # headers
        self.up = collections.defaultdict(set)  # room -> headers and rooms
        self.inside = collections.defaultdict(set)  # internal room -> rooms
        self.within = {}  # room -> the room whose library it is part of
        self.circles = {}  # frozenset of nodes -> where it is listed
        self.labelled = set()  # rooms
        self.permissions = {}  # (kind, word...) -> where it is listed
        self.used = set()  # of the permissions, those that permitted something: (kind, word...)
        floors = 0
        for number, (kind, *words), reason in read(root, FLOORS):
            words_min, needs_reason = KINDS.get(kind, (0, False))
            if kind not in KINDS or len(words) < words_min:
                report.add("plan", FLOORS, number, f"{kind} makes no line of the plan", f"write {', '.join(KINDS)}")
                continue
            if needs_reason and not reason:
                report.add("plan", FLOORS, number, f"{kind} {words[0]} without a reason", "write it behind ` -- `")
            if needs_reason and not reason:
                pass
            elif kind in ("apart", "umbrella", "labelled"):
                self.permissions.update(((kind, word), number) for word in words)
            elif kind in ("up", "inside", "within"):
                self.permissions.update(((kind, words[0], word), number) for word in words[1:])
            if kind == "floor":
                self.floor.update((room, floors) for room in words)
                self.line.update((room, number) for room in words)
                floors += 1
            elif kind == "libraries":
                self.first_library_floor = floors
            elif kind == "apart":
                self.apart += words
            elif kind == "umbrella":
                self.umbrellas.update(words)
            elif kind in ("up", "inside"):
                getattr(self, kind)[words[0]].update(words[1:])
            elif kind == "within":
                self.within[words[0]] = words[1]
            elif kind == "circle":
                # Names without a folder stand in that of the first.
                folder = os.path.dirname(words[0])
                self.circles[frozenset(word if "/" in word else f"{folder}/{word}" for word in words)] = number
            elif kind == "labelled":
                self.labelled.update(words)

    def is_apart(self, path):
        return any(is_inside(path, folder) for folder in self.apart)


class Report:
    """The findings, less what tools/house.allowed and tools/house.ratchet let pass."""

    def __init__(self, root):
        self.findings = []
        self._allowed = {}  # (kind, path) -> line
        self._ratchet = {}  # (kind, name) -> (line, number)
        self._used = set()
        for number, words, reason in read(root, ALLOWED):
            if len(words) != 2 or not reason:
                self.add("plan", ALLOWED, number, "not a permission", "write CHECK PATH -- REASON")
            else:
                self._allowed[tuple(words)] = number
        for number, words, _ in read(root, RATCHET):
            if len(words) != 3 or not words[2].isdecimal():
                self.add("plan", RATCHET, number, "not a size", "write CHECK NAME NUMBER")
            else:
                self._ratchet[tuple(words[:2])] = (number, int(words[2]))

    def add(self, kind, path, line, what, instead):
        for key in self._allowed:
            if key[0] == kind and (key[1] == path or key[1].endswith("/") and path.startswith(key[1])):
                self._used.add(key)
                return
        self.findings.append(Finding(path, line, what, instead))

    def measure(self, kind, name, number, limit, findings):
        """`name` measures `number`; over the limit, and over what the ratchet has, these are the findings."""
        line, recorded = self._ratchet.get((kind, name), (0, limit))
        self._used.add((kind, name))
        if number > recorded:
            grown = f" (tools/house.ratchet has {recorded})" if line else ""
            for finding in findings:
                self.add(kind, finding.path, finding.line, finding.what + grown, finding.instead)
        elif line and number <= limit:
            self.add("plan", RATCHET, line, f"{kind} {name} is {number}: no exception any more", "take the line out")
        elif line and number < recorded:
            self.add("plan", RATCHET, line, f"{kind} {name} is now {number}", "write that")

    def close(self):
        """After all checks: what was let pass in vain is a finding too."""
        for (kind, name), line in self._allowed.items():
            if (kind, name) not in self._used:
                self.add("plan", ALLOWED, line, f"{kind} {name} allows nothing any more", "take the line out")
        for (kind, name), (line, _) in self._ratchet.items():
            if (kind, name) not in self._used:
                self.add("plan", RATCHET, line, f"{kind} {name} is not there any more", "take the line out")
        self.findings.sort()
        return self.findings
