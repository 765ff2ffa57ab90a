"""Payments by card: the shop at YooKassa, who may send its notices, and what receipts say."""

from xrouter_site import env, env_addresses, env_secrets

YOOKASSA_OFFICIAL_URL = "https://api.yookassa.ru/v3"
YOOKASSA_NETWORKS = (  # that notices come from: https://yookassa.ru/developers/using-api/webhooks
    "185.71.76.0/27, 185.71.77.0/27, 77.75.153.0/25, 77.75.154.128/25,"
    " 77.75.156.11, 77.75.156.35, 2a02:5180::/32"
)
# As in yookassa.domain.models.receipt_data.receipt_item, which takes long to load.
PAYMENT_SUBJECTS = (
    *("commodity", "excise", "job", "service", "gambling_bet", "gambling_prize", "lottery"),
    *("lottery_prize", "intellectual_activity", "payment", "agent_commission"),
    *("composite", "another"),
)
PAYMENT_MODES = (
    *("full_prepayment", "partial_prepayment", "advance", "full_payment", "partial_payment"),
    *("credit", "credit_payment"),
)
YOOKASSA_SHOP_ID = env_secrets.credential("YOOKASSA_SHOP_ID")
YOOKASSA_SECRET_KEY = env_secrets.credential("YOOKASSA_SECRET_KEY")
if bool(YOOKASSA_SHOP_ID) != bool(YOOKASSA_SECRET_KEY):
    unset, other = ("YOOKASSA_SECRET_KEY", "YOOKASSA_SHOP_ID")[:: 1 if YOOKASSA_SHOP_ID else -1]
    env.refuse(unset, f"set it beside {other}, or unset both.")
YOOKASSA_BASE_URL = env_addresses.address(
    "YOOKASSA_BASE_URL", YOOKASSA_OFFICIAL_URL, ending="/v3", is_base=True
)
# Receipts (54-FZ): https://yookassa.ru/developers/payment-acceptance/receipts/54fz/yoomoney/parameters-values
YOOKASSA_VAT_CODE = env.whole("YOOKASSA_VAT_CODE", 0, maximum=12)
YOOKASSA_TAX_SYSTEM_CODE = env.whole("YOOKASSA_TAX_SYSTEM_CODE", 0, maximum=6)
YOOKASSA_PAYMENT_SUBJECT = env.word("YOOKASSA_PAYMENT_SUBJECT", "service", PAYMENT_SUBJECTS)
YOOKASSA_PAYMENT_MODE = env.word("YOOKASSA_PAYMENT_MODE", "full_payment", PAYMENT_MODES)
YOOKASSA_WEBHOOK_NETWORKS = env_addresses.networks(
    "YOOKASSA_WEBHOOK_NETWORKS",
    YOOKASSA_NETWORKS if YOOKASSA_BASE_URL == YOOKASSA_OFFICIAL_URL else "",
)
