"""The operators' pages of prices, balances, the ledger, payments, codes and generations."""

from billing.admin.codes import CodeBatchAdmin, RedemptionCodeAdmin
from billing.admin.ledger import BalanceAdmin, GenerationAdmin, LedgerEntryAdmin
from billing.admin.payments import AutoTopUpAdmin, PaymentAdmin, PaymentRefundAdmin
from billing.admin.prices import PriceAdmin

__all__ = [
    "AutoTopUpAdmin",
    "BalanceAdmin",
    "CodeBatchAdmin",
    "GenerationAdmin",
    "LedgerEntryAdmin",
    "PaymentAdmin",
    "PaymentRefundAdmin",
    "PriceAdmin",
    "RedemptionCodeAdmin",
]
