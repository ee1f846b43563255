"""What we sign, in the eyes of others: the npm stack with the published contexts, offline."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from certification import issuers, issuing, publishing, shapes, signing
from certification.keys import our_issuer
from certification.shapes import BADGE, STATUS_LIST
from certification.status_list import Purpose
from tests.certification.conftest import LIST, complete, make_programme, person

SCRIPT = Path(__file__).parent / "interop" / "verify.mjs"


def seen_by_npm(folder: Path, credential: str, listed: str, did: dict) -> dict:
    files = [folder / "credential.json", folder / "list.json", folder / "did.json"]
    for file, text in zip(files, (credential, listed, json.dumps(did)), strict=True):
        file.write_text(text, encoding="utf-8")
    ran = subprocess.run(
        ["node", str(SCRIPT), *map(str, files)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def own_quads(text: str, form: shapes.Form) -> str:
    document = shapes.read(text)
    del document["proof"]
    return signing.canonical(shapes.statements(document, form)).decode()


def test_the_published_contexts_give_the_same_quads_and_the_proof_holds(world, tmp_path):
    credential = world.signed()
    listed = world.signed_list(LIST, Purpose.REVOCATION, {7, 4711}, datetime.now(UTC))
    seen = seen_by_npm(tmp_path, credential, listed, issuers.did_document(world.issuer))
    assert seen["credential"] == own_quads(credential, BADGE)
    assert seen["list"] == own_quads(listed, STATUS_LIST)
    assert seen["error"] == ""
    assert seen["verified"] is True
    assert seen["revoked"] is False


def test_an_outside_verifier_sees_what_was_issued_here_and_its_revocation(tmp_path, operator):
    learner = person("lilei", '李雷 "Leo" \\ 😀')
    programme = make_programme(title_en="Cloud \\ foundations <1>", clauses=["yl-t-001:2026:scope"])
    complete(learner, programme.course_ids[0])
    credential = issuing.issue(programme, learner)
    did = issuers.did_document(our_issuer())

    listed = publishing.published(credential.status_list_id, Purpose.REVOCATION)
    before = seen_by_npm(tmp_path, credential.document, listed, did)
    assert (before["verified"], before["revoked"]) == (True, False)
    assert before["credential"] == own_quads(credential.document, BADGE)

    issuing.revoke(credential, operator, "Fraud")
    listed = publishing.published(credential.status_list_id, Purpose.REVOCATION)
    after = seen_by_npm(tmp_path, credential.document, listed, did)
    assert after["proven"] is True
    assert after["revoked"] is True


def test_an_outside_verifier_refuses_a_changed_credential(world, tmp_path):
    text = world.signed().replace("李雷 Léi", "韩梅梅")
    listed = world.signed_list(LIST, Purpose.REVOCATION, set(), datetime.now(UTC))
    seen = seen_by_npm(tmp_path, text, listed, issuers.did_document(world.issuer))
    assert seen["proven"] is False
