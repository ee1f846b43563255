"""What is wrong now, since when, and what to do about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from labs import scheduling
from labs.lifecycle import State
from labs.models import Attendant, CheckRequest, Host, Lab, Node, Sandbox

# The sweep comes every 10 s; three missed ones are no accident.
SILENCE = timedelta(seconds=45)
SLOW = timedelta(seconds=60)


@dataclass(frozen=True)
class Trouble:
    """One thing wrong. ``since`` is None where nobody saw it begin."""

    words: str
    remedy: str
    since: datetime | None


def troubles() -> list[Trouble]:
    """The worst first; empty when all is well."""
    now = timezone.now()
    return [*_hosts(now), *_silent_attendants(now), *_stuck_sandboxes(now), *_waiting_checks(now)]


def _hosts(now: datetime) -> list[Trouble]:
    found = []
    for host in Host.objects.all():
        if host.problem:
            found.append(Trouble(_(host.problem), _(host.remedy), None))
        if host.seen_at is None or now - host.seen_at > SILENCE:
            found.append(
                Trouble(
                    _("No worker reports: labs neither start nor end."),
                    _("Look at the logs of worker and beat, and whether the broker runs."),
                    host.seen_at,
                )
            )
        if found_strain := scheduling.strain(host):
            found.append(_strained(host, found_strain))
        if host.draining_at:
            found.append(
                Trouble(
                    _("The host is closed to new labs."),
                    _("Whoever starts one waits in the queue. Open the host when your work on it is done."),
                    host.draining_at,
                )
            )
    return found


def _strained(host: Host, strain: scheduling.Strain) -> Trouble:
    if strain == scheduling.Strain.MEMORY:
        measured = _("%(left)d MiB are available, %(reserve)d MiB are kept back.") % {
            "left": host.available_mib or 0,
            "reserve": settings.SANDBOX_RESERVE_MIB,
        }
        remedy = _("Whoever starts a lab waits. End what else runs on the host, or give it more memory.")
    else:
        measured = _("%(percent)d %% are used, %(free)d MiB are free.") % {
            "percent": host.disk_percent or 0,
            "free": host.disk_free_mib or 0,
        }
        remedy = _(
            "Whoever starts a lab waits. Remove images and logs that nobody needs, or enlarge the disk."
        )
    return Trouble(f"{strain.label} {measured}", remedy, None)


def _silent_attendants(now: datetime) -> list[Trouble]:
    """Of the processes beside the workers, those that are needed and not heard of."""
    silent = {
        name: seen_at
        for name, seen_at in Attendant.objects.seen().items()
        if seen_at is None or now - seen_at > SILENCE
    }
    found = []
    if Attendant.Name.EGRESS in silent and _somebody_goes_out():
        found.append(
            Trouble(
                _("The way out of labs does not report: requests to listed hosts wait."),
                _(
                    "Look at the log of “egress” and start it again (manage.py egress_proxy); "
                    "requests that wait then go on."
                ),
                silent[Attendant.Name.EGRESS],
            )
        )
    if Attendant.Name.RECORDER in silent and _something_to_record():
        found.append(
            Trouble(
                _("The recorder does not report: terminals are not recorded."),
                _(
                    "Look at the log of “recorder” and start it again (manage.py record_terminals); "
                    "it goes on where it stopped, as far back as each terminal remembers."
                ),
                silent[Attendant.Name.RECORDER],
            )
        )
    return found


def _somebody_goes_out() -> bool:
    """Whether a lab offers a way out, or a withdrawn one that still runs."""
    offered = Lab.objects.published().exclude(egress=[], exam_egress=[])
    return offered.exists() or Node.objects.attended().filter(egress=True).exists()


def _something_to_record() -> bool:
    return bool(settings.LABS_RECORDING_DAYS) and Node.objects.attended().exists()


def _stuck_sandboxes(now: datetime) -> list[Trouble]:
    found = []
    for states, words, remedy in (
        (
            [State.REQUESTED, State.PROVISIONING],
            lambda n: ngettext("%(n)d sandbox is slow to start.", "%(n)d sandboxes are slow to start.", n),
            _(
                "Look at the worker's log and the host's load; each is given up and told to its learner in the end."
            ),
        ),
        (
            [State.STOPPING],
            lambda n: ngettext("%(n)d sandbox does not go away.", "%(n)d sandboxes do not go away.", n),
            _("Look at the engine's log; the sweep tries again every 10 seconds."),
        ),
    ):
        slow = Sandbox.objects.filter(state__in=states, moved_at__lt=now - SLOW).order_by("moved_at")
        since = slow.values_list("moved_at", flat=True).first()
        if since is not None:
            count = slow.count()
            found.append(Trouble(words(count) % {"n": count}, remedy, since))
    return found


def _waiting_checks(now: datetime) -> list[Trouble]:
    waiting = CheckRequest.objects.unanswered().filter(asked_at__lt=now - SLOW)
    since = waiting.values_list("asked_at", flat=True).first()
    if since is None:
        return []
    count = waiting.count()
    words = ngettext("%(n)d check waits for a worker.", "%(n)d checks wait for a worker.", count)
    return [Trouble(words % {"n": count}, _("Start more workers for the queue “checks”."), since)]
