# SPDX-License-Identifier: Apache-2.0
"""The repositories that Bazel itself would download, without a network.

Bazel 4.2.3 resolves every registered toolchain before it builds a C++ file, and those mention rules for
Java, protocol buffers and so on. Debian packages most of them; the rest is written here.
"""

# Debian's own bazel-rules-cc is too new for this Bazel; the native rules are all that anybody asks of it.
_RULES_CC_DEFS = "\n".join(["{0} = native.{0}".format(rule) for rule in [
    "cc_binary",
    "cc_import",
    "cc_library",
    "cc_proto_library",
    "cc_test",
    "cc_toolchain",
    "cc_toolchain_suite",
    "objc_import",
    "objc_library",
]])

# Every test has an implicit dependency on the tools that gather coverage, used or not.
_NO_COVERAGE_TOOLS = """
package(default_visibility = ["//visibility:public"])
filegroup(name = "coverage_report_generator")
filegroup(name = "lcov_merger")
"""

def _written_here_impl(repository_ctx):
    repository_ctx.file("BUILD.bazel", "")
    for path, content in repository_ctx.attr.files.items():
        repository_ctx.file(path, content, executable = False)

_written_here = repository_rule(
    implementation = _written_here_impl,
    attrs = {"files": attr.string_dict(mandatory = True, doc = "path -> content")},
    doc = "A repository whose few small files are given right in its declaration.",
)

_DEBIAN = {
    "bazel_skylib": "/usr/share/bazel/tools/skylib",  # package bazel-skylib
    "platforms": "/usr/share/bazel/tools/platforms",  # package bazel-platforms
    "rules_java": "/usr/share/bazel/rules/java",  # package bazel-rules-java
    "rules_proto": "/usr/share/bazel/rules/proto",  # package bazel-rules-proto
}

def bazel_stand_ins():
    """Declares those of the repositories above that the workspace has not declared itself."""
    for name, path in _DEBIAN.items():
        if not native.existing_rule(name):
            native.local_repository(name = name, path = path)
    if not native.existing_rule("rules_cc"):
        _written_here(name = "rules_cc", files = {"cc/BUILD.bazel": "", "cc/defs.bzl": _RULES_CC_DEFS})
    if not native.existing_rule("remote_coverage_tools"):
        _written_here(name = "remote_coverage_tools", files = {"BUILD.bazel": _NO_COVERAGE_TOOLS})
