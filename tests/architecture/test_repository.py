"""What may not be in the repository, and what must."""

import ast
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
REGISTRIES = (
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.",
    "npm" + "mirror.",
    "deb.deb" + "ian.org",
    "security.deb" + "ian.org",
    "snapshot.deb" + "ian.org",
    "registry-1.doc" + "ker.io",
    "mirrors." + "aliyun",
    "tuna.tsing" + "hua",
)
DOORS = {"labs": 12, "courses": 3, "certification": 3, "community": 3}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_no_tracked_file_names_a_package_registry():
    named = []
    for path in tracked():
        text = path.read_bytes().decode(errors="ignore").lower()
        named += [f"{path.relative_to(ROOT)}: {host}" for host in REGISTRIES if host in text]
    assert named == []


def test_the_locks_carry_hashes_and_no_addresses():
    for name in ("requirements.lock", "uv.requirements"):
        text = (ROOT / name).read_text()
        assert "--hash=sha256:" in text
        assert "http" not in text.replace("httpx", "").replace("httptools", "").replace("httpcore", "")
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()


def test_the_scripts_can_be_run():
    for name in ("dev", ".ci/run"):
        assert os.access(ROOT / name, os.X_OK), f"chmod +x {name}"
        subprocess.run(["bash", "-n", ROOT / name], check=True)


@pytest.mark.parametrize("app", sorted(DOORS))
def test_every_task_is_a_thin_door(app):
    path = ROOT / app / "tasks.py"
    if not path.exists():
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno
            assert lines <= DOORS[app], f"{path.name}: {node.name} has {lines} lines; a task calls one verb"


def test_no_module_outgrows_its_room_and_no_function_its_screen():
    too_long = []
    for path in tracked():
        if (
            path.suffix != ".py"
            or "migrations" in path.parts
            or path.parts[len(ROOT.parts)] in {"tests", "bench"}
        ):
            continue
        source = path.read_text()
        if source.count("\n") > 400:
            too_long.append(f"{path.relative_to(ROOT)}: {source.count(chr(10))} lines")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > 60:
                    too_long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines")
    assert not too_long, "\n".join(too_long)
