"""The list of settings."""


def test_settings_lists_keys_and_profiles(invoke):
    output = invoke("settings").stdout
    assert "train.schedule" in output
    assert "(halving, onecycle, cosine)" in output
    assert "profile=smoke: data.train=sample" in output


def test_settings_of_numbers_show_both_bounds(invoke):
    lines = {line.split()[0]: line for line in invoke("settings").stdout.splitlines() if line}
    assert lines["train.batch"].endswith("(from 1 to 65,536)")
    assert lines["seeds"].endswith("(from 0 to 4,294,967,295)")
    assert lines["train.lr"].endswith("(from 1e-12 to 3e+38)")
    assert "from" not in lines["rows"]
    assert "from" not in lines["train.channels_last"]
