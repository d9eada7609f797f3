"""MLflow's page, where there is something to show."""


def test_ui_without_runs_says_where_it_looked(tmp_path, invoke):
    result = invoke("ui", "--results", tmp_path)
    assert result.exit_code == 2
    assert "nothing is logged below" in result.stderr
