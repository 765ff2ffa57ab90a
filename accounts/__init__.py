"""People, their accounts, API keys, OAuth and sign-in: who is calling, and what they may do."""
