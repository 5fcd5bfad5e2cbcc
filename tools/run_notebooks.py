"""Run the notebooks in order on one fresh sandbox, and save their outputs in place.

    python -m tools.run_notebooks [NOTEBOOK ...]

Homes are temporary and a visitor stands in for the browser, so nothing of the user's is touched.
Nothing is saved unless all of them ran.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tests.homes import VISITOR, own_homes, running_sandbox

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
LANGUAGE = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}


def run(path: Path) -> nbformat.NotebookNode:
    """Return the notebook as a fresh kernel leaves it, without what tells of machine or time."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,  # it would hold what a form's password field holds
        coalesce_streams=True,  # one print is one output, however the kernel happened to cut it
    )
    client.execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(WIDGET_VIEW, None)  # a random id of a form that is gone
    notebook.metadata = {"kernelspec": KERNELSPEC, "language_info": LANGUAGE}
    return notebook


def main(paths: list[Path]) -> int:
    """Run and save them all; return the exit code."""
    if not paths:
        print("There is no notebook in notebooks/ yet.")
        return 0
    done = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        env = own_homes(Path(folder))
        os.environ.update(env, BROWSER=VISITOR)
        with running_sandbox(env):
            for path in paths:
                print(f"{path.name} ...", flush=True)
                try:
                    done[path] = run(path)
                except CellExecutionError as error:
                    print(f"{error}\n{path.name} failed; nothing was saved.", file=sys.stderr)
                    return 1
    for path, notebook in done.items():
        nbformat.write(notebook, path)
    print(f"Saved {len(done)} notebooks with the outputs of this run.")
    return 0


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb"))))
