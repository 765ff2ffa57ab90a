"""The periodic tasks of the gateway. Each may run twice, late, in parallel, or be killed."""

from celery import shared_task

from gateway.health import history


@shared_task
def keep_provider_history() -> None:
    """Write down how the providers were in the latest hours."""
    history.keep()
