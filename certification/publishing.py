"""Publish status: the signed lists that say which credentials are revoked or suspended."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from certification import keys, status_list
from certification.models import StatusList
from certification.shapes import STATUS_LIST
from certification.signing import sign
from certification.status_list import Purpose

VALID_FOR = timedelta(hours=24)
SIGNED_ANEW_AFTER = timedelta(hours=12)
# A verifier's clock may run behind ours.
CLOCK_SKEW = timedelta(minutes=5)


def address(list_id: int, purpose: Purpose) -> str:
    """Where a list is published; credentials name the revocation list, suspension is one step below."""
    base = f"{settings.PUBLIC_URL}/credentials/status/{list_id}"
    return base if purpose is Purpose.REVOCATION else f"{base}/suspension"


@transaction.atomic
def publish(list_id: int) -> StatusList:
    """Both lists are signed as the register stands in this transaction. Raises LookupError for an unknown list."""
    row = StatusList.objects.select_for_update().filter(pk=list_id).first()
    if row is None:
        raise LookupError(f"there is no status list {list_id}")
    row.revocation_text = _signed(row, Purpose.REVOCATION)
    row.suspension_text = _signed(row, Purpose.SUSPENSION)
    row.published_at = timezone.now()
    row.save(update_fields=["revocation_text", "suspension_text", "published_at"])
    return row


def published(list_id: int, purpose: Purpose) -> str:
    """The signed list, as it stands and fresh enough to be relied on. Raises LookupError for an unknown list."""
    row = StatusList.objects.filter(pk=list_id).first()
    if row is None or row.published_at is None or timezone.now() - row.published_at > SIGNED_ANEW_AFTER:
        row = publish(list_id)
    return row.text_for(purpose)


def _signed(row: StatusList, purpose: Purpose) -> str:
    now = timezone.now()
    credentials = row.credentials.all()
    chosen = credentials.revoked() if purpose is Purpose.REVOCATION else credentials.suspended()
    document = status_list.document(
        address(row.pk, purpose),
        keys.our_did(),
        purpose,
        chosen.values_list("status_index", flat=True),
        now - CLOCK_SKEW,
        now + VALID_FOR,
    )
    key = keys.signing_key()
    return sign(document, STATUS_LIST, key, keys.our_method(key), now)
