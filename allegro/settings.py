"""Django's settings, top to bottom. What comes from the environment is read through ``env`` alone."""

from __future__ import annotations

from csp.constants import NONE, SELF
from django.core.management.utils import get_random_secret_key

from allegro.env import ENVIRONMENTS, LOG_FORMATS, LOG_LEVELS, ROOT, read_environment
from allegro.horizon import QUEUES, horizon
from allegro.redis import REDIS_ADDRESSES, connection_from, rq_queues
from allegro.sealing import key_from, key_problems
from allegro_queue.conf import Secret

env = read_environment()

# Safe by default: what does not say where it runs, runs in production.
APP_ENV = env.choice("APP_ENV", ENVIRONMENTS, default="production")
IS_LOCAL = APP_ENV == "local"
DEBUG = env.switch("DEBUG", default=False)
# Of the web server that `manage.py dev` starts.
PORT = env.whole("PORT", 8000)
# https://no-color.org: any text means yes.
NO_COLOR = bool(env.text("NO_COLOR"))
LOG_LEVEL = env.choice("LOG_LEVEL", LOG_LEVELS, default="INFO")
LOG_FORMAT = env.choice("LOG_FORMAT", LOG_FORMATS, default="line")

SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    if not IS_LOCAL:
        env.problems.append("SECRET_KEY is missing; set it to a long random text that only this installation knows.")
    # Lets the checks run and report; nothing is served with it (see allegro.checks).
    SECRET_KEY = get_random_secret_key()

# Keys that seal credentials in the database; the first seals, all open.
CREDENTIAL_KEYS = env.words("CREDENTIAL_KEYS", "")
if faults := key_problems(CREDENTIAL_KEYS):
    env.problems += faults
    CREDENTIAL_KEYS = []
CREDENTIAL_KEYS = CREDENTIAL_KEYS or [key_from(SECRET_KEY)]

ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if IS_LOCAL else "")
# Links in mails are built from this, never from a request's Host header.
SITE_URL = env.text("SITE_URL", f"http://127.0.0.1:{PORT}" if IS_LOCAL else "").rstrip("/")
if not SITE_URL:
    env.problems.append("SITE_URL is missing; set it to the address of this site, such as https://allegro.example.com.")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    # Before django_rq: its rqworker command is ours.
    "allegro_queue",
    "django_rq",
    "allegro",
    "allegro.accounts",
    "allegro.organizations",
    "allegro.audience",
    "allegro.mail_accounts",
    "allegro.magic_links",
    "allegro.webhooks",
    "allegro.dev",
]

MIDDLEWARE = [
    # First: whatever another one answers has an id, too.
    "allegro_queue.middleware.RequestIds",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "allegro.urls"
WSGI_APPLICATION = "allegro.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": env.database("DATABASE_URL", default=f"sqlite:///{ROOT / '.dev' / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Several processes write: wait for the lock, take it at the start of a transaction, and let readers read on.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    # A new connection for each job takes longer than most of its queries. One that has died is noticed before it is used.
    DATABASES["default"] = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, **DATABASES["default"]}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
# Where a sign-in leads that names no place of this site to go on to.
LOGIN_REDIRECT_URL = "admin:index"

LANGUAGE_CODE = "en"
# Chosen in admin's bar, else by the browser. One is written from right to left, so that the pages are held to that too.
LANGUAGES = [("en", "English"), ("he", "עברית")]
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = not IS_LOCAL
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = ROOT / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if IS_LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = IS_LOCAL

EMAIL = env.email("EMAIL_URL", default=f"filemail:///{ROOT / '.dev' / 'mail'}" if IS_LOCAL else "consolemail://")
EMAIL_BACKEND = EMAIL["EMAIL_BACKEND"]
EMAIL_HOST = EMAIL.get("EMAIL_HOST", "")
EMAIL_PORT = EMAIL.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = EMAIL.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = EMAIL.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = EMAIL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = EMAIL.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = EMAIL.get("EMAIL_FILE_PATH", "")
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "Allegro <no-reply@allegro.invalid>")

# Life of a magic link, from the moment its mail is sent.
MAGIC_LINK_MINUTES = env.whole("MAGIC_LINK_MINUTES", 30)
if MAGIC_LINK_MINUTES < 1:
    env.problems.append(f"MAGIC_LINK_MINUTES is {MAGIC_LINK_MINUTES}; it must be 1 or more.")

# How many proxies of ours stand before this site, each of which adds to X-Forwarded-For whom it was called by.
TRUSTED_PROXIES = env.whole("TRUSTED_PROXIES", 0)
if TRUSTED_PROXIES < 0:
    env.problems.append(f"TRUSTED_PROXIES is {TRUSTED_PROXIES}; it must be 0 or more.")

# Pauses before the second try of a webhook delivery, the third, and so on, for endpoints that want to be tried again.
WEBHOOK_RETRY_SECONDS = env.seconds("WEBHOOK_RETRY_SECONDS", "60,300,1800,7200,18000")
# How long events and their deliveries are kept.
WEBHOOK_HISTORY_DAYS = env.whole("WEBHOOK_HISTORY_DAYS", 30)
if WEBHOOK_HISTORY_DAYS < 1:
    env.problems.append(f"WEBHOOK_HISTORY_DAYS is {WEBHOOK_HISTORY_DAYS}; it must be 1 or more.")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not IS_LOCAL
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL else []

QUEUE_CONNECTION = env.text("QUEUE_CONNECTION", "redis")
HORIZON = horizon(
    environment=APP_ENV,
    connection=QUEUE_CONNECTION,
    prefix=env.text("HORIZON_PREFIX", "horizon:"),
    path=env.text("HORIZON_PATH", "horizon").strip("/"),
    allowed_jobs=env.words("HORIZON_ALLOWED_JOBS", "allegro,allegro_queue"),
    version=env.text("APP_VERSION", ""),
    site=SITE_URL,
    alert_emails=env.words("ALERT_EMAILS", ""),
    alert_urls=[Secret(each) for each in env.words("ALERT_URLS", "")],
    metrics_token=env.text("METRICS_TOKEN"),
)
HORIZON_STAFF_DOMAINS = env.words("HORIZON_STAFF_DOMAINS", "alley.com")

# Whether the environment says where Redis is; if not, in local, `manage.py dev` brings a server of its own.
REDIS_IS_NAMED = any(env.text(name) for name in REDIS_ADDRESSES)
RQ_QUEUES = rq_queues(QUEUES, connection_from(env, local=IS_LOCAL))
RQ = {
    "COMMIT_MODE": "on_db_commit",
    "JOB_CLASS": "allegro_queue.jobs.HorizonJob",
    "WORKER_CLASS": "allegro_queue.workers.worker.HorizonWorker",
    "SCHEDULER_CLASS": "allegro_queue.scheduling.scheduler.HorizonScheduler",
    "DEFAULT_RESULT_TTL": HORIZON["completed_minutes"] * 60,
}
# django-rq's own pages let in any staff user; the dashboard behind the gate takes their place.
RQ_SHOW_ADMIN_LINK = False

# Faults of the environment, shown together by `manage.py check` (allegro.checks).
ENVIRONMENT_PROBLEMS = tuple(env.problems)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "allegro_queue.json_log.JsonFormatter"},
    },
    "filters": {"access": {"()": "allegro.access_log.AccessLogFilter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # Through the root, as all else; Django's own handler would say it a second time.
        "django": {"handlers": []},
        "django.server": {"filters": ["access"], "handlers": ["console"], "propagate": False},
        # RQ logs each job's call with its arguments at INFO; the recorder's own line has none.
        "rq.worker": {"level": "WARNING"},
        "rq.job": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
    },
}
