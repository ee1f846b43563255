"""The files of a node over HTTP: what the lab page does with them, and what it may not."""

import io
import json
import os
import tarfile
import threading
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from labs import sessions
from labs.drivers.base import DriverBusy
from labs.files import contents, places
from labs.files.refusals import NodeSilent
from labs.lifecycle import State
from tests.labs.factories import LearnerFactory, SessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def opened(engine, learner):
    session = SessionFactory(learner=learner)
    engine.create(session.sandbox.spec())
    return session


@pytest.fixture
def home(engine, opened) -> Path:
    return engine.sandboxes[opened.sandbox.ref].nodes["box"].folder.path


class Files:
    """What a page asks of the files of one node."""

    def __init__(self, session, person, node="box"):
        self.client = Client()
        self.client.force_login(person, "django.contrib.auth.backends.ModelBackend")
        self.base = f"/api/v1/lab-sessions/{session.pk}/nodes/{node}/files"

    def list(self, path=""):
        return self.client.get(self.base, {"path": path, "lang": "en"})

    def names(self, path=""):
        return [entry["name"] for entry in self.list(path).json()["entries"]]

    def read(self, path):
        return self.client.get(f"{self.base}/text", {"path": path, "lang": "en"})

    def write(self, path, content, version=""):
        query = {"path": path, "version": version, "lang": "en"}
        return self.client.put(
            f"{self.base}/content", content, content_type="application/octet-stream", query_params=query
        )

    def post(self, door, **wish):
        return self.client.post(
            f"{self.base}/{door}?lang=en", json.dumps(wish), content_type="application/json"
        )

    def remove(self, path):
        return self.client.delete(self.base, query_params={"path": path, "lang": "en"})

    def download(self, path):
        return self.client.get(f"{self.base}/download", {"path": path})


@pytest.fixture
def files(opened, learner):
    return Files(opened, learner)


def whole(response) -> bytes:
    async def read():
        return b"".join([part async for part in response.streaming_content])

    return async_to_sync(read)()


def test_a_folder_is_listed_folders_first_with_what_each_entry_is(files, home):
    (home / "b.txt").write_text("hello")
    (home / "z").mkdir()
    (home / "away").symlink_to("z")
    (home / "lost").symlink_to("nowhere")
    os.mkfifo(home / "pipe")
    entries = {entry["name"]: entry for entry in files.list().json()["entries"]}
    assert list(entries) == ["away", "z", "b.txt", "lost", "pipe"]
    assert (entries["b.txt"]["kind"], entries["b.txt"]["size"]) == ("file", 5)
    assert (entries["away"]["kind"], entries["away"]["target"]) == ("link", "folder")
    assert (entries["lost"]["target"], entries["pipe"]["kind"]) == ("nothing", "other")


def test_names_that_are_no_text_are_shown_escaped_and_opened_by_their_bytes(files, home):
    name = b"a\nb\xff\xe4\xba"
    Path(os.fsdecode(os.fsencode(home) + b"/" + name)).write_text("odd")
    (entry,) = files.list().json()["entries"]
    assert entry["name"] == "a\\nb\\xff\\xe4\\xba"
    assert files.read(entry["path"]).json()["text"] == "odd"
    answer = files.download(entry["path"])
    answer.close()
    assert answer["Content-Disposition"].endswith("''a%0Ab%FF%E4%BA")


def test_a_text_is_read_and_saved_with_its_version(files, home):
    (home / "notes.sh").write_text("echo 云\n")
    (home / "notes.sh").chmod(0o755)
    opened = files.read("notes.sh").json()
    assert opened["text"] == "echo 云\n"
    saved = files.write("notes.sh", b"echo new\n", opened["version"])
    assert (saved.status_code, (home / "notes.sh").read_text()) == (200, "echo new\n")
    assert (home / "notes.sh").stat().st_mode & 0o777 == 0o755
    again = files.write("notes.sh", b"echo newer\n", saved.json()["version"])
    assert (again.status_code, os.listdir(home)) == (200, ["notes.sh"])


def test_a_save_over_another_change_is_refused_and_explained(files, home):
    (home / "notes").write_text("first")
    version = files.read("notes").json()["version"]
    (home / "notes").write_text("by a program")
    refused = files.write("notes", b"mine", version)
    assert (refused.status_code, refused.json()["code"]) == (409, "file_conflict")
    assert "changed in the meantime" in refused.json()["detail"]
    assert (home / "notes").read_text() == "by a program"
    assert files.write("notes", b"mine", "*").status_code == 200


def test_a_new_file_never_replaces_one_that_is_there(files, home):
    assert files.write("new", b"a").status_code == 200
    assert files.write("new", b"b").json()["code"] == "file_exists"
    assert (home / "new").read_text() == "a"


def test_saving_through_a_link_changes_what_it_leads_to(files, home):
    (home / "real").write_text("old")
    (home / "link").symlink_to("real")
    version = files.read("link").json()["version"]
    assert files.write("link", b"new", version).status_code == 200
    assert (home / "link").is_symlink()
    assert (home / "real").read_text() == "new"


def test_folders_are_made_renamed_and_removed(files, home):
    assert files.post("folders", path="a").status_code == 201
    assert files.post("folders", path="a").json()["code"] == "file_exists"
    (home / "a" / "deep").mkdir()
    (home / "a" / "deep" / "file").write_text("x")
    assert files.post("moves", path="a", target="b").status_code == 200
    assert files.remove("b").status_code == 204
    assert files.remove("b").json()["code"] == "file_missing"
    assert files.names() == []


def test_a_rename_never_overwrites(files, home):
    (home / "a").write_text("a")
    (home / "b").write_text("b")
    assert files.post("moves", path="a", target="b").json()["code"] == "file_exists"
    assert (home / "b").read_text() == "b"


def test_removing_a_folder_leaves_what_its_links_lead_to(files, home):
    (home / "kept").mkdir()
    (home / "kept" / "file").write_text("x")
    (home / "a").mkdir()
    (home / "a" / "link").symlink_to("../kept")
    assert files.remove("a").status_code == 204
    assert (home / "kept" / "file").exists()
    (home / "link").symlink_to("kept")
    assert files.remove("link").status_code == 204
    assert (home / "kept" / "file").exists()


@pytest.mark.parametrize("path", ["", ".", "/", "a/..", "a/."])
def test_neither_the_home_nor_the_whole_disk_is_removed(files, home, path):
    (home / "a").mkdir()
    assert files.remove(path).status_code == 409
    assert (home / "a").exists()


def test_a_pipe_or_a_device_is_never_opened(files, home):
    os.mkfifo(home / "pipe")
    (home / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        assert files.read(name).json()["code"] == "file_not_file"
        assert files.download(name).status_code == 409
        assert files.write(name, b"x", "*").json()["code"] == "file_not_file"


def test_what_is_no_text_is_not_opened_as_text(files, home):
    (home / "program").write_bytes(b"\x7fELF\0\xff")
    assert files.read("program").status_code == 415
    assert whole(files.download("program")) == b"\x7fELF\0\xff"


def test_the_editor_the_upload_and_the_download_have_their_limits(files, home, settings):
    settings.LABS_EDIT_KIB = settings.LABS_UPLOAD_MIB = settings.LABS_DOWNLOAD_MIB = 1
    (home / "big").write_bytes(b"x" * (2**20 + 1))
    assert files.read("big").status_code == 413
    assert files.download("big").status_code == 413
    assert files.write("new", b"x" * (2**20 + 1)).status_code == 413
    assert files.write("fits", b"x" * 2**20).status_code == 200
    assert files.names() == ["big", "fits"]


def test_a_download_larger_than_the_limit_breaks_off(files, home, settings):
    settings.LABS_DOWNLOAD_MIB = 1
    (home / "folder").mkdir()
    for name in ("one", "two"):
        (home / "folder" / name).write_bytes(os.urandom(700 * 1024))
    with pytest.raises(NodeSilent):
        whole(files.download("folder"))


def test_a_folder_comes_down_as_a_tar_with_links_as_links(files, home):
    (home / "work").mkdir()
    (home / "work" / "-file").write_text("x")
    (home / "work" / "link").symlink_to("/etc/passwd")
    os.mkfifo(home / "work" / "pipe")
    answer = files.download("work")
    assert answer["Content-Disposition"] == "attachment; filename*=UTF-8''work.tar"
    with tarfile.open(fileobj=io.BytesIO(whole(answer))) as tar:
        found = {member.name: member for member in tar.getmembers()}
    assert found["./work/link"].linkname == "/etc/passwd"
    assert found["./work/pipe"].isfifo()
    assert found["./work/-file"].size == 1


def test_what_comes_from_a_node_is_never_shown_by_the_browser(files, home):
    (home / "page.html").write_text("<script>alert(1)</script>")
    answer = files.download("page.html")
    answer.close()
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment")


def test_a_file_that_grows_while_it_is_read_comes_to_an_end(files, home):
    (home / "log").write_bytes(b"x" * 200_000)
    stop = threading.Event()

    def grow():
        with (home / "log").open("ab") as log:
            while not stop.is_set():
                log.write(b"y" * 65536)

    growing = threading.Thread(target=grow)
    answer = files.download("log")
    growing.start()
    try:
        assert whole(answer) == b"x" * 200_000
    finally:
        stop.set()
        growing.join()


def test_nobody_elses_files_are_to_be_had(opened, home):
    (home / "secret").write_text("mine")
    stranger = Files(opened, LearnerFactory())
    assert stranger.list().status_code == 404
    assert stranger.read("secret").status_code == 404
    assert stranger.write("x", b"x").status_code == 404
    assert stranger.remove("secret").status_code == 404
    assert Client().get(stranger.base).status_code == 401
    assert (home / "secret").exists()


def test_a_machine_that_is_not_there_has_no_files(opened, learner):
    assert Files(opened, learner, "nothing").list().status_code == 404


def test_a_machine_that_does_not_run_says_to_wait(engine, learner):
    session = SessionFactory(learner=learner, state=State.PROVISIONING)
    answer = Files(session, learner).list()
    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")


@pytest.mark.django_db(transaction=True, available_apps=[app.name for app in apps.get_app_configs()])
def test_a_frozen_machine_is_woken_for_its_files(transactional_db, opened, files):
    sessions.suspend(opened)
    assert opened.sandbox.state == State.SUSPENDED
    assert files.list().status_code == 200
    assert opened.sandbox.state == State.READY


def test_one_that_takes_long_to_wake_says_to_wait(opened, files, monkeypatch, committed):
    committed(sessions.suspend, opened)
    monkeypatch.setattr("labs.waking.WAIT_S", 0)
    answer = files.list()
    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")
    assert opened.sandbox.wished_state == State.READY


def test_a_node_without_room_for_a_process_is_told_in_words(engine, files):
    engine.fail("open_files", DriverBusy("no process could be started"))
    answer = files.list()
    assert (answer.status_code, answer.json()["code"]) == (503, "node_silent")
    assert "End programs" in answer.json()["remedy"]


def test_an_answer_that_breaks_off_is_no_answer(opened, home, monkeypatch):
    place = places.place_of(opened, "box")
    (home / "a").write_text("x" * 100_000)
    monkeypatch.setattr("labs.files.talk.LONGEST_FRAME", 1000)
    with pytest.raises(NodeSilent):
        contents.read_text(place, b"a")


@hypothesis_settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.binary(min_size=1, max_size=40))
def test_whatever_a_name_is_nothing_leaves_the_node_or_stumbles(files, home, name):
    answer = files.write(quote_from_bytes(name), b"x", "*")
    assert answer.status_code in {200, 409}
    answer = files.read(quote_from_bytes(name))
    assert answer.status_code in {200, 409}
    files.remove(quote_from_bytes(name))
