# SPDX-License-Identifier: Apache-2.0
"""A repository whose targets are libraries of the system, found with pkg-config."""

def _flags_of_each(repository_ctx, modules_of_each):
    """Asks pkg-config for a list of modules per target; returns a list of compiler and linker flags per target."""
    install = "apt-get install {}".format(repository_ctx.attr.apt_package)
    if not repository_ctx.which("pkg-config"):
        fail("@{} is a package of the system, and pkg-config, which finds it, is not installed: {} pkg-config".format(
            repository_ctx.name,
            install,
        ))

    # One process that asks for all: starting fifty of them from here doubles the time.
    loop = 'for modules in "$@"; do pkg-config --cflags --libs $modules || exit 1; done'
    result = repository_ctx.execute(["sh", "-c", loop, "sh"] + [" ".join(modules) for modules in modules_of_each])
    if result.return_code != 0:
        fail("@{} is a package of the system, and pkg-config does not find it: {}\n{}".format(
            repository_ctx.name,
            install,
            result.stderr,
        ))
    return [[flag for flag in line.split(" ") if flag] for line in result.stdout.split("\n")]

def _library(repository_ctx, name, flags):
    defines = []
    linkopts = []
    for flag in flags:
        if flag.startswith("-D"):
            defines.append(flag[2:])
        elif flag.startswith("-I/usr/include/") and flag.endswith("-linux-gnu"):
            continue  # Debian's folder for headers of this machine: in the search path.
        elif flag.startswith("-I"):
            # Bazel rejects a header that lies outside its own folders and the compiler's search path.
            fail("@{} lies in {}: only a package in the compiler's own search path can be used".format(
                repository_ctx.name,
                flag[2:],
            ))
        else:
            linkopts.append(flag)
    return "cc_library(name = {}, defines = {}, linkopts = {})".format(repr(name), repr(defines), repr(linkopts))

def _pkg_config_repository_impl(repository_ctx):
    targets = repository_ctx.attr.targets
    modules = [[word for word in words if not word.startswith("-")] for words in targets.values()]
    libraries = {}
    for (label, words), flags in zip(targets.items(), _flags_of_each(repository_ctx, modules)):
        package, _, name = label.partition(":")
        own_flags = [word for word in words if word.startswith("-")]
        libraries.setdefault(package, []).append(_library(repository_ctx, name, own_flags + flags))
    for package, lines in libraries.items():
        repository_ctx.file(
            package + "/BUILD.bazel" if package else "BUILD.bazel",
            "\n".join(['package(default_visibility = ["//visibility:public"])'] + lines) + "\n",
            executable = False,
        )

pkg_config_repository = repository_rule(
    implementation = _pkg_config_repository_impl,
    attrs = {
        "apt_package": attr.string(mandatory = True, doc = "what to install where it is missing"),
        "targets": attr.string_list_dict(
            mandatory = True,
            doc = "label -> modules of pkg-config, and linker flags for what has no module",
        ),
    },
    environ = ["PKG_CONFIG_PATH"],
    configure = True,  # after an upgrade of the system, `bazel sync --configure` asks again
)
