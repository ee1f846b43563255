"""A lab's folder: what is wrong is named by file and line, importing repeats, exporting gives the text back."""

from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as product
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from labs import bundles
from labs.bundles.lines import Lines
from labs.bundles.manifest import Manifest
from labs.bundles.reading import Reader
from labs.bundles.writing import manifest_text
from labs.models import Lab, LabCheck, LabStep

TOML = """\
slug = "greeting"        # the folder's name
level = "beginner"
minutes = 20
terminals = 2

[title]
zh = "问好"
en = "Greeting"
[summary]
zh = "学会问好。"
en = "Learn to greet."

[[nodes]]
name = "box"
image = "base"
cpus = 0.5
memory_mib = 128
links = ["other"]
[[nodes]]
name = "other"
image = "base"

[[steps]]
id = "hello"
[steps.title]
zh = "你好"
en = "Hello"

[[steps.checks]]
id = "says-hello"
node = "box"
points = 2
timeout_s = 5
clauses = ["yl-t-001:2026:service-health"]
[steps.checks.title]
zh = "会问好"
en = "It says hello"
[steps.checks.reasons.silent]
reason.zh = "没有声音"
reason.en = "It is silent"
hints.zh = ["再试", "用 echo"]
hints.en = ["Try again", "Use echo"]
[steps.checks.reasons.otherwise]
reason.zh = "别的"
reason.en = "Something else"
"""
PREVIEW = """\
[[previews]]
node = "box"
port = 8080
[previews.title]
zh = "网页"
en = "The page"
"""


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "greeting"
    for name in ("steps", "checks", "solve"):
        (root / name).mkdir(parents=True)
    (root / "lab.toml").write_text(TOML)
    (root / "steps/hello.zh.md").write_text("说你好。\n\n```run node=box\necho 你好\n```\n")
    (root / "steps/hello.en.md").write_text("Say hello.\n")
    (root / "checks/says-hello.sh").write_text("echo silent\nexit 1\n")
    (root / "solve/hello.box.sh").write_text("echo hello\n")
    return root


def faults(folder):
    with pytest.raises(bundles.BundleError) as error:
        bundles.read(folder)
    return [fault.removeprefix(f"{folder}/") for fault in error.value.faults]


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_valid_folder_is_read(folder):
    bundle = bundles.read(folder)
    assert bundle.manifest.node_names == ["box", "other"]
    assert bundle.bodies["hello", "en"] == "Say hello.\n"
    assert bundle.solve_order() == [("hello", "box", "echo hello\n")]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('level = "beginner"', 'level = "easy"', 2, "level"),
        ("minutes = 20", "minutes = -1", 3, "minutes"),
        ("minutes = 20", 'minutes = "20"', 3, "minutes"),
        ("minutes = 20", "minuets = 20", 3, "minuets"),
        ("minutes = 20", "minutes = = 20", 3, "Invalid value"),
        ("terminals = 2", "terminals = 9", 4, "at most 4 terminals"),
        ("terminals = 2", "terminals = 2\nhint_cost = -1", 5, "hint_cost"),
        ('slug = "greeting"', 'slug = "other"', 1, "folder's name"),
        ('en = "Learn to greet."', 'fr = "Bonjour."', 11, "summary.fr"),
        ('links = ["other"]', 'links = ["nobody"]', 18, "'nobody'"),
        ("memory_mib = 128", "memory_mib = 1", 17, "memory_mib"),
        ("memory_mib = 128", "read_only = false", 17, "read_only_reason"),
        ("memory_mib = 128", "root = true", 17, 'needs runtime = "runsc" or "kata"'),
        (
            "memory_mib = 128",
            'root = true\nruntime = "runsc"\nread_only = false\nread_only_reason = "so"',
            17,
            "no limit",
        ),
        ("memory_mib = 128", "memory_mib_max = 128", 17, "is less than memory_mib, 256"),
        ("memory_mib = 128", "cpus_max = 0.25", 17, "is less than cpus, 0.5"),
        ('name = "other"', 'name = "box"', 20, "'box' is there twice"),
        ('node = "box"', 'node = "nobody"', 31, "'nobody' is no node"),
        ("timeout_s = 5", "timeout_s = 61", 33, "timeout_s"),
        ('["yl-t-001:2026:service-health"]', '["nonsense"]', 34, "no clause reference"),
        ('hints.en = ["Try again", "Use echo"]', "hints.en = []", 41, "as many hints"),
        ("[[steps]]", PREVIEW.replace("box", "nobody") + "[[steps]]", 24, "'nobody'"),
        ("[[steps]]", PREVIEW.replace("8080", "65536") + "[[steps]]", 25, "port"),
        ("[[steps]]", PREVIEW * 2 + "[[steps]]", 31, "'box:8080' is there twice"),
        ("[steps.checks.reasons.otherwise]", "[steps.checks.reasons.other]", 38, "otherwise"),
    ],
)
def test_a_fault_in_lab_toml_is_named_with_its_line(folder, old, new, line, words):
    assert TOML.count(old) == 1
    (folder / "lab.toml").write_text(TOML.replace(old, new))
    found = [fault for fault in faults(folder) if words in fault]
    assert [fault.split(": ")[0] for fault in found] == [f"lab.toml:{line}"]


def test_every_fault_is_named_at_once(folder):
    (folder / "steps/hello.zh.md").unlink()
    (folder / "checks/says-hello.sh").write_text("")
    (folder / "checks/left-over.sh").write_text("exit 0\n")
    (folder / "solve/hello.nowhere.sh").write_text("exit 0\n")
    (folder / "steps/hello.en.md").write_text("Do\n\n```run node=nobody\nls\n```\n")
    assert faults(folder) == [
        "steps/hello.zh.md:1: is missing",
        "steps/hello.en.md:3: 'nobody' is no node of this lab",
        "checks/says-hello.sh:1: is empty",
        "checks/left-over.sh:1: belongs to no step, check or solution of lab.toml",
        "solve/hello.nowhere.sh:1: belongs to no step, check or solution of lab.toml",
    ]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"\xff\n", "1: is not UTF-8"),
        (b"fine\n\xe4\xbd\n", "2: is not UTF-8"),
        (b"a\r\n", "1: holds a NUL or carriage return; use plain text with line feeds"),
        (b"no end", "1: must end with a line feed"),
        (b"x" * 300_000 + b"\n", "1: is larger than 256 KiB"),
        (b"```run nodes=box\nls\n```\n", "1: write ```run node=NAME, not ```run nodes=box"),
    ],
)
def test_a_file_that_cannot_serve_is_named_with_its_line(folder, data, fault):
    (folder / "steps/hello.en.md").write_bytes(data)
    assert faults(folder) == [f"steps/hello.en.md:{fault}"]


def test_a_link_out_of_the_folder_is_refused(folder, tmp_path):
    (tmp_path / "secret").write_text("secret\n")
    (folder / "steps/hello.en.md").unlink()
    (folder / "steps/hello.en.md").symlink_to(tmp_path / "secret")
    assert faults(folder) == ["steps/hello.en.md:1: is a link; a lab holds only files of its own"]


def test_a_folder_without_a_lab_says_so(tmp_path):
    assert faults(tmp_path) == ["lab.toml:1: is missing"]


@pytest.mark.django_db
def test_importing_twice_changes_nothing_the_second_time(folder):
    bundle = bundles.read(folder)
    lab, changed = bundles.import_lab(bundle)
    assert changed
    before = (lab.updated_at, set(LabStep.objects.values_list("pk")), set(LabCheck.objects.values_list("pk")))
    lab, changed = bundles.import_lab(bundle)
    assert not changed
    assert before == (
        lab.updated_at,
        set(LabStep.objects.values_list("pk")),
        set(LabCheck.objects.values_list("pk")),
    )


@pytest.mark.django_db
def test_exporting_gives_the_same_text_back(folder, tmp_path):
    lab, _changed = bundles.import_lab(bundles.read(folder))
    bundles.export_lab(lab, tmp_path / "out")
    assert files(tmp_path / "out/greeting") == files(folder)


@pytest.mark.django_db
def test_a_lab_edited_since_is_exported_as_it_is_now(folder, tmp_path):
    lab, _changed = bundles.import_lab(bundles.read(folder))
    lab.title_en = 'Greeting "again" \\ 再'
    lab.hint_cost = 2
    lab.save()
    LabCheck.objects.filter(step__lab=lab).update(hint_cost=0)
    bundles.export_lab(lab, tmp_path / "out")
    again = bundles.read(tmp_path / "out/greeting")
    assert (again.manifest.hint_cost, [check.hint_cost for check in again.manifest.checks]) == (2, [0])
    assert again.manifest.title.en == lab.title_en
    assert again.scripts == bundles.read(folder).scripts
    assert bundles.import_lab(again)[0].title_en == lab.title_en


@pytest.mark.django_db
@pytest.mark.parametrize("edited", [False, True])
def test_a_shared_beginning_and_a_shared_file_of_checks_are_run_whole_and_exported_apart(
    folder, tmp_path, edited
):
    own = (folder / "checks/says-hello.sh").read_text()
    (folder / "checks/says-hello.sh").rename(folder / "checks/greets.sh")
    (folder / "checks/_common.sh").write_text("fail() { echo $1; exit 1; }\n")
    (folder / "lab.toml").write_text(
        TOML.replace('id = "says-hello"', 'id = "says-hello"\nscript = "greets"')
    )
    lab, _changed = bundles.import_lab(bundles.read(folder))
    assert LabCheck.objects.get().script == f"fail() {{ echo $1; exit 1; }}\n{own}"
    if edited:
        lab.title_en = "Edited since"
        lab.save()
    bundles.export_lab(lab, tmp_path / "out")
    there, here = files(tmp_path / "out/greeting"), files(folder)
    if edited:
        del there["lab.toml"], here["lab.toml"]
    assert there == here


@pytest.mark.django_db
def test_the_ports_a_lab_shows_are_kept_and_exported(folder, tmp_path):
    (folder / "lab.toml").write_text(TOML.replace("[[steps]]", PREVIEW + "[[steps]]"))
    lab, _changed = bundles.import_lab(bundles.read(folder))
    assert [(p["node"], p["port"], p["title"]["en"]) for p in lab.previews] == [("box", 8080, "The page")]
    lab.title_en = "Edited since"
    lab.save()
    bundles.export_lab(lab, tmp_path / "out")
    again, _changed = bundles.import_lab(bundles.read(tmp_path / "out" / "greeting"))
    assert again.previews == lab.previews


@pytest.mark.django_db
def test_what_left_the_folder_leaves_the_database(folder):
    bundles.import_lab(bundles.read(folder))
    text = TOML.replace('id = "hello"', 'id = "hi"').replace('id = "says-hello"', 'id = "says-hi"')
    (folder / "lab.toml").write_text(text)
    for old, new in (
        ("steps/hello.zh.md", "steps/hi.zh.md"),
        ("steps/hello.en.md", "steps/hi.en.md"),
        ("checks/says-hello.sh", "checks/says-hi.sh"),
        ("solve/hello.box.sh", "solve/hi.box.sh"),
    ):
        (folder / old).rename(folder / new)
    bundles.import_lab(bundles.read(folder))
    assert LabStep.objects.get().key == "hi"
    assert LabCheck.objects.get().key == "says-hi"


@pytest.mark.django_db
def test_the_browsers_line_ends_do_not_reach_the_text(folder, tmp_path):
    lab, _changed = bundles.import_lab(bundles.read(folder))
    step = lab.steps.get()
    step.body_en = "Say hello.\r\nAgain."
    step.full_clean()
    step.save()
    bundles.export_lab(lab, tmp_path / "out")
    assert (tmp_path / "out/greeting/steps/hello.en.md").read_bytes() == b"Say hello.\nAgain.\n"


@pytest.mark.django_db
def test_the_commands_import_check_and_export(folder, tmp_path):
    out = StringIO()
    call_command("import_labs", folder, "--check", stdout=out)
    assert not Lab.objects.exists()
    call_command("import_labs", folder, stdout=out)
    call_command("import_labs", folder, stdout=out)
    call_command("export_lab", "greeting", tmp_path / "out", stdout=out)
    assert out.getvalue().splitlines()[:3] == [
        "greeting: valid",
        "greeting: imported",
        "greeting: unchanged",
    ]
    assert files(tmp_path / "out/greeting") == files(folder)


@pytest.mark.django_db
def test_a_faulty_lab_imports_nothing_and_says_why(folder):
    (folder / "lab.toml").write_text(TOML.replace("minutes = 20", "minutes = 0"))
    with pytest.raises(CommandError, match=r"lab\.toml:3: minutes"):
        call_command("import_labs", folder)
    with pytest.raises(CommandError, match="There is no lab nothing"):
        call_command("export_lab", "nothing", folder)
    assert not Lab.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("slug", ["linux-processes", "load-balancing", "message-queue"])
def test_the_labs_of_this_repository_go_in_and_come_out_unchanged(slug, tmp_path):
    source = Path(product.LABS_BUNDLE_DIR) / slug
    lab, _changed = bundles.import_lab(bundles.read(source))
    bundles.export_lab(lab, tmp_path)
    assert files(tmp_path / slug) == files(source)


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=60)
keys = st.from_regex(r"\A[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4})?\Z")
both = st.fixed_dictionaries({"zh": words, "en": words})
reasons = st.dictionaries(keys, st.fixed_dictionaries({"reason": both}), max_size=3).flatmap(
    lambda some: both.map(lambda text: {**some, "otherwise": {"reason": text}})
)


@given(title=both, summary=both, why=reasons, hint=st.lists(words, max_size=3), cpus=st.floats(0.05, 8))
@settings(max_examples=60, deadline=None)
def test_the_plain_form_reads_back_as_what_it_was_written_from(
    title, summary, why, hint, cpus, tmp_path_factory
):
    for reason in why.values():
        reason["hints"] = {"zh": hint, "en": hint}
    manifest = Manifest.model_validate(
        {
            "slug": "any",
            "level": "advanced",
            "minutes": 5,
            "title": title,
            "summary": summary,
            "nodes": [{"name": "box", "image": "base", "cpus": cpus, "cpus_max": 8.0, "memory_mib_max": 512}],
            "steps": [
                {
                    "id": "one",
                    "title": title,
                    "checks": [{"id": "c", "node": "box", "title": title, "reasons": why}],
                }
            ],
        }
    )
    reader = Reader(tmp_path_factory.getbasetemp() / "any")
    assert reader.manifest(manifest_text(manifest)) == manifest
    assert reader.faults == []


def test_lines_are_found_past_values_of_several_lines():
    text = 'a = """\n[fake]\nb = 1\n"""\nc = [\n  "]",  # ]\n  2,\n]\n[t]\n"x y".z = \'\'\'\nq\'\'\'\n[[l]]\n[[l.m]]\nk = 1\n[[l.m]]\nk = 2\n'
    lines = Lines(text)
    assert lines.of(("a",)) == 1
    assert lines.of(("c",)) == 5
    assert lines.of(("t", "x y", "z")) == 10
    assert lines.of(("l", 0, "m", 0, "k")) == 14
    assert lines.of(("l", 0, "m", 1, "k")) == 16
    assert lines.of(("l", 0, "m", 1, "absent")) == 15
    assert ("fake",) not in lines.found
