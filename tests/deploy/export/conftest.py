"""One exported network for all tests of exporting: it takes seconds."""

import pytest
from click.testing import CliRunner

from harness.cli.main import main


@pytest.fixture(scope="session")
def deployed(tmp_path_factory, tiny_root):
    """The folder of AWSRN-S x4 with the bundled weights, and what was printed."""
    folder = tmp_path_factory.mktemp("deployed") / "awsrn_s_x4"
    command = ["deploy", "awsrn_s", "--scale", "4", "-o", str(folder), "--int8"]
    sets = ["--data", "own", "--data-root", str(tiny_root)]
    result = CliRunner().invoke(main, [*command, *sets])
    assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
    return folder, result.stdout
