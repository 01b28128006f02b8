# SPDX-License-Identifier: Apache-2.0
"""AFL++, if the system has it: a repository with its driver for LLVMFuzzerTestOneInput(), `:driver`.

Where it is not installed, `:driver` is a main() that says so, and ends well: what is built for AFL++ is skipped.
"""

_MISSING = """
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdio>
extern "C" void __sanitizer_cov_trace_pc_guard_init(uint32_t*, uint32_t*) {}
extern "C" void __sanitizer_cov_trace_pc_guard(uint32_t*) {}
int main() {
  std::puts("skipped: AFL++ is not installed (apt-get install afl++)");
  return 0;
}
"""

_FILES = ["libAFLDriver.a", "afl-compiler-rt.o"]

def _afl_repository_impl(repository_ctx):
    # AFL_PATH is AFL++'s own variable for this.
    folder = repository_ctx.path(repository_ctx.os.environ.get("AFL_PATH", "/usr/lib/afl"))
    is_there = all([folder.get_child(name).exists for name in _FILES])
    if is_there:
        for name in _FILES:
            repository_ctx.symlink(folder.get_child(name), name)
    else:
        repository_ctx.file("missing.cc", _MISSING, executable = False)
    repository_ctx.file("BUILD.bazel", "\n".join([
        'package(default_visibility = ["//visibility:public"])',
        'cc_library(name = "driver", srcs = {}, alwayslink = True)'.format(_FILES if is_there else ["missing.cc"]),
    ]) + "\n", executable = False)

afl_repository = repository_rule(
    implementation = _afl_repository_impl,
    configure = True,
    environ = ["AFL_PATH"],
    local = True,
)
