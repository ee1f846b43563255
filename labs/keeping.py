"""What learners ask of their files beyond a session: save, resume tomorrow, undo a restart, share a copy by a link."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from community.api import User
from labs import notices, tasks
from labs.models import Fork, ForkOpening, LabSession, Mode, PuttingBack, Snapshot, SnapshotHome
from labs.models.snapshot import Purpose
from labs.refusals import NotInExam, NotInPlayback, SaveRunning, SnapshotsFull, SnapshotUnusable
from labs.sessions import restable, start_lab, wake

MIB = 2**20


def snapshot_of(learner: User, snapshot_id: UUID | str) -> Snapshot:
    """The learner's own saved snapshot. Raises Snapshot.DoesNotExist for anybody else's, too."""
    return Snapshot.objects.of(learner).saved().select_related("lab").get(pk=snapshot_id)


def snapshots_of(learner: User) -> QuerySet[Snapshot]:
    """What the learner saved, newest first, those that can still be taken back included."""
    mine = Snapshot.objects.of(learner).saved().filter(expires_at__gt=timezone.now())
    return mine.select_related("lab").prefetch_related("homes")


def forks_of(learner: User) -> QuerySet[Fork]:
    """The copies the learner shares or shared, with who opened them."""
    mine = Fork.objects.filter(snapshot__learner=learner)
    return mine.select_related("snapshot__lab").prefetch_related("openings__person")


@transaction.atomic
def save(session: LabSession, name: str = "", purpose: Purpose = Purpose.SAVED) -> Snapshot:
    """The homes of the session's machines are to be kept for LABS_SNAPSHOT_DAYS; frozen machines are woken for it.

    Raises SessionClosed, NotReady, NotInExam, SaveRunning, or SnapshotsFull.
    """
    sandbox = restable(session)
    _ensure_practice(session)
    _ensure_space(session.learner)
    now = timezone.now()
    try:
        with transaction.atomic():
            snapshot = Snapshot.objects.create(
                learner=session.learner,
                lab=session.lab,
                session=session,
                name=name.strip()[:80],
                purpose=purpose,
                asked_at=now,
                expires_at=now + timedelta(days=settings.LABS_SNAPSHOT_DAYS),
            )
    except IntegrityError as error:
        raise SaveRunning from error
    notices.session_changed(session.pk)
    if not wake(sandbox):
        tasks.after_commit(tasks.carry_homes, sandbox.pk)
    return snapshot


def _ensure_practice(session: LabSession) -> None:
    if session.mode == Mode.EXAM:
        raise NotInExam
    if session.is_playback:
        raise NotInPlayback


def _ensure_space(learner: User) -> None:
    mine = Snapshot.objects.of(learner).filter(deleted_at=None).exclude(purpose=Purpose.UNDO)
    held = SnapshotHome.objects.filter(snapshot__in=mine).aggregate(bytes=Sum("file_bytes"))["bytes"] or 0
    count = mine.filter(problem="").count()
    if count >= settings.LABS_SNAPSHOTS_PER_LEARNER or held >= settings.LABS_SNAPSHOTS_MIB * MIB:
        raise SnapshotsFull(
            _(
                "You have %(count)d snapshots of %(mib)d MiB together; %(most)d and %(most_mib)d MiB are allowed."
            )
            % {
                "count": count,
                "mib": held // MIB,
                "most": settings.LABS_SNAPSHOTS_PER_LEARNER,
                "most_mib": settings.LABS_SNAPSHOTS_MIB,
            },
            _("Delete one that you no longer need, then save again."),
        )


@transaction.atomic
def resume_from(learner: User, snapshot: Snapshot) -> LabSession:
    """A session of the snapshot's lab, into whose homes its files are put; one that runs already gets them, too.

    Raises SnapshotUnusable, NotInExam, and what start_lab raises.
    """
    if not snapshot.can_be_put_back:
        raise SnapshotUnusable
    session = start_lab(learner, snapshot.lab)
    _ensure_practice(session)
    put_back(session, snapshot)
    return session


def put_back(session: LabSession, snapshot: Snapshot) -> PuttingBack:
    """The snapshot's files are to be in the session's homes, over what is there, once its machines are ready."""
    wish, made = PuttingBack.objects.get_or_create(session=session, snapshot=snapshot, answered_at=None)
    sandbox = session.sandbox
    if made and sandbox is not None and not wake(sandbox):
        tasks.after_commit(tasks.carry_homes, sandbox.pk)
    notices.session_changed(session.pk)
    return wish


@transaction.atomic
def undo_restart(session: LabSession, name: str) -> PuttingBack:
    """The files that the node's home held before its last restart are to be put back over what is there.

    Raises SessionClosed, NotReady, Node.DoesNotExist, or SnapshotUnusable when none are kept.
    """
    restable(session).nodes.get(name=name)
    kept = Snapshot.objects.kept().filter(session=session, purpose=Purpose.UNDO, node=name)
    snapshot = kept.order_by("-asked_at").first()
    if snapshot is None:
        raise SnapshotUnusable
    return put_back(session, snapshot)


def rename(snapshot: Snapshot, name: str) -> Snapshot:
    """The snapshot is called ``name``."""
    snapshot.name = name.strip()[:80]
    snapshot.save(update_fields=["name"])
    return snapshot


def delete(snapshot: Snapshot) -> Snapshot:
    """The snapshot goes LABS_UNDO_MINUTES from now, unless that is undone. Repeating changes nothing."""
    Snapshot.objects.filter(pk=snapshot.pk, deleted_at=None).update(deleted_at=timezone.now())
    snapshot.refresh_from_db()
    return snapshot


def undelete(snapshot: Snapshot) -> Snapshot:
    """The snapshot stays after all. Repeating changes nothing."""
    Snapshot.objects.filter(pk=snapshot.pk).update(deleted_at=None)
    snapshot.refresh_from_db()
    return snapshot


@transaction.atomic
def fork(session: LabSession) -> Fork:
    """A link to the session's files at this moment, good for LABS_FORK_HOURS. Raises what ``save`` raises."""
    snapshot = save(session, purpose=Purpose.FORK)
    until = timezone.now() + timedelta(hours=settings.LABS_FORK_HOURS)
    Snapshot.objects.filter(pk=snapshot.pk).update(expires_at=until)
    return Fork.objects.create(snapshot=snapshot, expires_at=until)


def fork_of(learner: User, fork_id: int) -> Fork:
    """The learner's own fork. Raises Fork.DoesNotExist for anybody else's, too."""
    return Fork.objects.select_related("snapshot__lab").get(pk=fork_id, snapshot__learner=learner)


def revoke(fork: Fork) -> Fork:
    """Nobody can open the link any more; sandboxes opened before go on. Repeating changes nothing."""
    Fork.objects.filter(pk=fork.pk, revoked_at=None).update(revoked_at=timezone.now())
    fork.refresh_from_db()
    return fork


def find_fork(token: str) -> Fork | None:
    """The fork that the link means, as long as it is open."""
    return (
        Fork.objects.open().filter(token=token).select_related("snapshot__lab", "snapshot__learner").first()
    )


@transaction.atomic
def open_fork(person: User, fork: Fork) -> LabSession:
    """A sandbox of the person's own with the copied files, counted against their own allowance; its owner sees it.

    Raises SnapshotUnusable and what start_lab raises.
    """
    if not fork.is_open:
        raise SnapshotUnusable
    session = resume_from(person, fork.snapshot)
    ForkOpening.objects.create(fork=fork, person=person, session=session)
    return session
