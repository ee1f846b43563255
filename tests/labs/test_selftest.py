"""The isolation self-test: its batches, its pages, its row, and the whole of it on the real engine."""

import subprocess
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from labs.drivers.docker import seccomp_page
from labs.drivers.docker.images import build_all
from labs.isolation import document
from labs.isolation.attack import SILENT, batch_text, read
from labs.isolation.probe import Outcome, Verdict
from labs.isolation.probes import AREAS
from labs.models import IsolationReport

DOCS = Path(__file__).resolve().parents[2] / "docs"
PROBES = [probe for area in AREAS for probe in area.probes]


@pytest.fixture
def built() -> str:
    return build_all(DOCS.parent / "sandbox_images", lambda _line: None)["base"]


def run(scripts: dict[str, str], **facts: str) -> dict[str, tuple[Verdict, str]]:
    text = batch_text(scripts, facts, patience_s=2)
    done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=False)
    return read(done.stdout)


def test_there_are_at_least_a_hundred_probes_with_names_of_their_own():
    assert len(PROBES) >= 100
    assert len({probe.key for probe in PROBES}) == len(PROBES)


@pytest.mark.parametrize(
    ("script", "verdict"),
    [
        ("true", Verdict.HELD),
        ("refused 'no such file' cat /nowhere/at/all", Verdict.HELD),
        ("refused 'no such file' true", Verdict.BROKEN),
        ("refused 'not permitted' cat /nowhere/at/all", Verdict.UNCLEAR),
        ("refused 'not permitted' no-such-tool", Verdict.UNCLEAR),
        ("shut 'is a directory' /", Verdict.HELD),
        ("shut 'denied' /dev/null", Verdict.BROKEN),
        ("same a b 'the letter'", Verdict.BROKEN),
        ("answers 0 39", Verdict.HELD),
        ("answers 1 39", Verdict.BROKEN),
        ("sleep 30", Verdict.UNCLEAR),
        ("exit 0", Verdict.UNCLEAR),
        ("if", Verdict.UNCLEAR),
        ("unreachable 127.0.0.1:1", Verdict.BROKEN),
    ],
)
def test_a_script_is_judged_by_what_it_says_and_never_holds_by_accident(script: str, verdict: Verdict):
    assert run({"one": script})["one"][0] is verdict


def test_probes_of_a_batch_do_not_disturb_each_other():
    told = run({"first": "exit 3", "second": "broken $WHAT", "third": "cd /; true"}, WHAT="it's open")
    assert {key: verdict for key, (verdict, _detail) in told.items()} == {
        "first": Verdict.UNCLEAR,
        "second": Verdict.BROKEN,
        "third": Verdict.HELD,
    }
    assert told["second"][1] == "it's open"
    assert told["first"][1] == SILENT


def test_the_page_of_probes_is_current():
    assert (DOCS / "isolation-probes.md").read_text() == document.document(), (
        "run: python manage.py isolation_selftest --document > docs/isolation-probes.md"
    )


def test_the_page_of_system_calls_is_current():
    assert (DOCS / "seccomp.md").read_text() == seccomp_page.document(), (
        "run: python manage.py seccomp_profile --document > docs/seccomp.md"
    )


def test_a_failed_probe_fails_the_command_and_stays_in_the_row(db, monkeypatch: pytest.MonkeyPatch):
    def one_gave_way(say):
        outcome = Outcome("kernel", "clone3", Verdict.BROKEN, "answered 0")
        say(outcome)
        rows = [{"area": "kernel", "key": "clone3", "verdict": "broken", "detail": "answered 0"}]
        return IsolationReport.objects.create(
            host_name="h", began_at=timezone.now(), held=0, failed=1, outcomes=rows
        )

    monkeypatch.setattr("labs.management.commands.isolation_selftest.run_selftest", one_gave_way)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("isolation_selftest", stdout=out)
    assert "BROKEN   kernel/clone3: answered 0" in out.getvalue()


@pytest.mark.docker
@pytest.mark.xdist_group("measures")
@pytest.mark.django_db
def test_this_machine_passes_its_own_self_test(settings, tmp_path: Path, built: str):
    settings.SANDBOX_DRIVER, settings.SANDBOX_RUN_DIR = "docker", tmp_path / "keepers"
    settings.INSTALLATION_ID = "selftest"
    out = StringIO()
    try:
        call_command("isolation_selftest", stdout=out)
    except CommandError as error:
        failed = [line for line in out.getvalue().splitlines() if not line.startswith("HELD")]
        pytest.fail("\n".join([str(error), *failed]))
    report = IsolationReport.objects.newest().get()
    assert report.holds
    assert report.held == len(PROBES) == len(report.outcomes)
    assert f"{len(PROBES)} held, 0 failed" in out.getvalue()
