"""Issue once, change standing with a reason, settle what is owed."""

import threading
from datetime import UTC, datetime

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction

from certification import issuing, keys, shapes
from certification.inspection import inspect_text
from certification.models import Act, Credential, CredentialEvent
from certification.models.credential import new_public_id
from certification.status_list import Purpose, is_set
from certification.verification import Outcome
from courses.signals import course_completed
from tests.certification.conftest import complete, make_programme, person, published_bits


def test_a_learner_who_completed_every_course_is_issued_a_valid_credential(earned, learner):
    credential = issuing.issue(earned, learner)
    found = inspect_text(credential.document)
    assert found.verdict.outcome is Outcome.VALID
    assert found.verdict.claims.holder == "李雷"
    assert found.public_id == credential.public_id


def test_issuing_twice_gives_the_same_credential(earned, learner):
    assert issuing.issue(earned, learner) == issuing.issue(earned, learner)
    assert Credential.objects.count() == 1


def test_nothing_is_issued_while_a_course_is_outstanding(learner):
    programme = make_programme(course_ids=["0b51c9a4-5b0e-4a3f-8a53-0b4f6f4f3f11"] * 1)
    with pytest.raises(issuing.NotEarned):
        issuing.issue(programme, learner)


def test_a_programme_without_courses_is_never_earned(learner):
    with pytest.raises(issuing.NotEarned):
        issuing.issue(make_programme(course_ids=[]), learner)


def test_all_courses_of_a_programme_are_required(learner):
    first, second = "0b51c9a4-5b0e-4a3f-8a53-0b4f6f4f3f11", "0b51c9a4-5b0e-4a3f-8a53-0b4f6f4f3f12"
    programme = make_programme(course_ids=[first, second])
    complete(learner, first)
    assert issuing.issue_earned(learner) == []
    complete(learner, second)
    assert [credential.programme for credential in issuing.issue_earned(learner)] == [programme]


@pytest.mark.django_db(transaction=True)
def test_threads_that_issue_at_once_make_one_credential(programme, learner):
    for course_id in programme.course_ids:
        complete(learner, course_id)
    start, made, problems = threading.Barrier(8), [], []

    def issue_at_once():
        try:
            start.wait(timeout=30)
            made.append(issuing.issue(programme, learner).pk)
        except Exception as problem:  # noqa: BLE001 - told to the assertion below
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=issue_at_once) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert problems == []
    assert len(made) == 8
    assert len(set(made)) == 1
    assert CredentialEvent.objects.filter(act=Act.ISSUED).count() == 1


def test_a_taken_status_index_is_not_given_twice(programme, learner, monkeypatch):
    other = person("hanmeimei", "韩梅梅")
    for someone in (learner, other):
        complete(someone, programme.course_ids[0])
    drawn = iter([7, 7, 9])
    monkeypatch.setattr(issuing.secrets, "randbelow", lambda _: next(drawn))
    indexes = [issuing.issue(programme, someone).status_index for someone in (learner, other)]
    assert indexes == [7, 9]


def test_public_ids_carry_at_least_128_random_bits_and_do_not_repeat():
    ids = {new_public_id() for _ in range(2000)}
    assert len(ids) == 2000
    assert len(next(iter(ids))) * 5 >= 128


def test_the_completion_of_a_course_issues_what_it_earns(
    programme, learner, django_capture_on_commit_callbacks
):
    complete(learner, programme.course_ids[0])
    with django_capture_on_commit_callbacks(execute=True):
        course_completed.send_robust(sender=None, learner=learner, course_id=programme.course_ids[0])
    assert Credential.objects.of(learner).count() == 1


def test_what_a_lost_message_left_owing_is_settled_once(earned, learner):
    assert issuing.issue_owed() == 1
    assert issuing.issue_owed() == 0
    assert Credential.objects.of(learner).count() == 1


def test_an_inactive_programme_issues_nothing_by_itself(earned, learner):
    earned.active = False
    earned.save()
    assert issuing.issue_owed() == 0
    assert issuing.issue_earned(learner) == []


def test_settling_never_brings_back_what_was_revoked(credential, operator, learner):
    issuing.revoke(credential, operator, "Issued in error")
    assert issuing.issue_owed() == 0
    assert issuing.issue_earned(learner) == []
    with pytest.raises(issuing.Withheld):
        issuing.issue(credential.programme, learner)


def test_an_operator_may_issue_again_with_the_name_as_it_is_now(credential, operator, learner):
    issuing.revoke(credential, operator, "Name was misspelt")
    learner.printed_name = "李蕾"
    learner.save()
    again = issuing.issue(credential.programme, learner, by=operator, reason="Name corrected", again=True)
    assert again.public_id != credential.public_id
    assert again.printed_name == "李蕾"
    assert again.events.get().actor == operator


def test_a_later_change_of_name_leaves_the_issued_credential_as_it_is(credential, learner):
    learner.printed_name = "Somebody Else"
    learner.save()
    issuing.issue(credential.programme, learner)
    credential.refresh_from_db()
    assert inspect_text(credential.document).verdict.claims.holder == "李雷"


def test_what_cannot_be_signed_is_taken_out_of_the_name(programme):
    learner = person("eve", "李\u202e雷\u0007 \u200bEve\n\tX")
    complete(learner, programme.course_ids[0])
    assert issuing.issue(programme, learner).printed_name == "李雷 Eve X"


@time_machine.travel(datetime(2026, 11, 22, 1, 2, 3, 456789, tzinfo=UTC), tick=False)
@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-11-22T01:02:03+00:00", 24, "2028-11-22T01:02:03+00:00"),
        ("2026-08-31T00:00:00+00:00", 6, "2027-02-28T00:00:00+00:00"),
        ("2027-12-31T00:00:00+00:00", 2, "2028-02-29T00:00:00+00:00"),
        ("2026-12-01T00:00:00+00:00", 1, "2027-01-01T00:00:00+00:00"),
    ],
)
def test_validity_ends_on_the_same_day_or_the_last_of_the_month(start, months, end):
    later = issuing._months_later(datetime.fromisoformat(start), months)
    assert later == datetime.fromisoformat(end)


def test_validity_without_end_is_not_written(learner):
    programme = make_programme(validity_months=None)
    complete(learner, programme.course_ids[0])
    credential = issuing.issue(programme, learner)
    assert "validUntil" not in shapes.read(credential.document)
    assert credential.valid_until is None


def test_revoking_shows_at_once_in_the_verdict_and_in_the_published_list(credential, operator):
    assert not is_set(published_bits(credential, Purpose.REVOCATION), credential.status_index)
    issuing.revoke(credential, operator, "Fraud")
    assert inspect_text(credential.document).verdict.outcome is Outcome.REVOKED
    assert is_set(published_bits(credential, Purpose.REVOCATION), credential.status_index)


def test_a_suspended_credential_counts_again_after_reinstatement(credential, operator):
    issuing.suspend(credential, operator, "Complaint under review")
    assert inspect_text(credential.document).verdict.outcome is Outcome.SUSPENDED
    assert is_set(published_bits(credential, Purpose.SUSPENSION), credential.status_index)
    assert not is_set(published_bits(credential, Purpose.REVOCATION), credential.status_index)
    issuing.reinstate(credential, operator, "Complaint was unfounded")
    assert inspect_text(credential.document).verdict.outcome is Outcome.VALID


def test_every_change_of_standing_keeps_who_when_and_why(credential, operator):
    issuing.suspend(credential, operator, "Complaint")
    issuing.reinstate(credential, operator, "Unfounded")
    issuing.revoke(credential, operator, "Fraud")
    told = [(event.act, event.actor, event.reason) for event in credential.events.order_by("pk")]
    assert told == [
        ("issued", None, ""),
        ("suspended", operator, "Complaint"),
        ("reinstated", operator, "Unfounded"),
        ("revoked", operator, "Fraud"),
    ]


@pytest.mark.parametrize(
    ("before", "verb"),
    [
        ([], issuing.reinstate),
        ([issuing.suspend], issuing.suspend),
        ([issuing.revoke], issuing.revoke),
        ([issuing.revoke], issuing.suspend),
        ([issuing.revoke], issuing.reinstate),
        ([issuing.suspend, issuing.revoke], issuing.reinstate),
    ],
)
def test_a_change_that_the_standing_does_not_allow_is_refused(credential, operator, before, verb):
    for earlier in before:
        earlier(credential, operator, "why")
    with pytest.raises(issuing.NotPossible):
        verb(credential, operator, "why")


@pytest.mark.parametrize("verb", [issuing.revoke, issuing.suspend])
def test_no_standing_changes_without_a_reason(credential, operator, verb):
    with pytest.raises(issuing.NotPossible):
        verb(credential, operator, "  ")
    assert inspect_text(credential.document).verdict.outcome is Outcome.VALID


def test_the_database_refuses_a_second_standing_credential_of_a_programme(credential):
    twin = Credential.objects.get(pk=credential.pk)
    twin.pk, twin.public_id, twin.status_index = None, new_public_id(), (twin.status_index + 1) % 131072
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save(force_insert=True)


def test_the_database_refuses_a_change_of_standing_without_a_reason(credential):
    with pytest.raises(IntegrityError), transaction.atomic():
        CredentialEvent.objects.create(credential=credential, act=Act.REVOKED, at=credential.issued_at)


def test_an_expired_credential_is_told_as_expired(credential):
    with time_machine.travel(credential.valid_until.replace(year=credential.valid_until.year + 1)):
        assert inspect_text(credential.document).verdict.outcome is Outcome.EXPIRED


def test_a_key_rotation_keeps_earlier_credentials_valid(credential, settings, tmp_path, operator):
    settings.CERTIFICATION_SIGNING_KEY_FILE = tmp_path / "next-key.pem"
    other = make_programme("second")
    complete(operator, other.course_ids[0])
    later = issuing.issue(other, operator)
    assert inspect_text(credential.document).verdict.outcome is Outcome.VALID
    assert inspect_text(later.document).verdict.outcome is Outcome.VALID
    assert len(keys.our_issuer().keys) == 2


def test_the_holder_may_go_and_the_credential_stays_checkable(credential, learner):
    learner.delete()
    credential.refresh_from_db()
    assert credential.holder is None
    assert inspect_text(credential.document).verdict.outcome is Outcome.VALID
