# SPDX-License-Identifier: Apache-2.0
"""The targets of a room. A folder is a package, a library named after it, and a test for each of its *_test.cc files.

    load("//tools:defs.bzl", "detent_library", "detent_tests")

    detent_library(name = "strategy", deps = ["//runtime:core"])

    detent_tests()
"""

# What a test of ours may use whatever it tests.
_TEST_DEPS = [
    "//runtime",
    "//sim",
    "//testing",
    "//testing:test_loop",
    "//testing/main:test_main",
]

def detent_library(name, srcs = None, hdrs = None, apart = [], **kwargs):
    """The library of this folder, whose headers are included as "detent/FOLDER/...". Private unless it says otherwise.

    Args:
      name: the folder's own.
      srcs: its sources; those of the folder if not given.
      hdrs: its headers; those of the folder if not given.
      apart: files of the folder that are a library of their own: an umbrella, or what lower rooms use.
      **kwargs: as of cc_library.
    """
    not_ours = apart + ["*_test.cc", "*_test.h"]
    native.cc_library(
        name = name,
        srcs = native.glob(["*.cc"], exclude = not_ours) if srcs == None else srcs,
        hdrs = native.glob(["*.h"], exclude = not_ours) if hdrs == None else hdrs,
        include_prefix = "detent/" + native.package_name(),
        **kwargs
    )

    # For a test that compiles against them, or reads them.
    native.filegroup(
        name = name + "_headers",
        srcs = native.glob(["*.h"], exclude = not_ours) if hdrs == None else hdrs,
        visibility = ["//:__subpackages__"],
    )

def detent_tests(deps = [], data = {}, apart = [], **kwargs):
    """A test for each *_test.cc of this folder.

    Args:
      deps: what they need beside the library, sim/, testing/ and GoogleTest.
      data: by file, as of cc_test.
      apart: tests with a rule of their own.
      **kwargs: as of cc_test.
    """
    # For tests that read them.
    native.filegroup(
        name = "test_sources",
        srcs = native.glob(["*_test.cc"]),
        visibility = ["//:__subpackages__"],
    )
    for test in native.glob(["*_test.cc"], exclude = apart):
        native.cc_test(
            name = test[:-len(".cc")],
            size = "small",
            srcs = [test] + native.glob(["*_test.h"]),
            data = data.get(test, []),
            deps = _TEST_DEPS + deps,
            **kwargs
        )
