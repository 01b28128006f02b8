#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plants one fault at a time in a small tree, and reads what tools/asyncio-behaviours --check says."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOL = os.path.join(os.path.dirname(os.path.realpath(__file__)), "asyncio-behaviours")
PAGE = """# Behaviours

| number | CPython's test | what | here |
| --- | --- | --- | --- |
| tg-15 | test_taskgroups::test_x ~ | a group waits | same: GroupTest.Waits |
"""
SEMANTICS = """| `tg` | 1 | 1 | 0 | 0 |
| **all** | **1** | **1** | **0** | **0** |

## Different on purpose

## Not here
"""
TEST = "// tg-15\nTEST(GroupTest, Waits) {\n}\n"


class AsyncioBehavioursTest(unittest.TestCase):
    def check(self, page=PAGE, test=TEST):
        with tempfile.TemporaryDirectory() as root:
            for path, text in [("docs/asyncio-behaviours.md", page), ("docs/semantics.md", SEMANTICS),
                               ("runtime/group_test.cc", test)]:
                path = os.path.join(root, path)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8", newline="") as file:
                    file.write(text)
            os.mkdir(root + "/tools")
            shutil.copy(TOOL, root + "/tools/tool")
            result = subprocess.run([sys.executable, root + "/tools/tool", "--check"], check=False,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return result.stderr.decode().strip()

    def test_a_page_in_order(self):
        self.assertEqual(self.check(), "")

    def test_the_last_column_is_up_to_date(self):
        self.assertIn("run tools/asyncio-behaviours", self.check(page=PAGE.replace("GroupTest.Waits", "Nothing")))

    def test_lines_end_as_everywhere(self):
        self.assertEqual(self.check(page=PAGE.replace("waits | same: GroupTest.Waits |\n",
                                                      "waits | same: GroupTest.Waits |\r\n")),
                         "docs/asyncio-behaviours.md:5 ends in CRLF: write LF")

    def test_each_row_has_its_form(self):
        said = "docs/asyncio-behaviours.md:5 is no row of a behaviour: | number | test_file::test_name | words | here |"
        for old, new in [("test_taskgroups::test_x", "nothing"), ("| a group waits ", ""), ("tg-15", "tg-1")]:
            self.assertEqual(self.check(page=PAGE.replace(old, new)), said)

    def test_what_any_comment_cites_exists(self):
        for comment in ["// As tg-99 says.", "  Run();  // tg-99", "// tg-15, tg-99"]:
            self.assertRegex(self.check(test=TEST.replace("{\n", "{\n" + comment + "\n")),
                             r"^runtime/group_test.cc:3 cites tg-99, which docs/asyncio-behaviours.md does not have$")
        self.assertEqual(self.check(test=TEST + "// As utf-16.\n"), "")


if __name__ == "__main__":
    unittest.main()
