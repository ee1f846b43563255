"""How long recordings are kept, and that nothing of one is left afterwards."""

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from labs.models import Recording
from labs.models.recording import folder

log = logging.getLogger(__name__)


def forget_old() -> int:
    """Recordings older than LABS_RECORDING_DAYS are gone, and every file that no row knows; how many files went."""
    limit = timezone.now() - timedelta(days=settings.LABS_RECORDING_DAYS)
    Recording.objects.older_than(limit).delete()
    # The files are listed before the rows are read: a row is always there before its file.
    paths = list(folder().glob("*/*.cast"))
    known = {str(pk) for pk in Recording.objects.values_list("pk", flat=True)}
    gone = [path for path in paths if path.stem not in known]
    for path in gone:
        path.unlink(missing_ok=True)
        try:
            path.parent.rmdir()
        except OSError:
            continue  # others of the same session are still kept
    if gone:
        log.info("%s recordings removed", len(gone))
    return len(gone)
