"""The door of certification for the composition root above it."""

from certification.issuing import issue_owed
from certification.keys import KeyProblem, signing_key
from certification.models import Programme

__all__ = ["KeyProblem", "Programme", "issue_owed", "signing_key"]
