"""The tables of billing, one module a family. Private to billing."""

from billing.models.alerts import LowBalanceAlert
from billing.models.audit import AuditCheckpoint
from billing.models.auto_top_up import AutoTopUp
from billing.models.jobs import JobLease, JobSuccess
from billing.models.ledger import (
    CredentialKind,
    CreditAccount,
    Generation,
    Hold,
    LedgerEntry,
    ProcessLease,
    Spending,
)
from billing.models.limits import RequestCount
from billing.models.payments import Payment, PaymentRefund
from billing.models.prices import Price, UpstreamPrice
from billing.models.redemption import CodeBatch, RedemptionCode
from billing.models.refusals import Refusal
from billing.models.usage import UsageDay, UsageWatermark

__all__ = [
    "AuditCheckpoint",
    "AutoTopUp",
    "CodeBatch",
    "CredentialKind",
    "CreditAccount",
    "Generation",
    "Hold",
    "JobLease",
    "JobSuccess",
    "LedgerEntry",
    "LowBalanceAlert",
    "Payment",
    "PaymentRefund",
    "Price",
    "ProcessLease",
    "RedemptionCode",
    "Refusal",
    "RequestCount",
    "Spending",
    "UpstreamPrice",
    "UsageDay",
    "UsageWatermark",
]
