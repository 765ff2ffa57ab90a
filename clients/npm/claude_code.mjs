// Claude Code, as a program set up by docs/agents.md: `claude -p`, whose tool runs a command.

import { block, exported } from "./guide.mjs";
import { COMMAND, printed } from "./program.mjs";
import * as trial from "./trial.mjs";

function ask(model, question, ...options) {
  const variables = {
    ...exported(block("agents.md", "## Claude Code", "sh", model)),
    ANTHROPIC_MODEL: model, // the guide's way without a map of names
    ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
  };
  return printed("claude", ["-p", ...options, "--", question], { variables });
}

await trial.run(["@anthropic-ai/claude-code"], {
  async chat(model) {
    return ask(model, trial.QUESTION, "--tools", "");
  },

  async tools(model) {
    // One tool alone: the sandbox calls any whose name it reads, and Claude Code writes of many.
    const call = { command: COMMAND, description: "Погода" };
    const question = `Вызови Bash: ${JSON.stringify(call)}`;
    return ask(model, question, "--tools", "Bash", "--allowedTools", "Bash");
  },
});
