"""The start check: what is missing, and what is in the way, said before a riddle says it.

Python looks beside the notebook first. A file `requests.py` there takes the library's place, and
the error that follows names neither. So this runs before anything else of the kit is imported.
"""

import os
import sys
from importlib.util import find_spec

PACKAGES = {
    "requests": "requests",
    "jwt": "PyJWT[crypto]",
    "cryptography": "PyJWT[crypto]",
    "platformdirs": "platformdirs",
    "ipywidgets": "ipywidgets",
}
BELOW = {"certifi", "cffi", "charset_normalizer", "idna", "traitlets", "urllib3"}
NAMES = sys.stdlib_module_names | set(PACKAGES) | BELOW

IN_THE_WAY = """{path} has the name of the module `{name}`, and is imported in its place.
  Why: Python looks beside the notebook first.
  Try: Give that file another name, and restart the kernel."""
MISSING = """The package {package} is missing here, and the kit needs it.
  Why: This Python, {python}, isn't the one that the kit was set up for, or not fully.
  Try: Run {python} -m pip install "{package}", and restart the kernel."""


def require(*modules: str) -> None:
    """Raise ModuleNotFoundError, with the command that helps, for the first that isn't there."""
    for name in modules:
        if name not in sys.modules and find_spec(name) is None:
            what = MISSING.format(package=PACKAGES[name], python=sys.executable)
            raise ModuleNotFoundError(what, name=name)


def file_in_the_way(folder: str) -> tuple[str, str] | None:
    """Return path and module name of a file in folder that hides a module, if there is one.

    A module that was loaded from its own place before is safe: Python won't look again.
    """
    for file in sorted(os.listdir(folder)):
        name, kind = os.path.splitext(file)
        path = os.path.join(folder, file)
        if kind == ".py" and name in NAMES and name not in sys.builtin_module_names:
            loaded = getattr(sys.modules.get(name), "__file__", None)
            if name not in sys.modules or loaded and os.path.samefile(loaded, path):
                return path, name
    return None


def start_check() -> None:
    """Refuse to start where an import would go astray."""
    try:
        found = file_in_the_way(os.getcwd()) if {"", os.getcwd()} & set(sys.path) else None
    except OSError:  # a folder that can't be listed
        found = None
    if found:
        path, name = found
        raise ImportError(IN_THE_WAY.format(path=path, name=name), name=name, path=path)
    require("requests", "jwt", "cryptography", "platformdirs")
