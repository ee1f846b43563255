"""The suite: the fake engine, an in-process channel layer, tasks run at once; a real database."""

import tempfile
from pathlib import Path

from config.settings.base import *  # noqa: F403
from config.settings.base import ENV
from config.settings.environment import database

VAR_DIR = Path(tempfile.gettempdir()) / "yunlian-tests"
SECRET_KEY = "only-for-tests"  # noqa: S105
INSTALLATION_ID = "test"
PUBLIC_URL = "http://testserver"
PUBLIC_HOST = "testserver"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
DATABASES = {"default": database(ENV.database_url, VAR_DIR)}
DATABASES["default"]["CONN_MAX_AGE"] = 0
DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")} if not ENV.database_url else {}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
SANDBOX_DRIVER = "fake"
SANDBOX_CAPACITY_CPUS = 64
SANDBOX_CAPACITY_MIB = 65_536
SANDBOX_POOL_PERCENT = 0
SANDBOX_RUN_DIR = VAR_DIR / "keepers"
CERTIFICATION_SIGNING_KEY_FILE = VAR_DIR / "signing-key.pem"
MEDIA_ROOT = VAR_DIR / "media"
STATIC_ROOT = VAR_DIR / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
CERTIFICATION_MAKE_SIGNING_KEY = True
LABS_RECORDING_WAIT_SECONDS = 0  # no recorder runs beside the tests
LABS_PREVIEW_HOST = "preview.testserver"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
LOGGING["loggers"]["httpx"] = {"level": "WARNING"}  # noqa: F405
COMMUNITY_THREADS_SECONDS = 0
