"""Tools and calls in a request, as far as all providers are alike."""

import secrets

from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import ChatRequest, JSONObject, NamedTool, Tool
from gateway.providers.errors import UnsupportedInput


def mint_call_id() -> str:
    """Make the id of a tool call, unique within any conversation."""
    return f"call_{secrets.token_hex(12)}"


def has_tools(request: ChatRequest) -> bool:
    """Tell whether tools are offered. Raises UnsupportedInput if `tool_choice` needs one that is not."""
    choice = request.tool_choice
    offered = {tool.name for tool in request.tools}
    if isinstance(choice, NamedTool) and choice.name not in offered:
        raise UnsupportedInput(f"No tool {choice.name!r} is offered.", param="tool_choice")
    if not offered and choice == "required":
        raise UnsupportedInput("No tool is offered.", param="tool_choice")
    return bool(offered)


def wire_function(tool: Tool, names: ToolNames) -> JSONObject:
    """Write a tool as `{"name", "description", "parameters", "strict"}`."""
    function: JSONObject = {"name": names.to_wire(tool.name)}
    if tool.description:
        function["description"] = tool.description
    # An absent schema means "no parameters" at OpenAI; elsewhere it may mean "anything".
    function["parameters"] = tool.parameters or {"type": "object", "properties": {}}
    if tool.strict is not None:
        function["strict"] = tool.strict
    return function
