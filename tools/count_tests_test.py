#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""count-tests, on reports as Bazel writes them."""
import json
import os
import subprocess
import tempfile
import unittest

COMMAND = os.path.join(os.path.dirname(os.path.abspath(__file__)), "count-tests")


class CountTestsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.events = []

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def report(self, label, *outcomes, attempt=1, named=True):
        """One try of a test whose cases are x0, x1, ..."""
        classname = 'classname="A" ' if named else ""
        cases = "".join('<testcase %sname="x%d" status="run">%s</testcase>' % (classname, i, "<%s/>" % o if o else "")
                        for i, o in enumerate(outcomes))
        os.mkdir(self.path(str(len(self.events))))  # As Bazel: a folder for each.
        file = self.path("%d/test.xml" % len(self.events))
        with open(file, "w") as out:
            out.write("<testsuites><testsuite>%s</testsuite></testsuites>" % cases)
        self.events.append({
            "id": {"testResult": {"label": label, "run": 1, "shard": 1, "attempt": attempt}},
            "testResult": {"status": "FAILED" if "failure" in outcomes else "PASSED",
                           "testActionOutput": [{"name": "test.xml", "uri": "file://" + file}]}})

    def count(self, status, before=0):
        with open(self.path("events"), "w") as file:
            file.write("\n".join(map(json.dumps, self.events)))
        done = subprocess.run([COMMAND, self.path("events"), str(status), str(before)], capture_output=True, text=True)
        return done.returncode, done.stdout.splitlines()

    def test_cases_are_counted(self):
        self.report("//a:a", "", "skipped", "")
        self.report("//b:b", "")
        self.assertEqual(self.count(0, before=1), (0, ["1 skipped", "4 passed, 0 failed"]))

    def test_a_failure_is_named(self):
        self.report("//a:a", "", "failure")
        self.assertEqual(self.count(3), (1, ["FAILED //a:a  A.x1", "1 passed, 1 failed"]))

    def test_what_passes_when_tried_again_is_told(self):
        self.report("//a:a", "", "failure", attempt=1)
        self.report("//a:a", "", "", attempt=2)
        self.assertEqual(self.count(0), (0, ["FLAKY //a:a  A.x1", "2 passed, 0 failed"]))

    def test_what_fails_when_tried_again_fails_once(self):
        self.report("//a:a", "failure", "", attempt=1)
        self.report("//a:a", "", "failure", attempt=2)
        self.assertEqual(self.count(3), (1, ["FAILED //a:a  A.x1", "1 passed, 1 failed"]))

    def test_what_ended_too_early_fails(self):
        self.report("//a:a", "")
        self.report("//b:b", "", named=False)
        for i in range(2):  # That of the first is stale: it has GoogleTest's own report.
            with open(self.path("%d/test.exited_prematurely" % i), "w"):
                pass
        self.assertEqual(self.count(0), (1, [
            "FAILED //b:b  (ended before its tests had, by a call of exit() or _exit())", "2 passed, 1 failed"]))

    def test_what_did_not_build_fails(self):
        self.report("//a:a", "")
        self.events.append({"id": {"targetCompleted": {"label": "//b:b"}}, "completed": {}})
        self.assertEqual(self.count(1), (1, ["FAILED //b:b  (did not build)", "1 passed, 1 failed"]))

    def test_no_test_is_no_success(self):
        self.assertEqual(self.count(0), (1, ["No test ran.", "0 passed, 0 failed"]))

    def test_bazels_own_failure_is_one(self):
        self.report("//a:a", "")
        code, lines = self.count(37)
        self.assertEqual(code, 1)
        self.assertIn("Bazel ended with code 37", lines[0])


if __name__ == "__main__":
    unittest.main()
