"""Settings also come from the environment, so one line makes every command use the stand-ins."""

import os
import subprocess
import sys

from tests.conftest import ROOT
from tests.hubs.__main__ import environment


def test_one_line_points_commands_at_the_stand_ins() -> None:
    program = f"{environment(8417)}\n{sys.executable} -m scrapy settings --ours"
    shown = subprocess.run(
        ["sh", "-c", program], cwd=ROOT, env={**os.environ}, capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert "MODELHUB_URL = 'http://127.0.0.1:8417/modelhub/models.json'" in shown
    assert "CLONE_PROTOCOLS = 'http:https'" in shown
