#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The code of docs/foreign-loops.md is that of the examples, which are compiled and run."""

import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXAMPLES = ("examples/curl_test.cc", "examples/libuv_test.cc")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def without_margins(text):
    return "\n".join(line.strip() for line in text.strip().split("\n"))


class ForeignLoopsPageTest(unittest.TestCase):
    def test_each_piece_of_code_is_in_an_example(self):
        pieces = re.findall(r"^```cpp\n(.*?)^```$", read("docs/foreign-loops.md"), re.MULTILINE | re.DOTALL)
        self.assertGreater(len(pieces), 4)
        examples = [without_margins(read(path)) for path in EXAMPLES]
        for piece in pieces:
            self.assertTrue(any(without_margins(piece) in example for example in examples), piece)


if __name__ == "__main__":
    unittest.main()
