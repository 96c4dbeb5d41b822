"""Every setting, flat. With no environment at all it runs whole on one laptop; `.env.example` tells each variable."""

from pathlib import Path

import dj_database_url
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from writingapp import env

ROOT = Path(__file__).resolve().parent.parent
DATA_DIR = env.folder("DATA_DIR", ROOT / "var")
DATA_DIR.mkdir(parents=True, exist_ok=True)

# --- who may come in -------------------------------------------------------------------------------------------------
DEBUG = env.boolean("DEBUG", default=False)
SECRET_KEY = env.secret("SECRET_KEY", kept_in=DATA_DIR / "secret_key")
HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, least=1, most=65535)
# Scheme, host and port of every address the pages are served under; sockets and forms from any other are refused.
SITE_ORIGINS = env.listing("SITE_ORIGINS", f"http://127.0.0.1:{PORT},http://localhost:{PORT}")
if "*" in SITE_ORIGINS:
    raise env.BadSetting("SITE_ORIGINS: name each address; * would let any page of any site open a writer's socket.")
ALLOWED_HOSTS = sorted({origin.split("://")[-1].rsplit(":", 1)[0] for origin in SITE_ORIGINS})
CSRF_TRUSTED_ORIGINS = SITE_ORIGINS
SECURE = all(origin.startswith("https://") for origin in SITE_ORIGINS)
SIGNUP_OPEN = env.boolean("SIGNUP_OPEN", default=True)

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "writingapp.views.errors.csrf_failure"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF, NONCE],  # the nonce is CodeMirror's: it writes its own style element
        "img-src": [SELF, "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
        "require-trusted-types-for": ["'script'"],
    },
}

# --- the house -------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "servestatic.runserver_nostatic",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "writingapp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "writingapp.middleware.WriterMiddleware",  # her language and time zone; needs the user
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "writingapp.urls"
ASGI_APPLICATION = "writingapp.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "writingapp.views.context.site",
            ],
        },
    },
]
STATIC_URL = "static/"
STATICFILES_DIRS = [ROOT / "static"]
STATIC_ROOT = DATA_DIR / "static"
SERVESTATIC_USE_FINDERS = True  # straight from static/: nothing to collect before a start
SERVESTATIC_AUTOREFRESH = DEBUG
SERVESTATIC_MAX_AGE = 0  # names carry no hash, so a browser asks each time and is answered "not changed"

# --- database, Redis, cache ------------------------------------------------------------------------------------------
DATABASES = {"default": dj_database_url.parse(env.text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'bailu.sqlite3'}"))}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # Writers wait for each other instead of failing half-way: a deferred transaction cannot be retried by SQLite.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # With NORMAL a commit survives our death, not always the machine's; what people say waits (services.durable).
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY;",
    }
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}  # a file: threads share it
    DATABASES["default"]["CONN_MAX_AGE"] = None  # a file does not hang up; to open it anew takes 0.7 ms
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["CONN_MAX_AGE"] = 60
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

EMBEDDED_REDIS_PORT = env.integer("EMBEDDED_REDIS_PORT", 6390, least=1, most=65535)
REDIS_URL = env.text("REDIS_URL", f"redis://127.0.0.1:{EMBEDDED_REDIS_PORT}").rstrip("/")
REDIS_BROKER, REDIS_LOG, REDIS_CACHE, REDIS_NIGHT = (f"{REDIS_URL}/{number}" for number in (0, 1, 2, 3))
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_CACHE,
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}

# --- Celery ----------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_BROKER
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,  # kombu's default waits for ever on a dead connection
    "socket_connect_timeout": 2,
    "health_check_interval": 5,
    "ack_emulation": False,  # rows and the sweep stand for acknowledgements: a third of Celery's work saved
}
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = 4  # a task only hands over to the scribe's loop; what runs at once is counted there
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False  # the lease and the attempt number fence a rerun
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_DEFAULT_QUEUE = "upkeep"
CELERY_TIMEZONE = "UTC"

# --- the model -------------------------------------------------------------------------------------------------------
MODEL = env.text("MODEL", "qwen2.5-coder-1.5b")
MODEL_CACHE = env.folder("MODEL_CACHE", Path("~/.cache/bailu/models"))
EMBEDDED_ENGINE_PORT = env.integer("EMBEDDED_ENGINE_PORT", 8071, least=1, most=65535)
ENGINE_KIND = env.text("ENGINE_KIND", "llamacpp")
ENGINE_URL = env.text("ENGINE_URL").rstrip("/")  # empty: the embedded engine, kept by this house
ENGINE_KEY = env.text("ENGINE_KEY")
ENGINE_SEES = env.boolean("ENGINE_SEES", default=False)  # its model reads pictures
ENGINE_CAPACITY = env.integer("ENGINE_CAPACITY", 2, least=1, most=4096)
# Seconds of silence after which a text leaves a node for another one: before its first characters, and between two.
ENGINE_FIRST_SECONDS = env.integer("ENGINE_FIRST_SECONDS", 25, least=1, most=600)
ENGINE_BETWEEN_SECONDS = env.integer("ENGINE_BETWEEN_SECONDS", 10, least=1, most=600)
ENGINE_NODES = env.text("ENGINE_NODES")  # a TOML file of many nodes, instead of the one above
PHOTO_TAGS = env.boolean("PHOTO_TAGS", default=True)  # a classifier looks at them
PHOTOS = DATA_DIR / "photos"  # re-encoded pictures, outside every web root
ADAPTERS = DATA_DIR / "adapters"  # the registry: one immutable folder an adapter
ADAPTERS_KEPT = env.integer("ADAPTERS_KEPT", 14, least=1, most=10_000)  # of those that no node holds, the newest
KEYS = DATA_DIR / "keys"  # keys of nodes, one file each, for those that are not in the environment
INSPIRE_CONCURRENCY = env.integer("INSPIRE_CONCURRENCY", 256, least=1, most=4096)
DRAFTS = env.integer("DRAFTS", 1, least=1, most=8)  # of each couplet, on a node with room
QUEUE_LIMIT = env.integer("QUEUE_LIMIT", 400, least=2, most=100_000)  # texts unfinished at once in the whole house

# --- pairs for training ----------------------------------------------------------------------------------------------
PAIRS_SPLIT_KEY = env.secret("PAIRS_SPLIT_KEY", kept_in=DATA_DIR / "split_key")  # decides what is never trained on
PAIRS_A_WRITER = env.integer("PAIRS_A_WRITER", 40, least=1, most=10_000)  # a night
PAIRS_SHARE = env.integer("PAIRS_SHARE", 30, least=1, most=100)  # percent of a night's pairs, for any one writer
TRAIN_FEWEST = env.integer("TRAIN_FEWEST", 20, least=1, most=1_000_000)  # pairs; with fewer a run is skipped
TRAIN_UNREVIEWED = env.boolean("TRAIN_UNREVIEWED", default=False)  # pairs that no reviewer has looked at
RUNS = DATA_DIR / "runs"  # one folder a training run

# --- the night -------------------------------------------------------------------------------------------------------
NIGHT = env.boolean("NIGHT", default=True)  # no: adapters are trained by hand only
NIGHT_AT = env.clock("NIGHT_AT", "02:30")  # of the house's own clock, TIME_ZONE
NIGHT_UNTIL = env.clock("NIGHT_UNTIL", "05:30")  # everything has ended by then but the loading
if NIGHT_AT == NIGHT_UNTIL:
    raise env.BadSetting(f"NIGHT_UNTIL={NIGHT_UNTIL:%H:%M}: that is when the night begins; let it end at another time.")
NIGHT_GATE_MINUTES = env.integer("NIGHT_GATE_MINUTES", 45, least=0, most=1440)  # kept free for judging
# A house that was off at night makes up for it by day, once nobody has been at a session for so many minutes; 0: never.
NIGHT_LATE = env.integer("NIGHT_LATE", 30, least=0, most=1440)
NIGHT_BASE = env.text("NIGHT_BASE")  # a folder of training.base; empty: made from the embedded engine's file
NIGHT_KNOBS = env.text("NIGHT_KNOBS")  # of training.config.Config: rank=16 learning_rate=1e-5
NIGHT_TRAINER = env.text("NIGHT_TRAINER", "training.launch")  # modules that are given a run's folder
NIGHT_JUDGE = env.text("NIGHT_JUDGE", "training.judge")
TRIAL_SHARE = env.integer("TRIAL_SHARE", 0, least=0, most=100)  # percent of the writers; 0: promoted without a trial
TRIAL_DAYS = env.integer("TRIAL_DAYS", 14, least=1, most=365)

# --- figures for the operator ----------------------------------------------------------------------------------------
METRICS_TOKEN = env.text("METRICS_TOKEN")  # empty: /metrics is not there
WORKER_METRICS_PORT = env.integer("WORKER_METRICS_PORT", 0, least=0, most=65535)  # on loopback; 0: none

# --- people ----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "writingapp.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "today"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "writingapp.accounts.AccountAdapter"
ACCOUNT_FORMS = {"signup": "writingapp.accounts.SignupForm"}
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "5/5m/key,20/5m/ip", "signup": "10/h/ip"}
ACCOUNT_SESSION_REMEMBER = True
SESSION_COOKIE_AGE = 60 * 60 * 24 * 60

# --- the desk --------------------------------------------------------------------------------------------------------
STAFF_NEEDS_TOTP = env.boolean("STAFF_NEEDS_TOTP", default=False)  # yes: staff pages open only with a second step
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Bailu"
MFA_TOTP_TOLERANCE = 1  # a code that is typed just before it changes arrives after; RFC 6238, 5.2 allows one step
REVIEWS_A_PAIR = env.integer("REVIEWS_A_PAIR", 1, least=1, most=9)  # reviewers of one mind who decide a pair

LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LANGUAGE_CODE = "zh-hans"
LOCALE_PATHS = [ROOT / "locale"]
TIME_ZONE = env.text("TIME_ZONE", "Asia/Shanghai")
USE_TZ = True

# Only lost passwords need mail. With no EMAIL_HOST a mail is printed where the house runs.
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.integer("EMAIL_PORT", 587, least=1, most=65535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "bailu@localhost")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
FILE_UPLOAD_MAX_MEMORY_SIZE = 13 * 1024 * 1024  # bytes; no body is longer (writingapp.bodies): none goes to disk
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024  # bytes; a manuscript of the greatest length fits

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        "daphne": {"level": "WARNING"},
        "aiohttp.access": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},  # else two lines for every task
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.request": {"level": "WARNING"},  # else one for every tick that came while a night was at work
    },
}
