# SPDX-License-Identifier: Apache-2.0
"""The compilers of this repository's own builds, as C++ toolchains that exist side by side.

Bazel's @local_config_cc is whatever $CC names, and is examined anew (three seconds) whenever $CC changes. Here each
compiler is a repository of its own, examined once, when a configuration in .bazelrc first names it:

    build:gcc --crosstool_top=@gcc//:toolchain
"""

load("@bazel_tools//tools/cpp:cc_configure.bzl", "cc_autoconf_impl")

def _compiler_impl(repository_ctx):
    program = repository_ctx.which(repository_ctx.attr.program)
    if not program:
        fail("{} is not installed: apt-get install {}".format(
            repository_ctx.attr.program,
            repository_ctx.attr.apt_package,
        ))
    cc_autoconf_impl(repository_ctx, overriden_tools = {"gcc": program})

compiler = repository_rule(
    implementation = _compiler_impl,
    attrs = {
        "apt_package": attr.string(mandatory = True),
        "program": attr.string(mandatory = True),
    },
    configure = True,
)
