"""A lab as a folder of reviewable text: read and validate it, import it, export the same text back."""

from labs.bundles.reading import Bundle, BundleError, read
from labs.bundles.storing import bundle_of, export_lab, import_lab

__all__ = ["Bundle", "BundleError", "bundle_of", "export_lab", "import_lab", "read"]
