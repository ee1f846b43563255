"""Production: everything that differs between installations comes from the environment, or it does not start."""

from django.core.exceptions import ImproperlyConfigured

from config.settings.base import *  # noqa: F403
from config.settings.base import ENV, PUBLIC_URL
from config.settings.environment import email

missing = [
    name
    for name in (
        "SECRET_KEY",
        "PUBLIC_URL",
        "DATABASE_URL",
        "REDIS_URL",
        "INSTALLATION_ID",
        "SIGNING_KEY_FILE",
    )
    if name.lower() not in ENV.model_fields_set or str(getattr(ENV, name.lower())) in {"", "."}
]
if missing:
    raise ImproperlyConfigured(
        f"Set {', '.join(missing)} in the environment; docs/settings.md explains each."
    )
if not PUBLIC_URL.startswith("https://"):
    raise ImproperlyConfigured(
        f"PUBLIC_URL is {PUBLIC_URL}; credentials and cookies need https://. Put a TLS proxy in front."
    )

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
globals().update(email(ENV.email_url))
