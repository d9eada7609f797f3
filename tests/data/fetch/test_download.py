"""Downloads from servers that stall, truncate, lie and refuse."""

import hashlib
import random
import shutil
from types import SimpleNamespace

import pytest

from harness.data.fetch import room
from harness.data.fetch.download import DownloadError, Patience, download
from harness.data.fetch.registry import Archive
from harness.data.fetch.room import require_space
from harness.errors import DataError
from harness.host.progress import Transfer

CONTENT = random.Random(0).randbytes(3_000_000)
OTHER = random.Random(1).randbytes(3_000_000)
SHA256 = ("sha256", hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def waits():
    return []


@pytest.fixture
def get(site, tmp_path, waits):
    """Fetch a file by the paths where the site has it."""
    site.files["/a.zip"] = CONTENT
    patience = Patience(stall_s=0.3, attempts=3, wait_s=1.0, sleep=waits.append)

    def fetch(*paths, **known):
        urls = [path if ":" in path else site.url + path for path in paths or ["/a.zip"]]
        return download(Archive("a.zip", tuple(urls), **known), tmp_path, patience=patience)

    return fetch


def test_a_file_arrives_whole_and_is_not_fetched_again(get, tmp_path, site):
    path = get(size=len(CONTENT), hashed=SHA256)
    assert path.read_bytes() == CONTENT
    assert [one.name for one in tmp_path.iterdir()] == ["a.zip"]
    assert get(hashed=SHA256) == path
    assert len(site.asked) == 1


@pytest.mark.parametrize("hang", [False, True], ids=["truncated", "stalled"])
@pytest.mark.parametrize("hashed", [None, SHA256], ids=["no hash", "hash"])
def test_a_broken_transfer_goes_on_where_it_stopped(get, site, waits, hang, hashed):
    site.answers["/a.zip"] = [site.cut(1_000_000, hang=hang)]
    assert get(hashed=hashed).read_bytes() == CONTENT
    assert site.ranges("/a.zip") == [None, "bytes=1000000-"]
    assert site.asked[1][1]["If-Range"] == f'"{SHA256[1][:8]}"'
    assert len(waits) == 1


def test_the_next_call_goes_on_where_the_last_one_stopped(get, site):
    site.answers["/a.zip"] = [site.cut(1_000_000), site.code(404)]
    with pytest.raises(DownloadError):
        get()
    assert get().read_bytes() == CONTENT
    assert site.ranges("/a.zip")[-1] == "bytes=1000000-"


def test_a_server_without_ranges_sends_it_all_again(get, site):
    site.answers["/a.zip"] = [site.cut(1_000_000), site.cut(3_000_000)]
    assert get(hashed=SHA256).read_bytes() == CONTENT
    assert site.ranges("/a.zip") == [None, "bytes=1000000-"]


def test_a_file_that_changed_meanwhile_is_fetched_anew(get, site):
    site.answers["/a.zip"] = [site.cut(1_000_000), site.code(404)]
    with pytest.raises(DownloadError):
        get()
    site.files["/a.zip"] = OTHER
    assert get().read_bytes() == OTHER


def test_a_part_longer_than_the_file_is_dropped(get, site):
    site.answers["/a.zip"] = [site.cut(1_000_000), site.code(404)]
    with pytest.raises(DownloadError):
        get(hashed=("md5", hashlib.md5(CONTENT[:500]).hexdigest()))
    site.files["/b.zip"] = CONTENT[:500]
    assert get("/b.zip", hashed=("md5", hashlib.md5(CONTENT[:500]).hexdigest()))


def test_a_file_of_unknown_length_ends_with_its_last_chunk(get, site):
    def chunks(*, whole):
        def answer(handler, content):
            handler.protocol_version = "HTTP/1.1"
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.send_header("Connection", "close")
            handler.end_headers()
            for start in range(0, len(content) if whole else 1_000_000, 500_000):
                piece = content[start : start + 500_000]
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            handler.wfile.write(b"0\r\n\r\n" if whole else b"7a120\r\nabc")

        return answer

    site.answers["/a.zip"] = [chunks(whole=False), chunks(whole=True)]
    assert get().read_bytes() == CONTENT
    assert len(site.asked) == 2


def test_a_server_that_always_truncates_is_given_up(get, site, waits, tmp_path):
    site.answers["/a.zip"] = [site.cut(1_000_000)] * 9
    with pytest.raises(DownloadError, match=r"ended at 1000000 of 3000000 bytes \(3 tries\)"):
        get()
    assert waits == [1.0, 2.0]
    assert (tmp_path / "a.zip.part").stat().st_size == 1_000_000


def test_a_wrong_hash_is_told_and_the_next_mirror_tried(get, site, tmp_path, caplog):
    site.files["/lie.zip"] = OTHER
    with caplog.at_level("WARNING", logger="harness"):
        assert get("/lie.zip", "/a.zip", hashed=SHA256).read_bytes() == CONTENT
    with pytest.raises(DownloadError) as told:
        get("/lie.zip", hashed=("sha256", "0" * 64))
    assert f"expected sha256 {'0' * 64}, found {hashlib.sha256(OTHER).hexdigest()}" in str(
        told.value
    )
    assert not list(tmp_path.iterdir())  # nothing that is wrong is left


def test_a_part_that_was_damaged_costs_one_more_try_of_the_same_address(get, site, tmp_path):
    site.answers["/a.zip"] = [site.cut(1_000_000), site.code(404)]
    with pytest.raises(DownloadError):
        get(hashed=SHA256)
    part = tmp_path / "a.zip.part"
    part.write_bytes(bytes(part.stat().st_size))
    assert get(hashed=SHA256).read_bytes() == CONTENT
    assert site.ranges("/a.zip")[-2:] == ["bytes=1000000-", None]


def test_missing_files_and_dead_servers_lead_to_the_next_mirror(get, site, waits):
    dead = "http://127.0.0.1:9/a.zip"
    assert get("/none.zip", dead, "/a.zip", hashed=SHA256).read_bytes() == CONTENT
    assert waits == []  # no use to wait for either
    with pytest.raises(DownloadError, match="404") as told:
        get("/none.zip", dead, hashed=("sha256", "0" * 64))
    assert dead in str(told.value)


def test_a_busy_server_is_asked_again_when_it_says(get, site, waits):
    site.answers["/a.zip"] = [site.code(503, Retry_After="7"), site.code(500)]
    assert get(hashed=SHA256).read_bytes() == CONTENT
    assert waits == [7.0, 2.0]


def test_another_size_than_known_is_refused_before_it_is_fetched(get, site, tmp_path):
    with pytest.raises(DownloadError, match="expected 17 bytes, the server has 3000000"):
        get(size=17)
    assert not list(tmp_path.iterdir())


def endless(handler, content):
    """Send without saying how much, for as long as somebody listens."""
    handler.protocol_version = "HTTP/1.0"
    handler.send_response(200)
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(bytes(2**16))


@pytest.mark.parametrize(
    ("facts", "most"), [({"size": 100_000}, 100_000), ({"about": 400_000}, 900_000), ({}, 10**6)]
)
def test_no_more_is_taken_than_is_stated_or_allowed(get, site, tmp_path, monkeypatch, facts, most):
    monkeypatch.setattr(room, "_SPARE", 100_000)
    monkeypatch.setattr(room, "_LIMIT", 10**6)
    written = []
    monkeypatch.setattr(Transfer, "advance", lambda _, count: written.append(count))
    site.answers["/a.zip"] = [endless]
    with pytest.raises(DownloadError, match=f"expected at most {most} bytes, the server sends"):
        get(**facts)
    assert most - 2**18 <= sum(written) <= most
    assert not list(tmp_path.iterdir())


def test_a_file_larger_than_allowed_is_refused_before_it_is_fetched(get, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_LIMIT", 10**6)
    with pytest.raises(DownloadError, match="at most 1000000 bytes, the server has 3000000"):
        get()
    assert not list(tmp_path.iterdir())


def test_redirects_lead_to_web_addresses_only(get, site, tmp_path):
    secret = tmp_path.parent / "secret"
    secret.write_text("not for us")
    site.answers["/moved"] = [site.code(302, Location="/a.zip")]
    site.answers["/file"] = [site.code(302, Location=secret.as_uri())]
    site.answers["/ftp"] = [site.code(301, Location="ftp://127.0.0.1/a.zip")]
    for path in ("/file", "/ftp", secret.as_uri()):
        with pytest.raises(DownloadError, match=r"redirects to|http or https"):
            get(path)
    assert get("/moved", hashed=SHA256).read_bytes() == CONTENT


def test_a_trickle_counts_as_a_stall(site, tmp_path):
    def trickle(handler, content):
        site.code(200, Content_Length=str(len(content)))(handler, content)
        for byte in content[:200]:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            if site.released.wait(0.01):
                return

    site.files["/a.zip"] = CONTENT
    site.answers["/a.zip"] = [trickle]
    patience = Patience(slow_bytes=1000, slow_s=0.1, wait_s=0.0, attempts=3)
    archive = Archive("a.zip", (f"{site.url}/a.zip",), hashed=SHA256)
    assert download(archive, tmp_path, patience=patience).read_bytes() == CONTENT
    assert len(site.asked) == 2


def test_a_full_disk_is_told_before_anything_is_fetched(get, site, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**6))
    with pytest.raises(DataError, match=r"expected 2.07 GB free on the disk, found 0.00 GB"):
        require_space(tmp_path, 2 * 10**9)
    with pytest.raises(DataError, match="free on the disk"):
        get()
    assert not (tmp_path / "a.zip.part").exists()


def test_ctrl_c_keeps_what_has_arrived(site, tmp_path):
    def interrupt(_):
        raise KeyboardInterrupt

    site.files["/a.zip"] = CONTENT
    site.answers["/a.zip"] = [site.cut(1_000_000)]
    archive = Archive("a.zip", (f"{site.url}/a.zip",))
    with pytest.raises(KeyboardInterrupt):
        download(archive, tmp_path, patience=Patience(sleep=interrupt))
    assert download(archive, tmp_path).read_bytes() == CONTENT
    assert site.ranges("/a.zip") == [None, "bytes=1000000-"]
