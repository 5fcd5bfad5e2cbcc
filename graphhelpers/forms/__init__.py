"""Forms for JupyterLab on top of the steps: collect, call one step, say what happened.

Nothing imports this package, and no later cell needs a form: each has `.value`, and beside each
the chapter shows the plain call that does the same.
"""

try:
    import ipywidgets  # noqa: F401 (asked for first, so that its absence is told in words)
except ModuleNotFoundError:
    from ..checks import require

    require("ipywidgets")
    raise

from .composing import mail_composer
from .fields import Form
from .inspecting import token_inspector
from .registering import registration_form
from .signing_in import sign_in_panel
from .stepping import wire_stepper

__all__ = [
    "Form", "mail_composer", "registration_form", "sign_in_panel", "token_inspector",
    "wire_stepper",
]  # fmt: skip
