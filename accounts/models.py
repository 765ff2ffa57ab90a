"""The tables of people, accounts and API keys. Private to accounts."""

from typing import ClassVar

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Length, Now
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.audit.log import REASON_MAX_CHARS
from accounts.audit.log import AuditEntry as AuditEntry
from accounts.email_address import (
    EMAIL_MAX_CHARS,
    FOLDED_MAX_CHARS,
    fold_email,
    mailbox_of,
    normalise_email,
    sign_in_email,
)
from accounts.oauth.models import ApplicationDetails as ApplicationDetails
from accounts.oauth.models import IssuedToken as IssuedToken
from accounts.oauth.models import OAuthApplication as OAuthApplication
from accounts.oauth.models import OAuthToken as OAuthToken
from accounts.oauth.models import OneClickCode as OneClickCode
from accounts.scopes import key_scopes
from accounts.security.models import EventConfirmation as EventConfirmation
from accounts.security.models import SecurityEvent as SecurityEvent
from accounts.security.models import SignUp as SignUp
from accounts.signin.consents import Consent as Consent

KEY_CONCURRENCY_MAX = 500


class UserManager(BaseUserManager["User"]):
    """Creates users, each with their own account, and finds them by e-mail in any spelling."""

    def create_user(
        self,
        email: str,
        password: str | None = None,
        *,
        is_confirmed: bool = True,
        is_one_a_mailbox: bool = False,
    ) -> "User":
        """Create a person; without a password they can log in only after "forgot password".

        Nobody can log in before the address is confirmed. A mailbox may get one more account, unless
        `is_one_a_mailbox`. Raises IntegrityError.
        """
        mailbox = mailbox_of(email) if is_one_a_mailbox else self._free_mailbox(email)
        return self._create(
            email, password, mailbox=mailbox, is_operator=False, is_confirmed=is_confirmed
        )

    def create_superuser(self, email: str, password: str | None = None) -> "User":
        """Create an operator."""
        mailbox = self._free_mailbox(email)
        return self._create(email, password, mailbox=mailbox, is_operator=True, is_confirmed=True)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email_folded=fold_email(username or ""))

    def _free_mailbox(self, email: str) -> str | None:
        """Return the mailbox of an address, or None where somebody has it."""
        mailbox = mailbox_of(email)
        return None if self.filter(mailbox=mailbox).exists() else mailbox

    def _create(
        self,
        email: str,
        password: str | None,
        *,
        mailbox: str | None,
        is_operator: bool,
        is_confirmed: bool,
    ) -> "User":
        with transaction.atomic(using=self._db):
            user = self.model(
                email=normalise_email(email),
                email_folded=fold_email(email),
                mailbox=mailbox,
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
    """A person. `email` is the login; `email_folded` is equal for all its spellings.

    `mailbox` is equal for all addresses that lead to the same mailbox; null where another person had it
    first, whom an operator let have two accounts.
    """

    email = models.EmailField(_("e-mail"), max_length=EMAIL_MAX_CHARS, unique=True)
    email_folded = models.CharField(max_length=FOLDED_MAX_CHARS, unique=True, editable=False)
    mailbox = models.CharField(  # noqa: DJ001 -- null is unique as often as it likes
        max_length=FOLDED_MAX_CHARS, unique=True, null=True, editable=False
    )
    is_active = models.BooleanField(_("let in"), default=True)
    is_staff = models.BooleanField(
        _("operator"),
        default=False,
        help_text=_("May come to the operators' desk, with a second factor."),
    )
    date_joined = models.DateTimeField(_("signed up"), default=timezone.now)
    language = models.CharField(
        _("language of mails"), max_length=10, blank=True, default="", db_default="", editable=False
    )

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.email

    @property
    def mail_language(self) -> str:
        """The language to write to them in."""
        return self.language or settings.LANGUAGE_CODE


class Account(models.Model):
    """The account that pays and whose limits count.

    One that is suspended keeps its data and may spend nothing.
    """

    name = models.CharField(_("name"), max_length=254)
    owner = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="accounts", verbose_name=_("owner")
    )
    suspended_at = models.DateTimeField(_("suspended"), null=True, blank=True)
    suspension_reason = models.CharField(
        _("why suspended"), max_length=REASON_MAX_CHARS, blank=True
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="account_is_suspended_for_a_reason",
                condition=models.Q(suspended_at=None, suspension_reason="")
                | (models.Q(suspended_at__isnull=False) & ~models.Q(suspension_reason="")),
            )
        ]

    def __str__(self) -> str:
        return self.name


class AccountModelMap(models.Model):
    """An account's own names for models. `entries` is a JSON list of `[name or pattern, model]`."""

    account = models.OneToOneField(
        Account, on_delete=models.CASCADE, primary_key=True, related_name="model_map_row"
    )
    entries = models.JSONField()
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.account_id}: {len(self.entries)}"


class APIKey(models.Model):
    """An API key, stored only as the SHA-256 of its text. Empty lists allow everything.

    A key that an application created refers to it in `application`; `made_by` keeps its name for good.
    `budget_keys` are the ids of the keys that one budget bounds together: a rotated key and its successors,
    this one included; empty where it was never rotated. A network is an IPv4 /24 or an IPv6 /48.
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
    last_used_network = models.CharField(_("last used from"), max_length=43, blank=True)
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
    concurrency = models.PositiveIntegerField(_("requests at once"), null=True, blank=True)
    expires_at = models.DateTimeField(_("works until"), null=True, blank=True)
    successor = models.OneToOneField(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="predecessor",
        verbose_name=_("replaced by"),
    )
    budget_keys = models.JSONField(default=list, blank=True)
    frozen_at = models.DateTimeField(_("frozen"), null=True, blank=True)
    frozen_reason = models.CharField(_("why frozen"), max_length=200, blank=True)
    slowed_requests_per_minute = models.PositiveIntegerField(
        _("slowed to, requests a minute"), null=True, blank=True
    )

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
            models.CheckConstraint(
                name="api_key_concurrency_is_1_to_500",
                condition=models.Q(concurrency=None)
                | models.Q(concurrency__gte=1, concurrency__lte=KEY_CONCURRENCY_MAX),
            ),
            models.CheckConstraint(
                name="api_key_is_slowed_to_something",
                condition=models.Q(slowed_requests_per_minute=None)
                | models.Q(slowed_requests_per_minute__gte=1),
            ),
            models.CheckConstraint(
                name="api_key_is_frozen_for_a_reason",
                condition=models.Q(frozen_at=None, frozen_reason="")
                | (models.Q(frozen_at__isnull=False) & ~models.Q(frozen_reason="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.head}…{self.tail}"

    @property
    def hash(self) -> str:
        """The public name of the key, as in `/v1/keys/{hash}`."""
        return self.digest


class CredentialChange(models.Model):
    """A change to what an account's credentials may do, kept for a day; see `keys/change_log.py`.

    `transaction_id` is PostgreSQL's of the transaction that wrote it, null on SQLite.
    """

    account_id = models.BigIntegerField()
    transaction_id = models.BigIntegerField(null=True, db_index=True)
    changed_at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return f"{self.account_id} at {self.changed_at}"
