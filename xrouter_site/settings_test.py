"""What the tests change: a secret of their own, quick passwords, no files of an operator's."""

import os
import tempfile

os.environ.setdefault("SECRET_KEY", "a-secret-of-the-tests-alone-0123456789abcdef0123456789")
os.environ.setdefault(
    "DATABASE_URL", f"sqlite:///{tempfile.gettempdir()}/xrouter-tests-{os.getpid()}.sqlite3"
)

from xrouter_site.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGGING["loggers"]["xrouter.request"] = {"level": "WARNING"}  # noqa: F405
if IS_POSTGRES:  # noqa: F405
    # A test is one transaction, which is idle for as long as a busy machine works on its page.
    DATABASES["default"]["OPTIONS"]["session"]["idle_in_transaction_session_timeout"] = "60s"  # noqa: F405
