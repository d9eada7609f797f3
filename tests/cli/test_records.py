"""The list of what has been run."""


def test_records_are_listed_by_set_and_by_image(tiny, tmp_path, invoke):
    assert "there are no records" in invoke("records", "--results", tmp_path).stderr
    invoke("run", *tiny)
    by_set = invoke("records", "--results", tmp_path, "--format", "csv").stdout.splitlines()
    by_image = invoke("records", "--results", tmp_path, "--images", "--format", "csv")
    assert len(by_set) == 1 + 3
    assert len(by_image.stdout.splitlines()) == 1 + 3 * 2
    assert "wdsr" not in invoke("records", "--results", tmp_path).stdout
