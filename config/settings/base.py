"""Settings that hold everywhere; safe for production as they stand."""

import logging
import tomllib
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF, UNSAFE_INLINE
from django.utils.translation import gettext_lazy as _

from config.settings.environment import ROOT, Environment, database
from config.settings.logs import log_config

ENV = Environment()
BASE_DIR = ROOT
VAR_DIR = ENV.yunlian_var
DEBUG = False
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

PUBLIC_URL = ENV.public_url
PUBLIC_HOST = urlsplit(PUBLIC_URL).hostname or "localhost"
ALLOWED_HOSTS = ENV.allowed_hosts or [PUBLIC_HOST]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
INSTALLATION_ID = ENV.installation_id
SECRET_KEY = ENV.secret_key

INSTALLED_APPS = [
    "config",
    "certification",
    "courses",
    "labs",
    "community",
    "wagtail_localize",
    "wagtail_localize.locales",
    "wagtail.contrib.forms",
    "wagtail.contrib.redirects",
    "wagtail.embeds",
    "wagtail.sites",
    "community.apps.PeopleAdminConfig",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "allauth",
    "allauth.account",
    "allauth.usersessions",
    "rules",
    "csp",
    "channels",
    "ninja",
    "django_structlog",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.request_log.RequestLog",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "community.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "community.middleware.ContentPolicyMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "community.context.site_shell",
            ],
        },
    },
]

DATABASES = {"default": database(ENV.database_url, VAR_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "community.User"
AUTHENTICATION_BACKENDS = [
    "rules.permissions.ObjectPermissionBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
CSRF_FAILURE_VIEW = "community.views.errors.csrf_failure"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "community.forms.PrintedNameForm"
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
WAGTAIL_FRONTEND_LOGIN_URL = LOGIN_URL
WAGTAIL_PASSWORD_RESET_ENABLED = False

LANGUAGE_CODE = "zh-hans"
LANGUAGES = WAGTAIL_CONTENT_LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
USE_I18N = WAGTAIL_I18N_ENABLED = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

DEFAULT_FROM_EMAIL = SERVER_EMAIL = f"Yunlian <no-reply@{PUBLIC_HOST}>"

WAGTAIL_SITE_NAME = "Yunlian 云联"
WAGTAILADMIN_BASE_URL = PUBLIC_URL
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_GRAVATAR_PROVIDER_URL = None
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "wagtail.search.backends.database"}}
WAGTAILADMIN_PERMITTED_LANGUAGES = LANGUAGES
# A draft of more than 140 clauses posts more fields than Django's 1,000.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR_DIR / "media"
BROWSER_PACKAGES = {
    "xterm": "@xterm/xterm",
    "xterm-addon-clipboard": "@xterm/addon-clipboard",
    "xterm-addon-fit": "@xterm/addon-fit",
    "xterm-addon-search": "@xterm/addon-search",
    "xterm-addon-unicode-graphemes": "@xterm/addon-unicode-graphemes",
    "xterm-addon-web-links": "@xterm/addon-web-links",
    "xterm-addon-webgl": "@xterm/addon-webgl",
    "asciinema-player": "asciinema-player",
    "jsqr": "jsqr",
    "codemirror-state": "@codemirror/state",
    "codemirror-view": "@codemirror/view",
    "codemirror-language": "@codemirror/language",
    "codemirror-commands": "@codemirror/commands",
    "codemirror-search": "@codemirror/search",
    "codemirror-autocomplete": "@codemirror/autocomplete",
    "codemirror-lint": "@codemirror/lint",
    "codemirror-lang-javascript": "@codemirror/lang-javascript",
    "codemirror-lang-json": "@codemirror/lang-json",
    "codemirror-lang-python": "@codemirror/lang-python",
    "codemirror-lang-yaml": "@codemirror/lang-yaml",
    "codemirror-streamparser": "@codemirror/streamparser",
    "lezer-common": "@lezer/common",
    "lezer-highlight": "@lezer/highlight",
    "lezer-lr": "@lezer/lr",
    "lezer-javascript": "@lezer/javascript",
    "lezer-json": "@lezer/json",
    "lezer-python": "@lezer/python",
    "lezer-yaml": "@lezer/yaml",
    "style-mod": "style-mod",
    "w3c-keyname": "w3c-keyname",
    "crelt": "crelt",
    "find-cluster-break": "@marijn/find-cluster-break",
    "codemirror-legacy-modes": "@codemirror/legacy-modes",
}
STATICFILES_DIRS = [
    (f"vendor/{name}", ROOT / "node_modules" / package)
    for name, package in BROWSER_PACKAGES.items()
    if (ROOT / "node_modules" / package).is_dir()
]

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "EXCLUDE_URL_PREFIXES": [],
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "media-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    },
}

# Wagtail's administration, seen in Chromium: its translation editor writes style elements, its previews are frames.
ADMIN_CONTENT_POLICY = CONTENT_SECURITY_POLICY["DIRECTIVES"] | {
    "style-src-elem": [SELF, UNSAFE_INLINE],
    "frame-src": [SELF],
    "frame-ancestors": [SELF],
}

REDIS_URL = ENV.redis_url or f"unix://{VAR_DIR}/broker/redis.sock"
# Counters of rate limits: shared by all web processes where there is a Redis of its own, else per process.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": ENV.redis_url,
        "KEY_PREFIX": "yunlian-cache",
    }
    if ENV.redis_url
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
# The Redis client gives up reading after 5 s unless told otherwise; the channel layer waits just as long for a message
# on purpose, so every quiet websocket would end in an error.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}], "prefix": "yunlian"},
    }
}

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 240
CELERY_TASK_SOFT_TIME_LIMIT = 210
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = TIME_ZONE
# Slow starts in a queue of their own delay neither checks nor the sweep; a worker must take all three queues.
CELERY_TASK_ROUTES = {
    "labs.tasks.provision": {"queue": "sandboxes"},
    "labs.tasks.stop": {"queue": "sandboxes"},
    "labs.tasks.thaw": {"queue": "checks"},
    "labs.tasks.restart_nodes": {"queue": "sandboxes"},
    "labs.tasks.settle": {"queue": "sandboxes"},
    "labs.tasks.resize_nodes": {"queue": "sandboxes"},
    "labs.tasks.carry_homes": {"queue": "sandboxes"},
    "labs.tasks.check_work": {"queue": "checks"},
}
# Measured: with kombu's defaults a task of a killed worker comes back after 101 s, with these after 11 s.
# The visibility timeout must exceed the hard time limit, or a long task starts twice.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}

# --- product settings; docs/settings.md explains each -------------------------------------------------------------
SANDBOX_DRIVER = ENV.sandbox_driver
SANDBOX_SUBNETS = ENV.sandbox_subnets
SANDBOX_SUBNET_PREFIX = 28
SANDBOX_UIDS = ENV.sandbox_uids
SANDBOX_CAPACITY_CPUS = ENV.sandbox_capacity_cpus
SANDBOX_CAPACITY_MIB = ENV.sandbox_capacity_mib
SANDBOX_MEMORY_OVERCOMMIT = ENV.sandbox_memory_overcommit
SANDBOX_RESERVE_MIB = ENV.sandbox_reserve_mib
SANDBOX_DISK_PERCENT = ENV.sandbox_disk_percent
SANDBOX_DISK_FREE_MIB = ENV.sandbox_disk_free_mib
SANDBOX_POOL_PERCENT = ENV.sandbox_pool_percent
SANDBOX_RUN_DIR = VAR_DIR / "keepers"
SANDBOX_KEEPER_GID = ENV.sandbox_keeper_gid
# A worker killed at work is replaced this long afterwards, plus one sweep: within a minute (tests/test_faults.py).
SANDBOX_LEASE_SECONDS = 30
SANDBOX_ATTEMPTS = 3
SANDBOX_PATIENCE_SECONDS = 180
LABS_SESSIONS_PER_LEARNER = 1
LABS_EXTEND_MINUTES = 30
LABS_EXTEND_TIMES = 4
LABS_BUNDLE_DIR = ROOT / "sandbox_images" / "labs"
LABS_TERMINALS_PER_NODE = 4
LABS_STARTS_PER_HOUR = 30
LABS_CHECKS_PER_MINUTE = 40
LABS_CHECK_WAIT_SECONDS = 30
LABS_SOCKETS_PER_PERSON = 32
# Browsers take every name below localhost for this machine; elsewhere a wildcard has to be set up first.
LABS_PREVIEW_HOST = ENV.preview_host or ("preview.localhost" if PUBLIC_HOST == "localhost" else "")
LABS_PREVIEW_CONNECTIONS = 32
LABS_PREVIEW_IDLE_SECONDS = 300
LABS_UPLOAD_MIB = 16
LABS_DOWNLOAD_MIB = 256
LABS_EDIT_KIB = 1024
LABS_QUEUE_KEEP_MINUTES = 10
LABS_EXAM_PERCENT = 0
LABS_BOOKING_HOURS = 12
LABS_FAIR_HOURS = 6
LABS_FAIR_AGEING_PERCENT = 10
LABS_FAIR_PUBLIC_WEIGHT = 1
LABS_SOCKET_RECHECK_SECONDS = 30
LABS_RECORDING_DAYS = 30
LABS_RECORDING_MIB = 16
LABS_RECORDING_WAIT_SECONDS = 30
LABS_EGRESS_CONNECTIONS = 16
LABS_EGRESS_DAYS = 30
LABS_EGRESS_MIB = 1024
LABS_METRICS_TOKEN = ENV.labs_metrics_token
LABS_IDLE_FREEZE_MINUTES = 20
LABS_AWAY_FREEZE_MINUTES = 5
LABS_SNAPSHOT_MIB = 256
LABS_SNAPSHOT_DAYS = 14
LABS_SNAPSHOTS_PER_LEARNER = 10
LABS_SNAPSHOTS_MIB = 512
LABS_UNDO_MINUTES = 60
LABS_FORK_HOURS = 24
LABS_METER_ENTRY_SECONDS = 300
LABS_LEAVE_MINUTES = 10
LABS_STUCK_MINUTES = 10
LABS_WALL_SECONDS = 2
LABS_BUDGET_GRACE_SECONDS = 600

COURSES_EXAM_GRACE_SECONDS = 3
COURSES_EXAM_MESSAGE_CHARACTERS = 300_000
COURSES_EXAM_UNACKNOWLEDGED = 200

COMMUNITY_THREADS_SECONDS = 30
CERTIFICATION_SIGNING_KEY_FILE = ENV.signing_key_file or VAR_DIR / "signing-key.pem"
CERTIFICATION_MAKE_SIGNING_KEY = False
CERTIFICATION_ISSUER_NAME = "Yunlian 云联"
CERTIFICATION_VERIFY_PER_MINUTE = 60

LOG_LEVELS = {
    "django_tasks": "WARNING",
    "weasyprint": "WARNING",
    "fontTools": "WARNING",
    "django.request": "ERROR",  # what RequestLog says anyway
}
LOGGING = log_config(ENV.log_format, LOG_LEVELS)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_CELERY_TASK_FAILURE_LOG_LEVEL = logging.ERROR
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
# Whose request it was would cost a query on pages that ask for nobody.
DJANGO_STRUCTLOG_USER_ID_FIELD = None
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
