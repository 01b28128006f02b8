#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plants one fault at a time in a small tree that is in order, and reads what tools/house says."""

import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import house_test_tree
from house_test_tree import HOME, ISSUE, NOTE, SPDX, TOOL, WORK, HouseTestCase, header, script, source

NOTED = f"{NOTE} is a note to oneself; do it, or say in a sentence what is missing"


class HouseTest(HouseTestCase):
    def test_a_tree_in_order_has_no_finding(self):
        self.expect({})
        self.assertEqual(self.run_house("--no-format")[1], ["house: 8 rooms, 38 files, 0 findings"])

    def test_it_is_a_program_that_tells_by_its_exit_code(self):
        run = lambda *arguments: subprocess.run([TOOL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                                check=False).returncode
        self.assertEqual(run("--no-format", self.root), 0)
        self.assertEqual(run("--colour", self.root), 2)
        self.assertEqual(run(self.root + "/nowhere"), 2)
        self.assertEqual([run("--help"), run("-h")], [0, 0])
        self.write({"sim/x.cc": ""})
        self.assertEqual(run("--no-format", self.root), 1)

    def test_without_git_it_looks_at_all_files(self):
        subprocess.run(["rm", "-r", self.root + "/.git"], check=True)
        self.expect({"bazel-out/x.cc": "// " + NOTE})
        self.expect_line("sim/loop.h", "// " + NOTE, NOTED)

    def test_what_git_ignores_is_not_looked_at(self):
        self.expect({".gitignore": "/out\n", "out/x.cc": "// " + NOTE})

    # 1, 2: the floors.

    def test_an_include_goes_down(self):
        for path, target, what in [
            ("runtime/internal/up.cc", "runtime/task.h", "an arrow up: runtime/internal/ includes runtime/task.h"),
            ("runtime/io/side.cc", "runtime/epoll/poller.h",
             "an arrow to the side: runtime/io/ includes runtime/epoll/poller.h"),
            ("sim/top.cc", "testing/samples/s.h", "an arrow up: sim/ includes testing/samples/s.h"),
            ("runtime/io/umbrella.cc", "runtime/all.h",
             "an arrow to the side: runtime/io/ includes runtime/all.h, and so runtime/epoll/"),
        ]:
            self.expect({path: source(f'#include "detent/{target}"'),
                         "testing/samples/s.h": header("testing/samples/s.h"),
                         **house_test_tree.with_umbrella(self.files)},
                        f"{path}:2: {what}; move down what both need, or write an `up` line with its reason in "
                        "tools/house.floors")

    def test_a_header_of_ours_has_one_name(self):
        self.expect_line("sim/loop.h", '#include "runtime/task.h"',
                         '"runtime/task.h" is a header of ours; include it as "detent/..."')

        for name in ["<detent/runtime/task.h>", '"../runtime/task.h"', '"detent/sim/../runtime/task.h"']:
            self.expect_line("sim/loop.h", "#  include " + name,
                             f'"{name[1:-1]}" is a header of ours; include it as "detent/..."')
        self.expect_line("sim/loop.h", '#include "detent/sim/no.h"',
                         "there is no sim/no.h; correct the name, or write it")
        self.expect({"sim/x_test.h": header("sim/x_test.h"), "sim/x.cc": source('#include "detent/sim/x_test.h"')},
                    "sim/x.cc:2: sim/x_test.h is of tests; move what is needed into a header that is not")

    def test_internal_is_for_its_users(self):
        self.expect({"testing/look.cc": source('#include "detent/runtime/internal/state.h"')},
                    "testing/look.cc:2: testing/ includes runtime/internal/state.h, which is internal to runtime/; use "
                    "what runtime/ offers, or write an `inside` line with its reason in tools/house.floors")

    def test_a_room_is_in_the_plan(self):
        self.expect({"sim/world/disk.cc": source(), "sim/world/README.md": "A disk.\n",
                     "sim/world/BUILD.bazel": script()},
                    "sim/world/disk.cc:1: sim/world/ is no room yet; add it to its floor in tools/house.floors")
        self.expect_changed("tools/house.floors", "floor sim", "floor sim sim/attic",
                            "tools/house.floors:5: sim/attic/ has no C++ file; take it out")

    def test_the_plan_is_read_whole(self):
        self.expect_line("tools/house.floors", "roof sim", "roof makes no line of the plan; write floor, libraries, "
                         "labelled, apart, umbrella, up, inside, within, circle")
        self.expect_line("tools/house.floors", "up sim testing", "up sim without a reason; write it behind ` -- `")
        self.expect_line("tools/house.allowed", "clock sim/loop.h", "not a permission; write CHECK PATH -- REASON")
        self.expect_line("tools/house.ratchet", "lines sim/loop.h many", "not a size; write CHECK NAME NUMBER")

    # 3: circles.

    def test_a_circle_is_listed(self):
        self.expect({"sim/a.h": header("sim/a.h", '#include "detent/sim/b.h"'), "sim/b.h": header("sim/b.h"),
                     "sim/b.cc": source('#include "detent/sim/c.h"'),
                     "sim/c.h": header("sim/c.h", '#include "detent/sim/a.h"')},
                    "sim/a.h:4: a circle of 3 files: sim/a sim/b sim/c; let them point one way, or write a `circle` "
                    "line with its reason in tools/house.floors")
        self.expect({"runtime/pong.cc": None},
                    "tools/house.floors:14: there is no circle of just these files; take the line out")

    # 4: definitions.

        self.expect({"sim/a.h": header("sim/a.h", "#include <detent/sim/b.h>"),
                     "sim/b.h": header("sim/b.h", '#include "../sim/a.h"')},
                    'sim/a.h:4: "detent/sim/b.h" is a header of ours; include it as "detent/..."',
                    'sim/b.h:4: "../sim/a.h" is a header of ours; include it as "detent/..."',
                    "sim/a.h:4: a circle of 2 files: sim/a sim/b; let them point one way, or write a `circle` line "
                    "with its reason in tools/house.floors")

    def test_a_definition_stands_at_home(self):
        say = "is declared in runtime/task.h; define it there or in runtime/task.cc"
        for path, lines, finding in [
            ("sim/loop.cc", ["namespace detent {", "void Task::Cancel() {}", "}"], f"Task::Cancel() {say}"),
            ("sim/loop.cc", ["namespace detent::sim {", "void Task::Cancel() {}", "}"], f"Task::Cancel() {say}"),
            ("sim/loop.cc", ["namespace detent {", "[[noreturn]] void Refuse() {}", "}"], f"Refuse() {say}"),
            ("sim/loop.cc", ["namespace detent {", "int Lonely(int n) { return n; }", "}"],
             "no header declares Lonely(); put it into an unnamed namespace"),
            ("sim/loop.cc", ["namespace detent {", "int lonely = 1;", "}"],
             "no header declares lonely; put it into an unnamed namespace"),
            ("sim/loop.cc", ["namespace detent {", "int Task::count_ = 0;", "}"],
             f"Task::count_ {say}"),
            ("sim/loop.cc", ["namespace detent {", "Task::~Task() = default;", "}"], f"Task::~Task() {say}"),
        ]:
            self.expect({path: source(*lines)}, f"{path}:3: {finding}")
        self.expect({"sim/more.h": header("sim/more.h", "inline bool detent::Task::operator==(const Task&) const {}")},
                    f"sim/more.h:4: Task::operator==() {say}".replace("Task", "detent::Task"))

        self.expect({"sim/more.h": header("sim/more.h", "namespace detent {", "inline void Refuse() {}", "}")},
                    f"sim/more.h:5: Refuse() {say}")
        self.expect({"sim/more.h": header("sim/more.h", "int more = 1;")},
                    "sim/more.h:4: more is one for each file that includes this; write inline, const or constexpr")

    def test_braces_that_the_outline_does_not_understand_are_said(self):
        self.expect({"sim/odd.cc": source("namespace {", "int Half() {", "}")},
                    "sim/odd.cc:1: its braces do not match; mend tools/cpp_outline.py, or write it plainer")

    # 5: bans.

    def test_chance_comes_from_the_tape(self):
        chance = "is a second source of chance; draw from RandomGenerator with a seed of the run, or ask Choose()"
        clock = "is a clock that no run controls; ask the loop: EventLoop::Time() or WallTime()"
        address = "is in the order of addresses; key it by an id or an ordinal, which are the same in every run"
        hashed = "differs between libraries and processes; use sim::Fingerprint"
        sleep = "sleeps in a time that no run controls; co_await Sleep()"
        plants = [
            *[(f"auto x = std::{name}();", f"std::{name} {chance}") for name in [
                "random_device", "uniform_int_distribution", "normal_distribution", "bernoulli_distribution", "shuffle",
                "sample", "mt19937_64", "rand"]],
            *[(f"auto x = absl::{name}();", f"absl::{name} {chance}") for name in [
                "BitGen", "Uniform", "Zipf", "InsecureBitGen"]],
            *[(f"auto x = {name}();", f"{name} {chance}") for name in ["rand", "::rand", "random", "lrand48"]],
            *[(f"{name}(buffer, 8);", f"{name} {chance}") for name in ["arc4random_buf", "getrandom"]],
            *[(f"auto x = {name};", f"{name.rstrip('()')} {clock}") for name in [
                "absl::Now()", "absl::GetCurrentTimeNanos()", "system_clock", "steady_clock", "chrono::utc_clock",
                "std::time()", "std::clock()"]],
            ("auto x = time(nullptr);", f"time(nullptr) {clock}"), ("auto x = clock();", f"clock() {clock}"),
            ("#define NOW \\\n  absl::Now()", f"absl::Now {clock}"),
            *[(f"{name}(x);", f"{name} {sleep}") for name in ["absl::SleepFor", "sleep_for", "usleep"]],
            *[(f"using X = {name}>;", f"{name.partition(',')[0]} {address}") for name in [
                "unordered_map<Task*", "unordered_set<const detent::Task*", "unordered_multimap<Task*",
                "flat_hash_map<Task*, int", "flat_hash_set<Task*", "node_hash_set<Box<int>*", "std::set<Task*",
                "std::map<const Task*, int", "std::less<Task*",
                "flat_hash_set<std::pair<Task*"]],
            ("using X = std::hash<int>;", f"std::hash {hashed}"), ("int x = absl::Hash();", f"absl::Hash {hashed}"),
        ]
        lines = ["namespace {", *(line for line, _ in plants), "}"]
        at, findings = 3, []
        for line, said in plants:
            at += line.count("\n")
            findings.append((at, said))
            at += 1
        for path in ["runtime/io/more.cc", "testing/more.cc"]:
            self.expect({path: source(*lines)}, *(f"{path}:{at}: {said}" for at, said in findings))
        self.expect({path: self.files[path] + source(*lines) for path in [
            "runtime/epoll/poller.h", "runtime/task_cancel_test.cc", "rules/r04_test.cc", "README.md",
            "bench/peers/peer.cc"]})
        self.expect({"sim/loop.cc": source(*(f"// {line}".replace("\n", " ") for line in lines),
                                           *(f"/* {line} */" for line in lines), 'const char kText[] = "std::rand()";',
                                           "using X = std::set<Task*, ById>; using Y = std::map<int, Task*>;")})

    def test_the_system_is_behind_the_epoll_loop(self):
        said = "is the system's; do it in runtime/epoll/, behind an interface in runtime/io/internal/"
        names = [f"<{name}.h>" for name in [
            "sys/socket", "arpa/inet", "netinet/in", "net/if", "linux/types", "linux/a/b", "asm/unistd", "unistd",
            "netdb",
            "fcntl", "poll", "signal", "pthread", "time", "spawn", "ifaddrs", "sched", "dirent", "semaphore"]]
        names += ['"sys/socket.h"', "<csignal>", "<thread>", "<filesystem>"]
        lines = [f"#  include {name}" for name in names]
        for path in ["runtime/internal/x.cc", "sim/x.cc", "testing/x.cc"]:
            self.expect({path: source(*lines)},
                        *(f"{path}:{line}: {name[1:-1]} {said}" for line, name in enumerate(names, 2)))
        self.expect({"runtime/epoll/x.cc": source(*lines), "sim/loop_test.cc": source(*lines)})
        clock = "is a clock that no run controls; ask the loop: EventLoop::Time() or WallTime()"
        self.expect({"sim/x.cc": source("#include <ctime>")}, f"sim/x.cc:2: ctime {clock}")

    def test_a_header_changes_nothing_for_others(self):
        self.expect_line("sim/loop.h", "#pragma once",
                         "#pragma once takes one header with two paths for two; use a header guard")
        self.expect_line("sim/loop.h", "using namespace std;",
                         "using namespace std in a header changes what names mean to others; name what is used")
        self.expect({"sim/loop.cc": source("using namespace std;")})

    def test_every_word_says_something_to_a_reader(self):
        for word in [NOTE, "FIX" + "ME", "XX" + "X", "HA" + "CK"]:
            self.expect_line("README.md", word, NOTED.replace(NOTE, word))
        self.expect_line("sim/loop.h", f"// As {ISSUE} says.",
                         f"{ISSUE} leads nowhere from here; say what it was about")
        self.expect({"README.md": self.files["README.md"] + f"It {ISSUE[:-2]}s 2 requests: `GET {HOME}`.\n"})
        for path in [WORK, HOME]:
            self.expect_line("CMakeLists.txt", f'set(X "{path}")',
                             f'{path}") is a path of one machine; write it relative to the checkout')

    def test_a_file_begins_with_its_licence(self):
        said = f":1: no SPDX line; begin with a comment {SPDX}"
        self.expect({"sim/x.cc": "namespace {}\n"}, "sim/x.cc" + said)
        self.expect({"tools/x.py": "#!/usr/bin/env python3\n# Something.\n"}, "tools/x.py" + said)
        self.expect({"tools/x": f"#!/usr/bin/env python3\n# {SPDX}\n"})

    def test_a_header_guard_is_the_path(self):
        said = "no guard that is its path; write #ifndef DETENT_SIM_LOOP_H_ and #define DETENT_SIM_LOOP_H_"
        self.expect_changed("sim/loop.h", "SIM_LOOP_H", "SIM_LOOPS_H", f"sim/loop.h:2: {said}")
        self.expect_changed("sim/loop.h", "#ifndef DETENT_SIM_LOOP_H_", "", f"sim/loop.h:1: {said}")

    # 10: format.

    def test_files_are_formatted(self):
        for path in self.files:  # Only what is planted shall be out of order.
            if path.endswith((".cc", ".h")):
                self.write({path: None})
        self.write({".clang-format": "BasedOnStyle: Google\n"})
        self.write({"sim/ok.cc": source("int x;"), "sim/x.cc": source("int  x;")})
        found = [line for line in self.run_house()[1] if "clang-format" in line]
        self.assertEqual(found, ["sim/x.cc:2: not as .clang-format has it; run clang-format-19 -i sim/x.cc"])

    def test_a_clang_format_that_fails_or_is_missing_is_said(self):
        path = os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", path)
        self.write({"out/clang-format-19": "#!/bin/sh\necho No luck. >&2\nexit 1\n", ".gitignore": "/out\n"})
        os.chmod(self.root + "/out/clang-format-19", 0o755)
        os.environ["PATH"] = f"{self.root}/out:{path}"
        self.assertRegex(self.run_house()[1][0], "^tools/house:1: clang-format-19 failed; it says: No luck[.]")
        os.environ["PATH"] = self.root  # Neither is git there then.
        self.write({"out/clang-format-19": None, ".gitignore": None})
        self.assertEqual(self.run_house()[1][:-1], [
            "tools/house:1: clang-format-19 is not installed; run tools/install-deps, or leave it out with --no-format",
        ])
        self.assertEqual(self.run_house("--no-format")[0], 0)

    def test_it_draws_the_house(self):
        self.write({"runtime/internal/up.cc": source('#include "detent/runtime/task.h"')})
        code, lines = self.run_house("--draw")
        self.assertEqual(code, 0)
        self.assertEqual(lines[0].split(), ["rules/", "1", "files", "3", "lines"])
        self.assertEqual(lines[8:], [
            "floors, by the longest way down: 3",
            "arrows up or to the side: 2",
            "  runtime/internal/state.h:4 -> runtime/errors.h",
            "  runtime/internal/up.cc:2 -> runtime/task.h",
            "circles: 1",
            "  2: runtime/ping runtime/pong",
        ])


if __name__ == "__main__":
    unittest.main()
