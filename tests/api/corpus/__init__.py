"""What real clients send, in a form of our own: histories, data URLs, tools, and wrong requests.

Facts after public reports: MoonshotAI/kimi-cli #2165, router-for-me/CLIProxyAPI #2001 (broken arguments),
NousResearch/hermes-agent #55432 (image/jpg), ogx-ai/ogx #4781 (calls of tools that were not offered),
langgenius/dify #39008 (line ends in events).
Schemas: mark3labs/mcp-go #224, modelcontextprotocol/php-sdk #405, Dokploy/mcp #74, Effect-TS/effect #4116,
sinclairzx81/typebox #1165, ProfSynapse/nexus #5, spring-projects/spring-ai #5888, langchain4j #5790,
VoltAgent/voltagent #626, TencentCloudBase/CloudBase-AI-Toolkit #626, tadata-org/fastapi_mcp #218,
anomalyco/opencode #11889, Automattic/wordpress-mcp #103, smallmain/vscode-unify-chat-provider #162,
satelliteoflove/godot-mcp #214, Azure/azure-mcp #197, mastra-ai/mastra #23731, s-stefanov/actual-mcp #26.
Names: github/copilot-cli #1879, NetApp/netapp-dataops-toolkit #38. Histories: n8n-io/n8n #36760,
mindroom-ai/mindroom #1548, langchain-ai/langchain #37756, mikeyobrien/pi-provider-kiro #137,
MoonshotAI/kimi-code #1053, HKUDS/LightRAG #3491, anthropics/claude-code #56064.
Data URLs: whatwg/fetch #579, CrackerakiUA/ngImgCropFullExtended #34, erezlife/html2docx #62, gngrOrg/gngr #15,
omnimind-ai/OmniBot #360, vybestack/llxprt-code #2130, vercel/ai #16654, Alishahryar1/free-claude-code #1587.
"""

import pathlib
from typing import Any

import orjson

_FOLDER = pathlib.Path(__file__).parent


def corpus(name: str) -> list[dict[str, Any]]:
    """Return the entries of one file; each has a `name`, and says `why` where the name does not.

    A schema of a `dialect` is none of the present draft until it is read.
    """
    entries: list[dict[str, Any]] = orjson.loads((_FOLDER / f"{name}.json").read_bytes())
    return entries
