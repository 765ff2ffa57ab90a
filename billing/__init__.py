"""Money: prices, balances, the ledger, limits, usage and payments."""
