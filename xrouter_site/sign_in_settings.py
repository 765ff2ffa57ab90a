"""Sign-in: how people are known, what mails and codes are worth, how often one may try."""

PASSWORD_HASHERS = ["accounts.signin.passwords.Argon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/cabinet/"
LOGOUT_REDIRECT_URL = "/"

AUTHENTICATION_BACKENDS = ["accounts.signin.email_backend.EmailBackend"]
ACCOUNT_ADAPTER = "accounts.signin.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.signin.forms.LoginForm",
    "signup": "accounts.signin.forms.SignupForm",
    "add_email": "accounts.signin.forms.AddEmailForm",
    "change_password": "accounts.signin.forms.ChangePasswordForm",
    "set_password": "accounts.signin.forms.SetPasswordForm",
    "reset_password": "accounts.signin.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.signin.forms.ResetPasswordKeyForm",
    "reauthenticate": "accounts.signin.forms.ReauthenticateForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = None  # users.change_email keeps it, with its folded form
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
PASSWORD_RESET_TIMEOUT = 86_400  # seconds that the link in the mail works
ACCOUNT_LOGIN_TIMEOUT = 3600  # seconds that a log-in may wait for its mail or its code
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_SIGNUP_REDIRECT_URL = "/cabinet/keys/"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# These count by address, known or not; accounts/signin/urls.py has the rates by sender.
ACCOUNT_RATE_LIMITS = {
    "login_failed": "10/15m/key",
    "reset_password": "5/15m/key",
    "confirm_email": "5/15m/key",
    "login": None,
    "signup": None,
    "change_password": None,
    "manage_email": None,
    "reauthenticate": None,
    "reset_password_from_key": None,
}
MFA_ADAPTER = "accounts.signin.second_factor.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.signin.forms.AuthenticateForm",
    "reauthenticate": "accounts.signin.forms.CodeReauthenticateForm",
    "activate_totp": "accounts.signin.forms.ActivateForm",
}
MFA_TOTP_ISSUER = "XRouter"
MFA_TOTP_TOLERANCE = 1  # steps of 30 seconds before and after, for slow hands and clocks
# Nobody gets so far without a confirmed address; the wish for another one is no reason to refuse.
MFA_ALLOW_UNVERIFIED_EMAIL = True
RATELIMIT_FAIL_OPEN = True  # for a count that ran out between two of its steps
