"""Who may call: people, the accounts that pay, and the API keys of those accounts."""

from typing import ClassVar

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.audit import AuditEntry as AuditEntry
from accounts.consents import Consent as Consent
from accounts.email_address import (
    EMAIL_MAX_CHARS,
    FOLDED_MAX_CHARS,
    fold_email,
    normalise_email,
    sign_in_email,
)
from accounts.oauth.models import ApplicationDetails as ApplicationDetails
from accounts.oauth.models import IssuedToken as IssuedToken
from accounts.oauth.models import OAuthApplication as OAuthApplication
from accounts.oauth.models import OAuthToken as OAuthToken
from accounts.oauth.models import OneClickCode as OneClickCode
from accounts.scopes import key_scopes


class UserManager(BaseUserManager["User"]):
    """Makes users, each with an account of their own, and finds them by e-mail in any spelling."""

    def create_user(
        self, email: str, password: str | None = None, *, is_confirmed: bool = True
    ) -> "User":
        """Create a person; without a password they can only be let in by "forgot password".

        Nobody logs in before the address is confirmed.
        """
        return self._create(email, password, is_operator=False, is_confirmed=is_confirmed)

    def create_superuser(self, email: str, password: str | None = None) -> "User":
        """Create an operator."""
        return self._create(email, password, is_operator=True, is_confirmed=True)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email_folded=fold_email(username or ""))

    def _create(
        self, email: str, password: str | None, *, is_operator: bool, is_confirmed: bool
    ) -> "User":
        with transaction.atomic(using=self._db):
            user = self.model(
                email=normalise_email(email),
                email_folded=fold_email(email),
                is_staff=is_operator,
                is_superuser=is_operator,
            )
            user.set_password(password)
            user.save(using=self._db)
            Account.objects.using(self._db).create(owner=user, name=user.email)
            EmailAddress.objects.using(self._db).create(
                user=user, email=sign_in_email(user.email), primary=True, verified=is_confirmed
            )
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person. `email` is the login; `email_folded` is what makes two spellings of it one."""

    email = models.EmailField(_("e-mail"), max_length=EMAIL_MAX_CHARS, unique=True)
    email_folded = models.CharField(max_length=FOLDED_MAX_CHARS, unique=True, editable=False)
    is_active = models.BooleanField(_("let in"), default=True)
    is_staff = models.BooleanField(
        _("operator"),
        default=False,
        help_text=_("May come to the operators' desk, with a second factor."),
    )
    date_joined = models.DateTimeField(_("signed up"), default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.email


class Account(models.Model):
    """The one who pays, and whose limits count.

    `credentials_epoch` grows with every change to what its credentials may do, so that processes
    know when to read them again.
    """

    name = models.CharField(_("name"), max_length=254)
    owner = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="accounts", verbose_name=_("owner")
    )
    credentials_epoch = models.PositiveBigIntegerField(default=0, editable=False)
    suspended_at = models.DateTimeField(_("suspended"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")

    def __str__(self) -> str:
        return self.name


class APIKey(models.Model):
    """A secret key, kept as the SHA-256 of its text alone. Empty lists allow everything.

    A key that an application made names it in `application`, and in `made_by` for good.
    """

    class Reset(models.TextChoices):
        DAILY = "daily", _("daily")
        WEEKLY = "weekly", _("weekly")
        MONTHLY = "monthly", _("monthly")

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="api_keys", verbose_name=_("account")
    )
    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="api_keys", verbose_name=_("user")
    )
    name = models.CharField(_("name"), max_length=100)
    application = models.ForeignKey(
        "oauth2_provider.Application",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="api_keys",
        verbose_name=_("application"),
    )
    made_by = models.CharField(_("made by"), max_length=255, blank=True)
    digest = models.CharField(max_length=64, unique=True)
    head = models.CharField(_("first characters"), max_length=12)
    tail = models.CharField(_("last characters"), max_length=4)
    is_test = models.BooleanField(_("test key"), default=False)
    scopes = models.JSONField(_("scopes"), default=key_scopes)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    disabled = models.BooleanField(_("switched off"), default=False)
    allowed_models = models.JSONField(_("allowed models"), default=list, blank=True)
    allowed_ips = models.JSONField(_("allowed addresses"), default=list, blank=True)
    limit_nano = models.BigIntegerField(_("limit, nano-credits"), null=True, blank=True)
    limit_reset = models.CharField(  # noqa: DJ001 -- the API's null, "never", is no empty word
        _("limit reset"), max_length=7, choices=Reset.choices, null=True, blank=True
    )
    rate_requests = models.PositiveIntegerField(_("own rate, requests"), null=True, blank=True)
    rate_window_s = models.PositiveIntegerField(_("own rate, seconds"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="api_key_digest_is_sha256", condition=Exact(Length("digest"), 64)
            ),
            models.CheckConstraint(
                name="api_key_shows_12_and_4",
                condition=Exact(Length("head"), 12) & Exact(Length("tail"), 4),
            ),
            models.CheckConstraint(name="api_key_has_a_name", condition=~models.Q(name="")),
            models.CheckConstraint(
                name="api_key_limit_is_not_negative",
                condition=models.Q(limit_nano=None) | models.Q(limit_nano__gte=0),
            ),
            models.CheckConstraint(
                name="api_key_limit_reset_is_known",
                condition=models.Q(limit_reset=None)
                | models.Q(limit_reset__in=["daily", "weekly", "monthly"]),
            ),
            models.CheckConstraint(
                name="api_key_rate_is_whole_or_absent",
                condition=models.Q(rate_requests=None, rate_window_s=None)
                # SQL takes "unknown" for yes, so the comparison alone would let half a rate pass.
                | models.Q(
                    rate_requests__isnull=False,
                    rate_window_s__isnull=False,
                    rate_requests__gt=0,
                    rate_window_s__gt=0,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.head}…{self.tail}"

    @property
    def hash(self) -> str:
        """The public name of the key, as in `/v1/keys/{hash}`."""
        return self.digest
