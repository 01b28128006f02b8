# SPDX-License-Identifier: Apache-2.0
"""The libraries that detent uses, taken from the system's packages under their usual labels.

The WORKSPACE of a project that uses detent, where its own Abseil, if it has one, comes first and stays:

    local_repository(name = "detent", path = "../detent")

    load("@detent//third_party:repositories.bzl", "detent_repositories")

    detent_repositories()

Without a network it needs bazel_stand_ins.bzl too, in the same way. detent is C++20: its .bazelrc says
`build --cxxopt=-std=c++20`.
"""

load("//third_party:afl.bzl", "afl_repository")
load("//third_party:pkg_config.bzl", "pkg_config_repository")

# Every public label of the Abseil that Debian 12 packages (LTS 20220623: there is no absl/log yet).
# Its module in pkg-config is absl_<target>, except where _abseil_module() says otherwise.
_ABSEIL_TARGETS = {
    "algorithm": ["algorithm", "container"],
    "base": ["base", "config", "core_headers", "dynamic_annotations", "log_severity"],
    "cleanup": ["cleanup"],
    "container": [
        "btree",
        "fixed_array",
        "flat_hash_map",
        "flat_hash_set",
        "inlined_vector",
        "node_hash_map",
        "node_hash_set",
    ],
    "debugging": ["failure_signal_handler", "leak_check", "stacktrace", "symbolize"],
    "flags": ["commandlineflag", "config", "flag", "marshalling", "parse", "reflection", "usage"],
    "functional": ["any_invocable", "bind_front", "function_ref"],
    "hash": ["hash"],
    "memory": ["memory"],
    "meta": ["type_traits"],
    "numeric": ["bits", "int128"],
    "random": ["bit_gen_ref", "distributions", "random", "seed_gen_exception", "seed_sequences"],
    "status": ["status", "statusor"],
    "strings": ["cord", "str_format", "strings"],
    "synchronization": ["synchronization"],
    "time": ["time"],
    "types": [
        "any",
        "bad_any_cast",
        "bad_optional_access",
        "bad_variant_access",
        "compare",
        "optional",
        "span",
        "variant",
    ],
    "utility": ["utility"],
}

def _abseil_module(directory, target):
    if (directory, target) == ("flags", "flag"):
        return "absl_flags"
    if (directory, target) == ("algorithm", "container") or directory in ["flags", "random"]:
        return "absl_{}_{}".format(directory, target)
    return "absl_" + target

_REPOSITORIES = {
    "com_github_google_benchmark": ("libbenchmark-dev", {
        ":benchmark": ["benchmark"],
        ":benchmark_main": ["-lbenchmark_main", "benchmark"],
    }),
    "com_google_absl": ("libabsl-dev", {
        "absl/{}:{}".format(directory, target): [_abseil_module(directory, target)]
        for directory, targets in _ABSEIL_TARGETS.items()
        for target in targets
    }),
    # As in GoogleTest's own build, gmock is part of :gtest.
    "com_google_googletest": ("libgmock-dev", {
        ":gtest": ["gmock"],
        ":gtest_main": ["gmock_main"],
    }),
    # Of two examples: a library that has sockets of its own, and a loop of somebody else's.
    "curl": ("libcurl4-openssl-dev", {":curl": ["libcurl"]}),
    "libuv": ("libuv1-dev", {":libuv": ["libuv"]}),
    # The judge of the simulated disk.
    "sqlite": ("libsqlite3-dev", {":sqlite": ["sqlite3"]}),
    "nlohmann_json": ("nlohmann-json3-dev", {":json": ["nlohmann_json"]}),
}

def detent_repositories():
    """Declares those of the libraries that the workspace has not declared itself."""
    for name, (apt_package, targets) in _REPOSITORIES.items():
        if not native.existing_rule(name):
            pkg_config_repository(name = name, apt_package = apt_package, targets = targets)
    if not native.existing_rule("detent_afl"):
        afl_repository(name = "detent_afl")
