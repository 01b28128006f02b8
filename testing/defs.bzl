# SPDX-License-Identifier: Apache-2.0
"""Rules for tests with SIM_TEST and LOOP_TEST. From another workspace:

    load("@detent//testing:defs.bzl", "detent_fuzz_test", "detent_sim_test")
"""

# For `target_compatible_with`: other compilers have no libFuzzer.
CLANG_ONLY = select({
    str(Label("//testing:clang")): [],
    "//conditions:default": ["@platforms//:incompatible"],
})

def detent_sim_test(
        name,
        srcs,
        deps = [],
        schedules = None,
        seed = None,
        strategy = None,
        time = None,
        jobs = None,
        settings = {},
        env = {},
        tags = [],
        **kwargs):
    """A cc_test with detent's main(), and how its simulated tests are searched.

        detent_sim_test(
            name = "bank_test",
            srcs = ["bank_test.cc"],
            schedules = 100000,
            shard_count = 8,
            deps = [":bank"],
        )

    Each of the 8 shards runs an eighth of the 100,000 schedules of every simulated test, and an eighth of the other tests.
    `bazel test --runs_per_test=3 :bank_test` searches three times as many. What is set here can be overridden with
    `bazel test --test_arg=--detent_schedules=1000000 :bank_test`.

    Args:
      name: of the test.
      srcs: its sources; no main().
      deps: what they need beside GoogleTest and detent's testing library.
      schedules: how many schedules each simulated test runs: 1 to 1000000000; 100 if not given.
      seed: of the schedules; 0 if not given.
      strategy: who makes the choices: "portfolio" if not given, "random", "pct:3", "pos", "surw", "exhaustive", ...
      time: how long to search each test, instead of `schedules`: "30s", "10m". The test's `timeout` is not raised by it.
      jobs: in how many processes each test is searched, in each shard; Bazel reserves so many processors.
      settings: any other of detent's settings by name, as in `{"slip": "1s"}`; docs/exploring.md lists them.
      env: more variables for the test.
      tags: as of cc_test.
      **kwargs: everything else that cc_test takes: size, timeout, shard_count, data, copts, ...
    """
    if schedules != None and time != None:
        fail("detent_sim_test %s: give `schedules` or `time`, not both" % name)
    named = {"schedules": schedules, "seed": seed, "strategy": strategy, "time": time, "jobs": jobs}
    settings = dict(settings, **{key: value for key, value in named.items() if value != None})
    variables = {"DETENT_" + key.upper(): str(value) for key, value in settings.items()}
    variables.update(env)
    native.cc_test(
        name = name,
        srcs = srcs,
        env = variables,
        tags = tags + (["cpu:%d" % jobs] if jobs != None else []),
        deps = deps + [
            Label("//testing"),
            Label("//testing/main:test_main"),
        ],
        **kwargs
    )

def detent_fuzz_test(
        name,
        srcs,
        deps = [],
        test = None,
        engine = "libfuzzer",
        runs = 10000,
        seed = 1,
        copts = [],
        linkopts = [],
        args = [],
        **kwargs):
    """One SIM_TEST under a fuzzer, whose bytes are the schedule. Clang only; left out with other compilers.

        detent_fuzz_test(
            name = "bank_fuzz",
            srcs = ["bank_test.cc"],
            test = "BankTest.TransfersKeepTheSum",
            deps = [":bank"],
        )

    The same sources make the plain test too, with detent_sim_test: a failure's tape replays there. As a test this fuzzes
    `runs` schedules from nothing; to go on for as long as you like, with a corpus:

        bazel build :bank_fuzz && bazel-bin/bank_fuzz --gtest_filter=BankTest.TransfersKeepTheSum corpus/

    What counts as coverage: new hand-offs between tasks, and the branches in `srcs`; for those in `deps` too, build with
    `--copt=-fsanitize=fuzzer-no-link`.

    With AFL++ (`engine = "afl"`, apt-get install afl++):

        bazel build :bank_afl && afl-fuzz -i corpus -o out -- bazel-bin/bank_afl --gtest_filter=...

    Args:
      name: of the test.
      srcs: its sources, with at least one SIM_TEST; no main() and no LLVMFuzzerTestOneInput().
      deps: what they need beside GoogleTest and detent's testing library.
      test: which SIM_TEST, `Suite.Name`; may be left out if there is only one. None with parameters.
      engine: "libfuzzer", or "afl": then the target is a program for afl-fuzz and no test; where AFL++ is not installed it
        only says so.
      runs: how many schedules `bazel test` runs.
      seed: of libFuzzer.
      copts: as of cc_test.
      linkopts: as of cc_test.
      args: more flags for libFuzzer.
      **kwargs: everything else that cc_test takes.
    """
    if engine not in ["libfuzzer", "afl"]:
        fail("detent_fuzz_test %s: engine = %r: it must be \"libfuzzer\" or \"afl\"" % (name, engine))
    deps = deps + [
        Label("//testing"),
        Label("//testing/main:fuzz_main"),
    ]
    if engine == "afl":
        native.cc_binary(
            name = name,
            testonly = True,
            srcs = srcs,
            copts = copts + ["-fsanitize-coverage=trace-pc-guard"],
            linkopts = linkopts,
            target_compatible_with = CLANG_ONLY,
            deps = deps + ["@detent_afl//:driver"],
            **kwargs
        )
        return
    native.cc_test(
        name = name,
        srcs = srcs,
        args = (["--gtest_filter=" + test] if test else []) + ["-runs=%d" % runs, "-seed=%d" % seed] + args,
        copts = copts + ["-fsanitize=fuzzer-no-link"],
        linkopts = linkopts + ["-fsanitize=fuzzer"],
        target_compatible_with = CLANG_ONLY,
        deps = deps,
        **kwargs
    )
