"""One machine, no operator: SQLite, the embedded broker, secrets in files of mode 600 under VAR_DIR."""

from config.settings.base import *  # noqa: F403
from config.settings.base import ENV, PUBLIC_HOST, VAR_DIR
from config.settings.environment import secret

DEBUG = ENV.django_debug
SECRET_KEY = ENV.secret_key or secret(VAR_DIR / "secret-key")
INSTALLATION_ID = ENV.installation_id or secret(VAR_DIR / "installation-id")[:12].lower().replace(
    "_", "0"
).replace("-", "1")
ALLOWED_HOSTS = ENV.allowed_hosts or sorted({PUBLIC_HOST, "localhost", "127.0.0.1", "[::1]"})

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = VAR_DIR / "mail"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
CERTIFICATION_MAKE_SIGNING_KEY = True
