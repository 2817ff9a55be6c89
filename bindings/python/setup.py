"""Builds the extension against libdog, and puts libdog into the package if that is wanted.

libdog is looked for in this order:

    DOG_LIBRARY, DOG_INCLUDE    the path of libdog.so, and the folder of dog.h
    ../../build                 the build of the checkout that this is in
    pkg-config dog              one that is installed

One that is installed is linked to where it is; any other is copied into the package, so that a wheel carries it.
DOG_BUNDLE=1 and DOG_BUNDLE=0 decide it otherwise. Nothing is written to the source tree.
"""

import atexit
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import setuptools
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

if int(setuptools.__version__.partition(".")[0]) < 61:
    raise SystemExit(f"setuptools 61 or later is needed to read pyproject.toml; this is {setuptools.__version__}")

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
# Where the dynamic linker looks by itself; elsewhere the extension has to be told.
SYSTEM_FOLDERS = ("/lib", "/usr/lib", "/usr/local/lib")


class Libdog(NamedTuple):
    library: Path
    include: Path
    is_bundled: bool

    @property
    def run_path(self) -> "list[str]":
        if self.is_bundled:
            return ["$ORIGIN"]
        folder = str(self.library.parent)
        return [] if folder.startswith(SYSTEM_FOLDERS) else [folder]


def pkg_config(variable: str) -> str:
    command = ["pkg-config", f"--variable={variable}", "dog"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def find_libdog() -> Libdog:
    if "DOG_LIBRARY" in os.environ:
        library = Path(os.environ["DOG_LIBRARY"]).absolute()
        include = Path(os.environ.get("DOG_INCLUDE", library.parent.parent / "include"))
        is_bundled = True
    elif (CHECKOUT / "build/lib/libdog.so").exists():
        library, include, is_bundled = CHECKOUT / "build/lib/libdog.so", CHECKOUT / "build/include", True
    elif pkg_config("libdir"):
        library, include = Path(pkg_config("libdir")) / "libdog.so", Path(pkg_config("includedir"))
        is_bundled = False
    else:
        raise SystemExit(
            "libdog was not found. Build it (make, in the checkout of DOG), or install it (make install) so that\n"
            "pkg-config finds it; or set DOG_LIBRARY to the path of libdog.so and DOG_INCLUDE to the folder of dog.h."
        )
    return Libdog(library, include.absolute(), os.environ.get("DOG_BUNDLE", str(int(is_bundled))) == "1")


class BuildExtension(build_ext):
    """Puts libdog beside the extension, by the name that the linker asks for."""

    def run(self) -> None:
        super().run()
        if not libdog.is_bundled:
            return
        soname = libdog.library.resolve().name.rsplit(".", 2)[0]
        target = Path(self.get_ext_fullpath("dog._native")).with_name(soname)
        shutil.copyfile(libdog.library.resolve(), target)
        if shutil.which("strip"):
            subprocess.run(["strip", "--strip-unneeded", str(target)], check=True)


def scratch() -> str:
    folder = tempfile.mkdtemp(prefix="dog-python-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


libdog = find_libdog()
native = Extension(
    "dog._native",
    sources=sorted(str(path.relative_to(HERE)) for path in HERE.glob("native/*.c")),
    depends=[str(libdog.include / "dog.h"), "native/native.h"],
    include_dirs=[str(libdog.include)],
    library_dirs=[str(libdog.library.parent)],
    libraries=["dog"],
    define_macros=[("Py_LIMITED_API", "0x03090000")],
    extra_compile_args=["-std=c11", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden"],
    extra_link_args=[f"-Wl,-rpath,{folder}" for folder in libdog.run_path],
    py_limited_api=True,
)
setup(
    ext_modules=[native],
    cmdclass={"build_ext": BuildExtension},
    options={
        "bdist_wheel": {"py_limited_api": "cp39"},
        "build": {"build_base": scratch()},
        "egg_info": {"egg_base": scratch()},
    },
)
