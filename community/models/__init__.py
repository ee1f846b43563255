from community.models.pages import HomePage, NewsIndexPage, NewsPage, TextPage
from community.models.people import ApiToken, Role, User
from community.standards.models import DraftPage, Stage, StandardsIndexPage

__all__ = [
    "ApiToken",
    "DraftPage",
    "HomePage",
    "NewsIndexPage",
    "NewsPage",
    "Role",
    "Stage",
    "StandardsIndexPage",
    "TextPage",
    "User",
]
