#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""As house_test.py: labels, sizes, citations, and what stands beside."""

import sys
import unittest

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from house_test_tree import SPDX, HouseTestCase, header, script, source


class HouseTextsTest(HouseTestCase):
    # 6: labels.

    def test_a_public_header_says_how_its_calls_wait(self):
        for label, old, new in [("Suspension", "Suspension. ", "Names. "),
                                ("Cancellation", "Cancellation, threads.", "Threads."),
                                ("Threads", "Cancellation, threads.", "Cancellation.")]:
            self.expect_changed("runtime/task.h", old, new,
                                f"runtime/task.h:1: its first comment has no paragraph {label}.; write "
                                f"`// {label}.  What holds.`, or in tools/house.allowed why there is nothing to await")

        self.expect_changed("runtime/task.h", "Suspension.    N", "Suspension. N")
        for path in ["sim/x.h", "runtime/epoll/x.h"]:
            self.expect({path: header(path, "Coro<int> Get();")},
                        f"{path}:1: its first comment has no paragraph Suspension. Cancellation. Threads.; write "
                        "`// Suspension.  What holds.`, or in tools/house.allowed why there is nothing to await")

    # 7: sizes.

    def test_sizes_have_a_limit(self):
        self.expect({"sim/x.cc": source(*["//"] * 400)}, "sim/x.cc:401: 401 lines, over 400; make it two files")
        self.expect({"sim/x.cc": source("//" + "=" * 119)}, "sim/x.cc:2: 121 columns, over 120; break the line")
        self.expect({"tools/x.bzl": script("#" + "=" * 120)}, "tools/x.bzl:2: 121 columns, over 120; break the line")
        self.expect({"sim/x.cc": source("namespace {", "struct S {", "  int f() {", *[""] * 69, "  }", "};", "}")},
                    "sim/x.cc:4: S::f has 71 lines, over 70; give a part a name")
        self.expect({"sim/x.cc": source("struct S {", "  S() : a{1}, b{2} {", *[""] * 69, "  }", "};")},
                    "sim/x.cc:3: S::S has 71 lines, over 70; give a part a name")
        self.expect({"sim/x.cc": source("namespace {", "DECLARE_FORMS(f)", "void f() {", *[""] * 69, "}", "}")},
                    "sim/x.cc:3: f has 72 lines, over 70; give a part a name")
        self.expect({"sim/x_test.cc": source("TEST(X, Y) {", *[""] * 69, "}"), "sim/x.h": header("sim/x.h")},
                    "sim/x_test.cc:2: X.Y has 71 lines, over 70; give a part a name")
        self.expect({"tools/x.py": script("def f():", *["    f()"] * 70)},
                    "tools/x.py:2: f has 71 lines, over 70; give a part a name")
        self.expect({"tools/x.py": script("async def f():", *["    f()"] * 70)},
                    "tools/x.py:2: f has 71 lines, over 70; give a part a name")
        self.expect({"tools/x": f"#!/bin/bash\n# {SPDX}\nf() {{\n" + "  f\n" * 69 + "}\n"},
                    "tools/x:3: f has 71 lines, over 70; give a part a name")
        for first, name in [("constexpr auto kF = [](int n) {", "kF"), ("void DOIT(int n) {", "DOIT"),
                            ("template <typename T> requires C<T> void f(T n) {", "f"),
                            ("template <typename T> void f(T n) requires C<T> {", "f"),
                            ("template <typename T> requires requires(T t) { t.x(); } void f(T n) {", "f")]:
            last = "};" if name == "kF" else "}"
            self.expect({"sim/x.cc": source("namespace {", first, *["  ++n;"] * 69, last, "}")},
                        f"sim/x.cc:3: {name} has 71 lines, over 70; give a part a name")
        lines = ["template <class T> requires C<T> class X {", "  int f() {", *[""] * 69, "  }", "};"]
        self.expect({"sim/x.cc": source(*lines)},
                    "sim/x.cc:3: X::f has 71 lines, over 70; give a part a name")
        self.expect({"sim/x.cc": source("namespace {", "const int kTable[] = {", *["    1,"] * 80, "};", "}")})
        self.expect({"tools/x.py": script("def f(:")}, "tools/x.py:2: no Python that can be parsed; mend its syntax")
        self.expect({"tools/x.py": script("def f():", '    """', *["    Text."] * 70, '    """')})
        self.expect({"bench/peers/x.cc": source("//" + "=" * 119, *["//"] * 400),
                     "sim/x.json": "1" * 121, "sim/README.md": "1" * 121 + "\n"})

    def test_an_exception_only_shrinks(self):
        long = self.files["sim/long.cc"]
        self.expect({"sim/long.cc": long + "//\n"},
                    "sim/long.cc:411: 411 lines, over 400 (tools/house.ratchet has 410); make it two files")
        self.expect({"sim/long.cc": long[:-3]}, "tools/house.ratchet:2: lines sim/long.cc is now 409; write that")
        self.expect({"sim/long.cc": long[:-30]},
                    "tools/house.ratchet:2: lines sim/long.cc is 400: no exception any more; take the line out")
        self.expect_line("tools/house.ratchet", "lines sim/x.cc 410",
                         "lines sim/x.cc is not there any more; take the line out")

    def test_what_is_allowed_in_vain_is_not_allowed(self):
        for what in ["hash sim/loop.h", "clock sim/"]:
            self.expect_line("tools/house.allowed", f"{what} -- once",
                             f"{what} allows nothing any more; take the line out")

        for line, permission in [("apart attic -- old", "apart attic"),
                                 ("umbrella sim/loop.h -- all", "umbrella sim/loop.h"),
                                 ("up sim testing -- once", "up sim testing"), ("labelled attic", "labelled attic"),
                                 ("inside runtime/internal testing -- once", "inside runtime/internal testing")]:
            self.expect_line("tools/house.floors", line, f"{permission} permits nothing any more; take it out")

    # 8: what is cited exists.

    def test_what_is_cited_exists(self):
        for text, rule in [("// Rule R77.", "R77"), ("// I9", "I9"), ("// By Rule W10", "W10"),
                           ("// As rules R4 and R100 say", "R100"), ("// (W2, W77)", "W77"), ("// R100.", "R100"),
                            ("// (W8)", "W8"), ("// By rule W8.", "W8")]:
            self.expect_line("sim/loop.h", text, f"rules/README.md has no {rule}; write it there, or cite another")
        self.expect_line("CMakeLists.txt", "set(R76 1)  # R" + "77",
                         "rules/README.md has no R77; write it there, or cite another")
        self.expect({"tools/x.py": script("def f():", '    """By rule R77."""')},
                    "tools/x.py:3: rules/README.md has no R77; write it there, or cite another")
        self.expect_line("README.md", "Rule R77 holds.", "rules/README.md has no R77; write it there, or cite another")
        self.expect({"sim/loop.cc": source("// W8 and W1.2 are workloads.", "// rsp and R15 are saved.",
                                          "// I2 and I7 are registers.",
                                          'const char* const kText = "R77";')})
        for comment, number in [("// tg-15, tg-99", "tg-99"), ("// xy-01: no family.", "xy-01")]:
            self.expect_line("runtime/task_cancel_test.cc", comment,
                             f"docs/asyncio-behaviours.md has no {number}; write its row, or cite another")
        self.expect({"runtime/task_cancel_test.cc": source("// As utf-16.")})
        self.expect_line("README.md", "[there](docs/nowhere.md#x)", "no file docs/nowhere.md; correct the link")

        for link in ["[there](docs/nowhere.md 'Title')", "[there]: docs/nowhere.md"]:
            self.expect_line("README.md", link, "no file docs/nowhere.md; correct the link")
        for link, page in [("(#nowhere)", "README.md"), ("(rules/README.md#nowhere)", "rules/README.md")]:
            self.expect_line("README.md", f"[x]{link}", f"{page} has no heading #nowhere; correct the link")

    def test_pages_that_are_cited_exist(self):
        self.expect({"docs/asyncio-behaviours.md": None},
                    "README.md:1: no file docs/asyncio-behaviours.md; correct the link",
                    "docs/asyncio-behaviours.md:1: no such page, or nothing in it; give each a row: | tg-15 | ...")
        self.expect({"rules/README.md": "Rules.\n"},
                    "rules/README.md:1: no such page, or nothing in it; begin a line with each rule: **R4. ...**")

    # 9, 11: beside.

    def test_what_stands_beside(self):
        self.expect({"runtime/ta_test.cc": source()},
                    "runtime/ta_test.cc:1: a test of no file beside it; call it <source>[_<aspect>]_test.cc")
        self.expect({"sim/README.md": None},
                    "sim/README.md:1: sim/ has no README.md; say in ten lines what is here, where to begin")
        self.expect({"sim/README.md": "\n"},
                    "sim/README.md:1: an empty README.md; say in ten lines what is here, where to begin")
        self.expect({"sim/README.md": "x\n" * 26}, "sim/README.md:26: 26 lines, over 25; leave depth to docs/")
        self.expect({"rules/BUILD.bazel": None},
                    "rules/BUILD.bazel:1: rules/ is no Bazel package; write its BUILD.bazel")

    def test_bazel_and_cmake_have_the_same_rooms(self):
        self.expect_changed("sim/BUILD.bazel", '"sim"', '"simulation"',
                            'sim/BUILD.bazel:1: no library :sim; write detent_library(name = "sim", ...)')
        self.expect_changed("CMakeLists.txt", "FOLDER sim", "FOLDER simulation",
                            "CMakeLists.txt:1: sim is in no FOLDER; write a detent_library() for it",
                            "CMakeLists.txt:6: simulation is no room; take it out of FOLDER")

        self.expect_changed("CMakeLists.txt", "runtime/internal DEPS", "runtime/internal APART runtime/task.cc DEPS",
                            "CMakeLists.txt:2: runtime/task.cc is in no library; name it in SOURCES of one")
        build = self.files["sim/BUILD.bazel"]
        self.expect({"sim/BUILD.bazel": build.replace('"sim",', '"sim", deps = ["//runtime/io", "//runtime"],')},
                    "CMakeLists.txt:6: sim does not reach runtime, as in Bazel; name its library in DEPS",
                    "CMakeLists.txt:6: sim does not reach runtime/io, as in Bazel; name its library in DEPS")
        absl = '"sim", deps = ["@com_google_absl//absl/time", "@com_google_absl//absl/strings:cord"],'
        cmake = self.files["CMakeLists.txt"].replace("FOLDER sim", "FOLDER sim DEPS absl::time")
        self.expect({"sim/BUILD.bazel": build.replace('"sim",', absl), "CMakeLists.txt": cmake},
                    "CMakeLists.txt:6: sim does not reach absl::cord, as in Bazel; name its library in DEPS")
        self.expect({"sim/BUILD.bazel": build + 'glob(["*.cc"], exclude = ["x.cc"])\n'},
                    "sim/BUILD.bazel:5: exclude leaves a file out unseen; write `apart`, or `if file not in (...)`")
        self.expect({"sim/BUILD.bazel": build + 'package(default_visibility = ["//visibility:public"])\n'},
                    "sim/BUILD.bazel:5: all of it is public unless it says otherwise; make the package private, and "
                    "public what others use")

    def test_a_room_of_tests_needs_no_library(self):
        self.expect({"sim/probe/a_test.cc": source(), "sim/probe/README.md": "Probes.\n",
                     "sim/probe/BUILD.bazel": script(),
                     "tools/house.floors": self.files["tools/house.floors"].replace("floor sim", "floor sim sim/probe"),
                     "tools/house.allowed": self.files["tools/house.allowed"] + "beside sim/probe/ -- probes\n"})


if __name__ == "__main__":
    unittest.main()
