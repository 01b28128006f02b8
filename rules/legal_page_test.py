#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/legal.md names every kind of choice, and a test that exists for each of its rows."""

import glob
import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


class LegalPageTest(unittest.TestCase):
    def setUp(self):
        rows = re.findall(r"^\| (?!---)(.*) \|$", read("docs/legal.md"), re.MULTILINE)
        self.rows = [row.split(" | ") for row in rows if not row.endswith("shown by")]

    def test_every_kind_of_choice_has_a_row(self):
        kinds = set(re.findall(r"^  (k[A-Z]\w+) = \d+,", read("runtime/choice_kind.h"), re.MULTILINE))
        self.assertGreater(len(kinds), 5)
        self.assertEqual({row[1].strip("`") for row in self.rows if len(row) == 4}, kinds)

    def test_every_row_has_a_test_that_exists(self):
        tests = set()
        for path in glob.glob(os.path.join(ROOT, "**", "*_test.cc"), recursive=True):
            for suite, name in re.findall(r"^(?:\w+_)?TEST(?:_[FP])?\((\w+),\s*(\w+)[,)]", read(path), re.MULTILINE):
                tests.add(f"`{suite}.{name}`")
        self.assertGreater(len(self.rows), 15)
        for row in self.rows:
            self.assertIn(row[-1], tests, row)


if __name__ == "__main__":
    unittest.main()
