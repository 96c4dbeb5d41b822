"""The house's settings, with one change: passwords are hashed quickly, since every test makes people."""

from writingapp.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
