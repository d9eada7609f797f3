"""Tables from stored records."""


def test_tables_without_records_say_what_to_do(tmp_path, invoke):
    result = invoke("tables", "awru", "--results", tmp_path)
    assert result.exit_code == 1
    assert "run an ablation first" in result.stderr


def test_tables_of_a_run_are_those_it_wrote(tiny, tmp_path, invoke):
    invoke("run", *tiny)
    before = {path.name: path.read_bytes() for path in (tmp_path / "reports").iterdir()}
    result = invoke("tables", tmp_path / "tiny.yaml", "--results", tmp_path)
    assert result.exit_code == 0
    assert len(result.stdout.split()) == 3
    after = {path.name: path.read_bytes() for path in (tmp_path / "reports").iterdir()}
    assert after == before
