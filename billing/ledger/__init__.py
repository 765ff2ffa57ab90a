"""The ledger: holds, settlements and other movements of money, and what is read from them."""
