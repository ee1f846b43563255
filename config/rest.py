"""The REST API's switchboard: one NinjaAPI, one router per app."""

from labs.rest import router as labs_router
from ninja import NinjaAPI

from community.api import BearerToken, SessionUser

api = NinjaAPI(
    title="Yunlian",
    version="1",
    description="Labs on demand. Bearer tokens are made on the account page or by manage.py create_token.",
    auth=[BearerToken(), SessionUser()],
)
api.add_router("", labs_router)
