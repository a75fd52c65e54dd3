"""What the environment says. DATABASE_URL and REDIS_URL are read by `campaigns` itself, and need no line here.

Django's own tables are in the same PostgreSQL as the campaigns', which have other names; or, by DJANGO_DATABASE_URL, in
another one. To the code that is the same: a transaction of Django's holds what Django writes, and never a campaign.
"""

import os
from pathlib import Path

from sqlalchemy.engine import make_url

BASE_DIR = Path(__file__).parent.parent

_ENGINES = {"postgresql": "django.db.backends.postgresql", "sqlite": "django.db.backends.sqlite3"}
_url = make_url(os.environ.get("DJANGO_DATABASE_URL") or os.environ["DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": _ENGINES[_url.get_backend_name()],
        "NAME": _url.database,
        "USER": _url.username or "",
        "PASSWORD": _url.password or "",
        "HOST": _url.host or _url.query.get("host", ""),  # a socket's folder is a query
        "PORT": _url.port or _url.query.get("port", ""),
    }
}

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
DEBUG = False  # its pages of errors, and its mails, show whatever is in a variable: numbers too
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "127.0.0.1,localhost").split(",")

INSTALLED_APPS = ["reminders"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
ROOT_URLCONF = "clinic.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
