# SPDX-License-Identifier: Apache-2.0
"""What no file has, each with what to use instead: the part of tools/house that bans."""

import collections
import re

from house_plan import is_inside
from house_tree import is_test

# kind: what tools/house.allowed calls it. where: which paths. on: "text", "code" without comments and strings but with
# macros, or "include", the name alone. what: what is wrong with the text that matches, or with its group.
Ban = collections.namedtuple("Ban", "kind where on pattern what instead")


def is_any(_):
    return True


def is_cpp(path):
    return path.endswith((".cc", ".h"))


def is_header(path):
    return path.endswith(".h")


def is_on_tape(path):
    """Whether all chance in it must come from the tape (rule R2)."""
    free = ("runtime/epoll", "bench", "examples", "rules")
    return is_cpp(path) and not is_test(path) and not any(is_inside(path, folder) for folder in free)


def is_library(path):
    return is_on_tape(path) and any(is_inside(path, folder) for folder in ("runtime", "sim", "testing"))


# What stands before a call of a free function, which neither a declaration nor a member has.
_CALL = r"(?:^|[;{}(,=!<?+%|\[/-]|&&|(?<!:):(?!:)|\breturn\b|\bco_return\b)\s*"
_POINTER = r"(?:(?:const|struct|class)\s+)*[\w:]+(?:<(?:[^<>]|<[^<>]*>)*>)?(?:\s+const)?\s*\*"
_CHANCE = ("is a second source of chance", "draw from RandomGenerator with a seed of the run, or ask Choose()")
_CLOCK = ("is a clock that no run controls", "ask the loop: EventLoop::Time() or WallTime()")
_SLEEP = ("sleeps in a time that no run controls", "co_await Sleep()")
_ADDRESS = ("is in the order of addresses", "key it by an id or an ordinal, which are the same in every run")
_SYSTEM = ("is the system's", "do it in runtime/epoll/, behind an interface in runtime/io/internal/")

BANS = (
    Ban("random", is_on_tape, "code",
        r"\bstd::(?:random_device|mt19937\w*|minstd_rand0?|ranlux\w+|knuth_b|\w+_engine|\w+_distribution|sample|shuffle"
        r"|random_shuffle|s?rand)\b|\babsl::(?:\w*BitGen\w*|Uniform|Bernoulli|Beta|Exponential|Gaussian|LogUniform"
        r"|Poisson|Zipf|\w*SeedSeq|\w+_distribution)\b|\barc4random\w*|\bgetrandom\b|\bgetentropy\b", *_CHANCE),
    Ban("random", is_on_tape, "code", _CALL + r"((?:::)?(?:s?rand|s?random|rand_r|[delmnj]rand48)\s*)\(", *_CHANCE),
    Ban("clock", is_on_tape, "code",
        r"\babsl::(?:Now|GetCurrentTimeNanos)\b|\b(?:system|steady|high_resolution|utc|tai|gps|file)_clock\b"
        r"|\bchrono::\w+_clock\b|\b(?:clock_gettime|gettimeofday|timespec_get)\b|\bstd::(?:time|clock)\b", *_CLOCK),
    Ban("clock", is_on_tape, "code",
        _CALL + r"((?:::)?(?:time\s*\((?:nullptr|NULL|0|&\w+)|clock\s*\()\s*\))", *_CLOCK),
    Ban("clock", is_on_tape, "code",
        r"\babsl::SleepFor\b|\bsleep_(?:for|until)\b|\b(?:nano|u|clock_nano)sleep\b", *_SLEEP),
    Ban("hash", is_on_tape, "code",
        r"(?:\bunordered_(?:multi)?(?:map|set)|\b(?:flat|node)_hash_(?:map|set)|\bstd::(?:multi)?map"
        rf"|\bbtree_(?:multi)?map|\bstd::(?:less|greater|hash))\s*<\s*(?:{_POINTER}"
        r"|std::(?:shared|unique)_ptr<|std::(?:pair|tuple)<[^<>]*\*)", *_ADDRESS),
    # With an order of its own it may be anything.
    Ban("hash", is_on_tape, "code",
        rf"(?:\bstd::(?:multi)?set|\bbtree_(?:multi)?set|\bpriority_queue)\s*<\s*(?:{_POINTER}(?=\s*>)"
        r"|std::(?:pair|tuple)<[^<>]*\*(?=[^<>]*>\s*>))", *_ADDRESS),
    Ban("hash", is_on_tape, "code", r"std::hash\b|absl::Hash(?:Of)?\b",
        "differs between libraries and processes", "use sim::Fingerprint"),
    Ban("random", is_on_tape, "include", r"random|absl/random/.*", *_CHANCE),
    Ban("clock", is_library, "include", r"chrono|ctime", *_CLOCK),
    Ban("system", is_library, "include",
        r"(?!\.|/|(?:detent|absl|gtest|gmock|runtime|sim|testing)/|cxxabi\.h).*\.h"
        r"|csignal|thread|filesystem|stop_token",
        *_SYSTEM),
    Ban("flag", is_cpp, "code", r"::testing::GTEST_FLAG\b",
        "is another type where GoogleTest uses Abseil", "use GTEST_FLAG_GET() and GTEST_FLAG_SET()"),
    Ban("guard", is_cpp, "text", r"^\s*#\s*pragma once\b",
        "takes one header with two paths for two", "use a header guard"),
    Ban("using", is_header, "code", r"\busing\s+namespace\b[^;]*",
        "in a header changes what names mean to others", "name what is used"),
    Ban("word", is_any, "text", r"\b(?:TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b",
        "is a note to oneself", "do it, or say in a sentence what is missing"),
    Ban("issue", is_any, "text", r"\b[Ii]ssue #?\d+|\b[Ii]ssues #\d+",
        "leads nowhere from here", "say what it was about"),
    Ban("path", is_any, "text", r"(?<![\w.~])(?<!GET )(?<!HEAD )(?<!POST )(?<!PUT )/(?:work|home)/\S*",
        "is a path of one machine", "write it relative to the checkout"),
)


def _matches(tree, ban, path):
    """[(line, what)]"""
    if ban.on == "include":
        return [(line, name) for line, name in tree.all_includes(path) if re.fullmatch(ban.pattern, name)]
    text = tree.code_with_macros(path) if ban.on == "code" else tree.text(path)
    return [(tree.line(path, match.end()), (match[1] if match.re.groups else match[0]).strip())
            for match in re.finditer(ban.pattern, text, re.MULTILINE)]


def _is_in_function(tree, path, line):
    return any(item.kind == "function" and item.line <= line <= item.last_line for item in tree.outline(path)[0])


def check_bans(tree, _, report):
    """Rule R2's second sources of chance, the system's headers, and what says nothing to a reader."""
    for ban in BANS:
        for path in filter(ban.where, tree.texts):
            for line, what in _matches(tree, ban, path):
                if ban.kind != "using" or not _is_in_function(tree, path, line):
                    report.add(ban.kind, path, line, f"{what} {ban.what}", ban.instead)
