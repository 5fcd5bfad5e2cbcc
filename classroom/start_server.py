"""Starts a learner's server, with the chapters laid out in their home.

What is there already stays as it is: it is the learner's work.
"""

import os
import runpy
import shutil
from pathlib import Path

KIT, HOME = Path(__file__).resolve().parents[1], Path.home()

for source in (KIT / "README.md", *sorted(KIT.glob("notebooks/*.ipynb"))):
    mine = HOME / source.relative_to(KIT)
    mine.parent.mkdir(exist_ok=True)
    if not mine.exists():
        shutil.copyfile(source, mine)
os.chdir(HOME)
runpy.run_module("jupyterhub.singleuser", run_name="__main__", alter_sys=True)
