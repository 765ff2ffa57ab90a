"""Mails about models that end: one to each account that used the model lately, once for each last day."""

import datetime as dt
from functools import partial

from django.conf import settings
from django.core.mail import send_mail
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.usage.model_users import ModelUser, users_of
from gateway.models import EndNotice, LanguageModel
from infra.claimed_mail import send_claimed
from infra.moscow_time import moscow_day

USED_WITHIN = dt.timedelta(days=30)


def send_due() -> int:
    """Mail whoever used a model that ends within the last 30 days, and was not told yet.

    Return how many mails were sent. One that cannot be sent is tried again next time. Raises django.db.Error.
    """
    today = moscow_day(timezone.now())
    sent = 0
    for model in LanguageModel.objects.filter(enabled=True, ends_on__gte=today):
        if model.ends_on is not None:
            for user in users_of(model.public_id, today - USED_WITHIN):
                sent += _told(model, model.ends_on, user)
    return sent


def _told(model: LanguageModel, ends_on: dt.date, user: ModelUser) -> bool:
    """Send one mail, unless it was sent or another process is about to; say whether it was."""
    notice, _created = EndNotice.objects.get_or_create(
        account_id=user.account_id, model=model, ends_on=ends_on
    )
    due = EndNotice.objects.filter(pk=notice.pk, sent_at=None)
    send = partial(_send, model, ends_on, user)
    return send_claimed(due, send, account_id=user.account_id, sent={"sent_at": Now()})


def _send(model: LanguageModel, ends_on: dt.date, user: ModelUser) -> None:
    with override(user.language):
        subject, text = _words(model, ends_on, user)
    send_mail(subject, text, None, [user.email])


def _words(model: LanguageModel, ends_on: dt.date, user: ModelUser) -> tuple[str, str]:
    """Return the subject and the text, in the present language."""
    values = {
        "account": user.account_name,
        "model": model.public_id,
        "day": date_format(ends_on),
        "url": f"{settings.PUBLIC_URL}/models/",
    }
    text = _(
        "The account %(account)s used the model %(model)s in the last 30 days. Its last day is"
        " %(day)s: after it requests to it are answered with 404.\n\n"
    )
    if model.successor:
        values["successor"] = model.successor
        text += _("Use %(successor)s instead.\n\n")
    text += _("All models: %(url)s\n")
    return _("XRouter: %(model)s ends on %(day)s") % values, text % values
