"""The list of settings."""


def test_settings_lists_keys_and_profiles(invoke):
    output = invoke("settings").stdout
    assert "train.schedule" in output
    assert "(halving, onecycle, cosine)" in output
    assert "profile=smoke: data.train=sample" in output
