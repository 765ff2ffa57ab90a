"""The table of provider credentials, several for each provider, with encrypted secrets."""

import hashlib
import re
import uuid
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway.models.openai_servers import KEYLESS, OpenAIServer
from gateway.providers.registry import BUILT_IN
from infra import secret_box
from infra.secret_box import Sealed

ENVIRONMENT = "environment"
"""The name of the credential that the environment gives."""
FINGERPRINT_CHARACTERS = 4

_name = RegexValidator(
    re.compile(r"\A[a-z0-9][a-z0-9._-]*\Z"), _("Write small Latin letters, digits and . _ - only.")
)


class ProviderCredential(models.Model):
    """One credential. `seal` encrypts the secret; gateway/upstreams/adapters.py alone decrypts it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.SlugField(_("provider"), max_length=32, db_index=False)
    name = models.CharField(
        _("name"),
        max_length=50,
        validators=[_name],
        help_text=_("How journals, alerts and metrics call it."),
    )
    settings = models.JSONField(
        _("settings"),
        default=dict,
        blank=True,
        help_text=_(
            "gigachat: scope, chat_form, base_url, auth_url, ca_bundle_file; yandexgpt: folder_id,"
            " base_url, iam_url; cloudru: base_url. What is absent is taken from the environment."
        ),
    )
    concurrency = models.PositiveIntegerField(
        _("slots"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Requests at once upstream. Empty: no cap of ours."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    ciphertext = models.BinaryField(editable=False)
    nonce = models.BinaryField(editable=False)
    key_id = models.CharField(_("master key"), max_length=50, editable=False)
    fingerprint = models.CharField(
        _("fingerprint"), max_length=FINGERPRINT_CHARACTERS, editable=False
    )
    secret_set_at = models.DateTimeField(_("secret set"), editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        app_label = "gateway"
        verbose_name = _("provider credential")
        verbose_name_plural = _("provider credentials")
        ordering = ("provider", "name")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                name="one_credential_a_provider_and_name", fields=["provider", "name"]
            ),
            models.CheckConstraint(
                name="credential_provider_is_lower",
                condition=models.Q(provider=Lower("provider")) & ~models.Q(provider=""),
            ),
            models.CheckConstraint(
                name="credential_name_is_its_own",
                condition=~models.Q(name__in=["", ENVIRONMENT, KEYLESS]),
                violation_error_message=_("This name is taken by the service itself."),
            ),
            models.CheckConstraint(
                name="credential_has_slots",
                condition=models.Q(concurrency__isnull=True) | models.Q(concurrency__gt=0),
            ),
            models.CheckConstraint(name="credential_is_sealed", condition=~models.Q(key_id="")),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.name}"

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.key_id, bytes(self.nonce), bytes(self.ciphertext))

    def seal(self, secret: str) -> None:
        """Replace the secret; the caller saves."""
        self._keep(secret_box.seal(secret, owner=str(self.pk)))
        digest = hashlib.sha256(secret.encode()).hexdigest()
        self.fingerprint = digest[-FINGERPRINT_CHARACTERS:]
        self.secret_set_at = timezone.now()

    def reseal(self) -> None:
        """Encrypt the same secret with the current master key. Raises SecretUnreadable."""
        owner = str(self.pk)
        self._keep(secret_box.seal(secret_box.unseal(self.sealed, owner=owner), owner=owner))

    def clean(self) -> None:
        built_in = BUILT_IN.get(self.provider)
        known = frozenset(built_in.settings if built_in else ())
        if built_in is None and not (
            OpenAIServer._default_manager.filter(slug=self.provider).exists()
        ):
            raise ValidationError({"provider": _("There is no such provider.")})
        if not isinstance(self.settings, dict) or not all(
            isinstance(value, str) and value for value in self.settings.values()
        ):
            raise ValidationError({"settings": _("Write an object of texts.")})
        if unknown := sorted(set(self.settings) - known):
            raise ValidationError(
                {
                    "settings": _("%(provider)s has no settings %(names)s.")
                    % {"provider": self.provider, "names": ", ".join(unknown)}
                }
            )

    def _keep(self, sealed: Sealed) -> None:
        self.key_id, self.nonce, self.ciphertext = sealed.key_id, sealed.nonce, sealed.ciphertext
