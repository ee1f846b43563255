"""What sandboxes hold and use: counted, priced, limited by budgets and written into statements."""

from labs.metering.meters import note_change, read, sample
from labs.metering.pricing import Totals
from labs.metering.totals import used

__all__ = ["Totals", "note_change", "read", "sample", "used"]
