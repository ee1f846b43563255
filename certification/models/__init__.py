"""Programmes, the credentials issued for them, and what publishes their status."""

from certification.models.credential import Act, Credential, CredentialEvent
from certification.models.programme import Programme
from certification.models.publication import IssuerKey, StatusList

__all__ = ["Act", "Credential", "CredentialEvent", "IssuerKey", "Programme", "StatusList"]
