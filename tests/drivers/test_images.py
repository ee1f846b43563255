"""Images are named by what goes into them, and built only when that changed."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.errors import APIError

from labs.drivers.base import DriverError
from labs.drivers.docker import bootstrap
from labs.drivers.docker.bootstrap import BASE_IMAGE, ensure_base, host_sources, image_id
from labs.drivers.docker.engine import api
from labs.drivers.docker.images import build_all, missing, recipes, tag_of, tags_of

PARENTS = {BASE_IMAGE: "sha256:one"}


def image(folder: Path, name: str, dockerfile: str, **files: str) -> None:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "Dockerfile").write_text(dockerfile)
    for path, content in files.items():
        (folder / name / path).write_text(content)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    image(tmp_path, "ground", f"FROM {BASE_IMAGE}\nCOPY page /page\n", page="one")
    image(tmp_path, "child", "FROM yunlian/ground\nRUN true\n")
    (tmp_path / "labs").mkdir()
    return tmp_path


def digests(folder: Path) -> dict[str, str]:
    known = dict(PARENTS)
    for recipe in recipes(folder).values():
        known[recipe.name] = recipe.digest(known)
    return known


def test_parents_come_before_children(folder: Path):
    image(folder, "aaa", "FROM yunlian/child AS x\nFROM yunlian/ground\n")
    assert list(recipes(folder)) == ["ground", "child", "aaa"]


def test_an_unchanged_folder_has_the_same_hash(folder: Path):
    before = digests(folder)
    (folder / "ground" / "page").write_text("one")
    assert digests(folder) == before


def test_a_changed_file_changes_the_image_and_what_stands_on_it(folder: Path):
    before = digests(folder)
    (folder / "ground" / "page").write_text("two")
    after = digests(folder)
    assert after["ground"] != before["ground"]
    assert after["child"] != before["child"]


def test_a_changed_child_leaves_its_parent(folder: Path):
    before = digests(folder)
    image(folder, "child", "FROM yunlian/ground\nRUN false\n")
    after = digests(folder)
    assert after["ground"] == before["ground"]
    assert after["child"] != before["child"]


def test_a_file_made_executable_changes_the_image_but_an_umask_does_not(folder: Path):
    before = digests(folder)
    (folder / "ground" / "page").chmod(0o600)
    assert digests(folder) == before
    (folder / "ground" / "page").chmod(0o755)
    assert digests(folder) != before


def test_another_base_image_changes_every_image(folder: Path):
    recipe = recipes(folder)["ground"]
    assert recipe.digest({BASE_IMAGE: "sha256:one"}) != recipe.digest({BASE_IMAGE: "sha256:two"})


@pytest.mark.parametrize(
    ("dockerfile", "complaint"),
    [
        ("FROM yunlian/nowhere\n", "there is none"),
        ("FROM debian:bookworm\n", "stands on no image of ours"),
        ("FROM yunlian/child\n", "stand on each other"),
    ],
)
def test_a_folder_that_cannot_be_built_says_why(folder: Path, dockerfile: str, complaint: str):
    image(folder, "child", "FROM yunlian/zzz\n")
    image(folder, "zzz", dockerfile)
    with pytest.raises(DriverError, match=complaint):
        recipes(folder)


def test_without_a_folder_the_image_built_last_is_taken():
    assert tag_of("base") == "yunlian/base:latest"


def test_the_images_of_the_repository_stand_on_each_other_properly():
    found = recipes(Path(__file__).parents[2] / "sandbox_images")
    assert next(iter(found)) == "base"


def test_the_hosts_own_sources_are_those_of_the_suite():
    for line in host_sources():
        assert line.startswith("deb ")
        assert line.split()[2].startswith("bookworm")


def test_a_bootstrap_that_fails_names_its_cause():
    with pytest.raises(DriverError, match="no such mirror"):
        bootstrap._run(["sh", "-c", "echo no such mirror >&2; exit 3"], lambda _line: None)


def test_without_registry_and_bootstrap_tool_the_fix_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap.shutil, "which", lambda _name: None)
    with pytest.raises(DriverError, match="apt-get install mmdebstrap"):
        bootstrap._bootstrap(lambda _line: None)


@pytest.mark.docker
class TestOnTheEngine:
    @pytest.fixture
    def name(self) -> Iterator[str]:
        name = f"t{uuid.uuid4().hex[:10]}"
        yield name
        for tagged in api().images(name=f"yunlian/{name}"):
            for tag in tagged["RepoTags"]:
                api().remove_image(tag, force=True)

    def test_an_image_is_built_once(self, base_image: str, tmp_path: Path, name: str):
        image(tmp_path, name, f"FROM {BASE_IMAGE}\nCOPY page /page\n", page="云联")
        said: list[str] = []
        assert missing(tmp_path) == [name]
        tags = build_all(tmp_path, said.append)
        assert tags == tags_of(tmp_path)
        assert any("building" in line for line in said)
        built = image_id(tags[name])
        assert built == image_id(f"yunlian/{name}:latest")
        said.clear()
        build_all(tmp_path, said.append)
        assert not any("building" in line for line in said)
        assert image_id(tags[name]) == built
        assert missing(tmp_path) == []

    def test_a_failing_build_tells_its_last_words(self, base_image: str, tmp_path: Path, name: str):
        image(tmp_path, name, f"FROM {BASE_IMAGE}\nRUN echo the very cause && false\n")
        with pytest.raises(DriverError, match="the very cause"):
            build_all(tmp_path, lambda _line: None)

    def test_an_unknown_image_is_refused_by_name(self, base_image: str, tmp_path: Path, name: str):
        image(tmp_path, name, f"FROM {BASE_IMAGE}\n")
        with pytest.raises(DriverError, match="has no image other"):
            build_all(tmp_path, lambda _line: None, only="other")

    def test_a_base_that_is_there_is_neither_pulled_nor_made(self, base_image: str):
        said: list[str] = []
        assert ensure_base(said.append) == image_id(BASE_IMAGE)
        assert said == []

    def test_a_pulled_base_gets_the_same_tag_as_a_bootstrapped_one(
        self, base_image: str, monkeypatch: pytest.MonkeyPatch, name: str
    ):
        """The engine's own answer to a pull needs a registry; here one image stands in for what it would bring."""
        api().tag(BASE_IMAGE, f"yunlian/{name}", tag="pulled")

        class Registry:
            def pull(self, _name: str, **_wishes: object) -> list[dict[str, str]]:
                return [{"status": "Pull complete"}]

            def tag(self, _pulled: str, repository: str, *, tag: str) -> None:
                api().tag(f"yunlian/{name}:pulled", repository, tag=tag)

        monkeypatch.setattr(bootstrap, "api", lambda *_timeout: Registry())
        assert bootstrap._pulled(lambda _line: None)
        monkeypatch.undo()
        assert image_id(BASE_IMAGE) == image_id(f"yunlian/{name}:pulled")

    def test_where_no_registry_answers_the_pull_says_so(
        self, base_image: str, monkeypatch: pytest.MonkeyPatch
    ):
        class NoRegistry:
            def pull(self, _name: str, **_wishes: object) -> object:
                raise APIError("no such host")

        monkeypatch.setattr(bootstrap, "api", lambda *_timeout: NoRegistry())
        said: list[str] = []
        assert not bootstrap._pulled(said.append)
        assert "bootstrapping" in said[-1]
