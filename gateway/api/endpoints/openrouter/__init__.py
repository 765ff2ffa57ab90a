"""The answers that OpenRouter's official SDKs parse strictly, for the paths under /api/v1.

Each view adds to OpenAI's, or to our own, what the SDKs require: null or zero where we have nothing to say.
Source: the pydantic models of PyPI `openrouter` 1.3.84 (OpenRouterTeam/python-sdk) and the zod schemas of
npm `@openrouter/sdk` 1.3.19 (OpenRouterTeam/typescript-sdk).
"""
