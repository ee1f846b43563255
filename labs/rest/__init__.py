"""The labs over HTTP for programs and for the lab page. Errors are JSON: detail, code, remedy."""

from ninja import Router

from labs.rest import elasticity, files, keeping, network, sessions, teaching
from labs.rest.answers import not_found_words

router = Router(tags=["labs"])
router.add_router("", sessions.router)
router.add_router("", elasticity.router)
router.add_router("", teaching.router)
router.add_router("", keeping.router)
router.add_router("", files.router)
router.add_router("", network.router)

__all__ = ["not_found_words", "router"]
