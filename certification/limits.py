"""How often one address may ask: guessing ids must not pay."""

from collections.abc import Callable
from functools import wraps
from time import time
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

WINDOW_SECONDS = 60


P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def within_limit(request: HttpRequest) -> bool:
    """Count this request; False once its address asked CERTIFICATION_VERIFY_PER_MINUTE times this minute."""
    window = int(time() // WINDOW_SECONDS)
    name = f"verify:{window}:{request.META.get('REMOTE_ADDR', '')}"
    cache.add(name, 0, timeout=2 * WINDOW_SECONDS)
    try:
        asked = cache.incr(name)
    except ValueError:
        # The counter ran out between the two calls; a new minute has begun.
        return True
    return asked <= settings.CERTIFICATION_VERIFY_PER_MINUTE


def seconds_left() -> int:
    """Until the next window opens."""
    return WINDOW_SECONDS - int(time() % WINDOW_SECONDS)


def limited(view: View[P]) -> View[P]:
    """The view answers 429 with the time to wait when one address asks too often."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if within_limit(request):
            return view(request, *args, **kwargs)
        wait = seconds_left()
        answer = render(request, "certification/too_many.html", {"wait": wait}, status=429)
        answer["Retry-After"] = str(wait)
        return answer

    return guarded
