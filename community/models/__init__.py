from community.models.organisations import (
    Membership,
    Organisation,
    organisation_of,
    organisations_of,
)
from community.models.pages import HomePage, NewsIndexPage, NewsPage, TextPage
from community.models.people import ApiToken, Role, User
from community.standards.models import DraftPage, Stage, StandardsIndexPage

__all__ = [
    "ApiToken",
    "DraftPage",
    "HomePage",
    "Membership",
    "NewsIndexPage",
    "NewsPage",
    "Organisation",
    "Role",
    "Stage",
    "StandardsIndexPage",
    "TextPage",
    "User",
    "organisation_of",
    "organisations_of",
]
