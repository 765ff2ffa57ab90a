"""What a security event says to people."""

from django.utils.translation import gettext as _

from accounts.security.models import SecurityEvent, Signal
from accounts.security.tallies import Evidence
from infra.rouble_text import rounded_roubles

NETWORKS_SHOWN = 12


def explanation(event: SecurityEvent) -> str:
    """Return what was noticed, with its figures, in the present language."""
    evidence: Evidence = event.evidence
    match Signal(event.signal):
        case Signal.REFUSED_CREDENTIALS:
            return _(
                "%(refused)s invalid credentials came from the network %(network)s within a minute. Its"
                " invalid credentials are refused unread for ten minutes; valid ones go on."
            ) % {"refused": evidence["refused"], "network": event.network}
        case Signal.MANY_NETWORKS:
            return _(
                "The key %(key)s was used from %(count)s networks within ten minutes: %(networks)s."
            ) % {
                "key": event.api_key,
                "count": len(evidence["networks"]),
                "networks": ", ".join(evidence["networks"][:NETWORKS_SHOWN]),
            }
        case Signal.UNUSUAL_SPENDING:
            return _(
                "%(subject)s spent %(spent)s today; the seven days before, it was %(mean)s a day on"
                " average."
            ) % {
                "subject": _("The key %(key)s") % {"key": event.api_key}
                if evidence["of"] == "key"
                else _("The account"),
                "spent": rounded_roubles(evidence["spent_nano"]),
                "mean": rounded_roubles(evidence["mean_nano"]),
            }
        case Signal.MANY_SIGN_UPS:
            return _(
                "%(count)s accounts were made from the network %(network)s within an hour."
            ) % {
                "count": len(evidence["accounts"]),
                "network": event.network,
            }
        case Signal.MODERATION_REFUSALS:
            return _("Moderation refused %(refused)s of the last %(requests)s requests.") % evidence
        case Signal.ABANDONED_REQUESTS:
            return (
                _(
                    "Of %(requests)s requests in ten minutes, %(left)s were left before their answer began."
                )
                % evidence
            )
        case Signal.LEAKED_KEY:
            return _(
                "Somebody reported the key %(key)s as leaked: they had its whole text. It is frozen."
            ) % {"key": event.api_key}


def consequence(event: SecurityEvent) -> str:
    """Return what the owner is to do, in the present language."""
    match Signal(event.signal):
        case Signal.MANY_NETWORKS | Signal.UNUSUAL_SPENDING if event.api_key_id is not None:
            return _(
                "The key is slowed to 60 requests a minute until you confirm that it was you. If it was"
                " not, revoke it and make another."
            )
        case Signal.LEAKED_KEY:
            return _(
                "It is best to revoke it and to make another. Where the report was wrong, thaw it."
            )
    return _("Nothing is limited by this. If you know why, confirm it.")
