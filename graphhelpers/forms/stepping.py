"""The wire log step by step: how far the diagram has got, and the message of this step."""

import ipywidgets as widgets

from ..display import escaped
from ..exchanges import Diagram, WireLog, wire_log
from .fields import FIELD, WIDE, Form

MESSAGE = '<pre style="white-space:pre-wrap;overflow-wrap:anywhere">'


def wire_stepper(log: WireLog = wire_log) -> Form:
    """Return a walk through what the log holds now; `.value` is the Exchange that is shown.

    It only looks: nothing is asked again, and what comes later needs another stepper.
    """
    steps = tuple(log)
    first = min(1, len(steps))
    narrow = widgets.Layout(width="14rem")
    step = widgets.BoundedIntText(
        first, description="Step", **FIELD | {"layout": narrow}, min=first, max=len(steps)
    )
    back = widgets.Button(description="Back", icon="arrow-left")
    forth = widgets.Button(description="Next", icon="arrow-right")
    row = widgets.HBox([back, step, forth], layout=widgets.Layout(flex_flow="row wrap"))
    drawn = widgets.Output(layout=WIDE)
    message = widgets.HTML(layout=WIDE)
    form = Form("Step through the wire log", "print(wire_log[0].http)", row, drawn, message)

    def show(_change: object = None) -> None:
        bundle = Diagram(steps[: step.value])._repr_mimebundle_()
        # Set as a whole: what a callback displays would land in the log of JupyterLab.
        drawn.outputs = ({"output_type": "display_data", "data": bundle, "metadata": {}},)
        if steps:
            form.value = steps[step.value - 1]
            message.value = f"{MESSAGE}{escaped(form.value.http, 10_000)}</pre>"
            form.say(f"Step {step.value} of {len(steps)}: {form.value}")
        else:
            form.say("Nothing has gone over the wire yet.")

    def walk(by: int) -> None:
        step.value += by  # the field keeps it between the first step and the last

    step.observe(show, "value")
    back.on_click(lambda _button: walk(-1))
    forth.on_click(lambda _button: walk(1))
    show()
    return form
