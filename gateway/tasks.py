"""The periodic tasks of the gateway. Each may run twice, late, in parallel, or be killed."""

from gateway.catalog import end_notices
from gateway.health import history, model_days, route_history
from gateway.moderation import events
from gateway.upstreams import addresses


def keep_provider_history() -> None:
    """Write down how the providers were in the latest hours, and each model in the latest minutes and days."""
    history.keep()
    route_history.keep()
    model_days.keep()
    route_history.forget()


def tell_of_ending_models() -> None:
    """Mail the users of models that end."""
    end_notices.send_due()


def watch_certificates() -> None:
    """Look at when the certificates of the providers' hosts end."""
    addresses.watch_certificates()


def delete_old_moderation_events() -> None:
    """Delete what moderation found longer ago than such notes are kept."""
    events.delete_old()
